// HTML as a row of tokens: text, tags, and what is passed through. Whatever the input, all tokens together are it.

/**
 * @typedef {object} HTMLToken
 * @property {"text" | "open" | "close" | "void" | "verbatim"} type verbatim: comments, doctypes, and elements whose
 *     content is no prose
 * @property {string} raw as it stands in the document
 * @property {string} name of the element, in lower case; empty where there is none
 */

/** Elements without content. */
const VOID = new Set("area base br col embed hr img input link meta param source track wbr".split(" "));

/** Elements whose content is no markup: it ends at the end tag alone. */
const RAW = new Set("script style textarea title xmp iframe noembed noframes plaintext".split(" "));

/** Elements whose content is no prose. */
const OPAQUE = new Set(
  "script style textarea xmp iframe noembed noframes code pre kbd samp var svg math template".split(" "),
);

/** Elements that stand inside a sentence. */
const INLINE = new Set(
  "a abbr acronym b bdi bdo big cite code data del dfn em font i img input ins kbd mark math q rp rt ruby s samp small span strike strong sub sup svg time tt u var wbr".split(
    " ",
  ),
);

/** @param {string} name */
export const isInline = (name) => INLINE.has(name);

const TAG = /<(\/?)([a-zA-Z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/y;
const OTHER = /<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<[!?][^>]*(?:>|$)|<\/[^a-zA-Z][^>]*(?:>|$)/y;

/** @param {string} attributes whether they ask to leave the element alone */
const isProtected = (attributes) =>
  /\stranslate\s*=\s*["']?no["'\s]?/i.test(attributes) ||
  /\sclass\s*=\s*(?:"[^"]*|'[^']*|)\bnotranslate\b/i.test(attributes);

/**
 * @param {string} html
 * @returns {HTMLToken[]}
 */
export function tokenizeHTML(html) {
  /** @type {HTMLToken[]} */
  const tokens = [];
  let text = 0; // where the text that is not yet a token begins
  let at = 0;
  const push = (/** @type {HTMLToken["type"]} */ type, /** @type {number} */ end, name = "") => {
    if (at > text) tokens.push({ type: "text", raw: html.slice(text, at), name: "" });
    tokens.push({ type, raw: html.slice(at, end), name });
    at = end;
    text = end;
  };
  for (at = nextMark(html, 0); at < html.length; at = nextMark(html, at)) {
    OTHER.lastIndex = at;
    TAG.lastIndex = at;
    if (OTHER.test(html)) {
      push("verbatim", OTHER.lastIndex);
      continue;
    }
    const tag = TAG.exec(html);
    if (!tag) {
      at++;
      continue;
    }
    const [whole, slash, written, attributes] = tag;
    const name = written.toLowerCase();
    const end = at + whole.length;
    if (slash) push("close", end, name);
    else if (VOID.has(name) || attributes.endsWith("/")) push("void", end, name);
    else if (OPAQUE.has(name) || isProtected(attributes)) push("verbatim", endOf(html, end, name), name);
    else if (RAW.has(name)) {
      push("open", end, name);
      at = rawEnd(html, end, name);
    } else push("open", end, name);
  }
  if (text < html.length) tokens.push({ type: "text", raw: html.slice(text), name: "" });
  return tokens;
}

/** @param {string} html @param {number} from */
function nextMark(html, from) {
  const at = html.indexOf("<", from);
  return at < 0 ? html.length : at;
}

/**
 * Where the content of a raw element ends.
 * @param {string} html
 * @param {number} from
 * @param {string} name
 */
function rawEnd(html, from, name) {
  const close = new RegExp(`</${name}(?=[\\s/>])`, "gi");
  close.lastIndex = from;
  return close.exec(html)?.index ?? html.length;
}

/**
 * Where an element ends, its end tag included; the document's end where it is not closed.
 * @param {string} html
 * @param {number} from behind its start tag
 * @param {string} name
 */
function endOf(html, from, name) {
  const same = new RegExp(`<(/?)${name.replace(/[^\w-]/g, "\\$&")}(?=[\\s/>])[^>]*>`, "gi");
  same.lastIndex = RAW.has(name) ? rawEnd(html, from, name) : from;
  let depth = 1;
  for (let match = same.exec(html); match; match = same.exec(html)) {
    if (match[1]) depth--;
    else if (!match[0].endsWith("/>")) depth++;
    if (depth === 0) return same.lastIndex;
  }
  return html.length;
}

const NAMED = /** @type {Record<string, string>} */ ({
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  shy: "\u00ad",
  copy: "©",
  reg: "®",
  trade: "™",
  hellip: "…",
  mdash: "—",
  ndash: "–",
  lsquo: "‘",
  rsquo: "’",
  sbquo: "‚",
  ldquo: "“",
  rdquo: "”",
  bdquo: "„",
  laquo: "«",
  raquo: "»",
  bull: "•",
  middot: "·",
  deg: "°",
  plusmn: "±",
  times: "×",
  divide: "÷",
  frac12: "½",
  frac14: "¼",
  euro: "€",
  pound: "£",
  yen: "¥",
  cent: "¢",
  sect: "§",
  para: "¶",
  szlig: "ß",
  auml: "ä",
  ouml: "ö",
  uuml: "ü",
  Auml: "Ä",
  Ouml: "Ö",
  Uuml: "Ü",
  agrave: "à",
  aacute: "á",
  acirc: "â",
  aring: "å",
  aelig: "æ",
  ccedil: "ç",
  egrave: "è",
  eacute: "é",
  ecirc: "ê",
  euml: "ë",
  igrave: "ì",
  iacute: "í",
  icirc: "î",
  iuml: "ï",
  ntilde: "ñ",
  ograve: "ò",
  oacute: "ó",
  ocirc: "ô",
  oslash: "ø",
  ugrave: "ù",
  uacute: "ú",
  ucirc: "û",
  Eacute: "É",
  larr: "←",
  rarr: "→",
  uarr: "↑",
  darr: "↓",
});

/** References that are not decoded. */
export const REFERENCE = /&(?:#\d+|#[xX][\da-fA-F]+|[a-zA-Z][a-zA-Z\d]*);/g;

/**
 * References to characters as characters. Those not known stay as they are, and so does an escaped ampersand that would
 * then begin one.
 * @param {string} html
 */
export function decodeText(html) {
  return html.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z][a-zA-Z\d]*));/g,
    (whole, decimal, hex, name, offset) => {
      if (name === "amp") return /^[#a-zA-Z]/.test(html.slice(offset + whole.length)) ? whole : "&";
      if (name) return Object.hasOwn(NAMED, name) ? NAMED[name] : whole;
      const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
      return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : whole;
    },
  );
}

/** @param {string} text what decodeText gave */
export function encodeText(text) {
  return text
    .replace(/&(?!(?:#\d+|#[xX][\da-fA-F]+|[a-zA-Z][a-zA-Z\d]*);)/g, "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("\u00a0", "&nbsp;");
}

/**
 * Replaces the values of some attributes of a tag.
 * @param {string} tag
 * @param {string[]} names
 * @param {(value: string) => string} replace gets and gives plain text
 */
export function mapAttributes(tag, names, replace) {
  if (!names.length) return tag;
  const pattern = /(\s)([^\s=>"'/]+)(\s*=\s*)("[^"]*"|'[^']*')/g;
  return tag.replace(pattern, (whole, space, name, equals, quoted) => {
    if (!names.includes(name.toLowerCase())) return whole;
    const value = replace(decodeText(quoted.slice(1, -1)));
    return `${space}${name}${equals}"${encodeText(value).replaceAll('"', "&quot;")}"`;
  });
}
