// What HTML says of its elements, as far as translation needs it.

/** @param {string} names */
const set = (names) => new Set(names.split(" "));

/**
 * Elements that end a sentence where they begin and where they end. All others, unknown ones and those of web components
 * included, stand inside a sentence, as HTML has it.
 */
export const BLOCKS = set(
  "address article aside audio base blockquote body canvas caption center col colgroup dd details dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main menu meter nav object ol optgroup option p param plaintext pre progress search section select source summary table tbody td tfoot th thead title tr track ul video xmp",
);

/** Elements whose content is no prose, or not of this page: nothing in them is read or changed. */
export const SEALED = set(
  "iframe math noembed noframes noscript plaintext script style svg template textarea xmp datalist",
);

/** Elements whose content is left alone unless their attribute `translate` says otherwise. */
export const LITERAL = set("code kbd listing pre rp rt rtc samp var");

/** Of those, readings of characters beside them, which are no part of the sentence. */
export const READINGS = set("rp rt rtc");

/** Elements that stand for themselves: side by side they are a menu and no sentence. */
export const SEPARATE = set("a button label");

/** Start tags that do not open again what was left open, such as `<b>` after `<b><p></b>` (13.2.6.4.7, "in body"). */
export const UNROOTED = set(
  "base basefont bgsound iframe link meta noembed noframes noscript param rb rp rt rtc script source style template textarea title track",
);
