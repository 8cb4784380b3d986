// A document as a row of runs (runs.js), each with its place in the source. The HTML standard's own parser decides what is
// text, what is a tag and which element a tag belongs to; here its tokens are watched while it builds the tree, so that
// every run has a range. Whatever the document, the ranges of all runs together with what is between them are it.

import { Parser, Token } from "parse5";
import { BLOCKS, LITERAL, READINGS, SEALED, SEPARATE, UNROOTED } from "./html-elements.js";

/** @typedef {import("./runs.js").Run} Run */
/** @typedef {Run & {start: number, end: number}} SourceRun a run, and where it stands in the document */
/** @typedef {{start: number, end: number, value: string}} AttributeValue where a value stands, its quotes included */
/** @typedef {{runs: SourceRun[], attributes: AttributeValue[], scripted: boolean}} Source `scripted`: it reads otherwise without scripts */
/** @typedef {import("parse5").Token.TagToken} TagToken */
/** @typedef {import("parse5").Token.CharacterToken} CharacterToken */
/** @typedef {import("parse5").Token.Location} Location */

/**
 * What an element means for the text in it.
 * @typedef {object} Context
 * @property {boolean} prose text is translated
 * @property {boolean} sealed nothing inside can change that
 * @property {boolean} attributes are translated
 * @property {"" | "all" | "lines"} pre which white space counts
 */

/** @type {Context} */
const PAGE = { prose: true, sealed: false, attributes: true, pre: "" };

/** A node of the tree, as far as the parser and the contexts need it: children are never asked for. */
class Node {
  /** @type {Node | null} */
  parent = null;
  /** @type {Node | null} */
  content = null;
  mode = "no-quirks";
  closed = false;
  /** The run of its start tag. */
  opening = -1;
  /** @type {Context} */
  context = PAGE;

  /** @param {string} name @param {string} namespace @param {{name: string, value: string}[]} attributes */
  constructor(name, namespace, attributes) {
    this.name = name;
    this.namespace = namespace;
    this.attributes = attributes;
  }

  /** @param {string} name */
  attribute(name) {
    return this.attributes.find((attribute) => attribute.name === name)?.value;
  }
}

const HTML = "http://www.w3.org/1999/xhtml";
const WHITE_SPACE = /white-space\s*:\s*([a-z-]+)/i;
const BLOCK_STYLE = /display\s*:\s*(?:block|flex|grid|table|list-item)/i;

/** @param {Node} node @returns {Context} */
function contextOf(node) {
  const around = node.parent?.context ?? PAGE;
  let { prose, sealed, attributes, pre } = around;
  const translate = node.attribute("translate")?.toLowerCase();
  const classes = node.attribute("class");
  const yes = translate === "yes" || translate === "";
  const no = !yes && (translate === "no" || Boolean(classes && /(?:^|\s)notranslate(?:\s|$)/.test(classes)));
  if (yes) attributes = true;
  if (no) attributes = false;
  if (node.namespace !== HTML || SEALED.has(node.name)) sealed = true;
  if (node.name === "template") attributes = false;
  prose = !sealed && (yes || (prose && !no && !LITERAL.has(node.name)));
  const style = node.attribute("style");
  const space = style === undefined ? undefined : WHITE_SPACE.exec(style)?.[1].toLowerCase();
  if (space === "pre" || space === "pre-wrap" || space === "break-spaces" || node.name === "pre") pre = "all";
  else if (space === "pre-line") pre = "lines";
  else if (space === "normal" || space === "nowrap") pre = "";
  const same = prose === around.prose && sealed === around.sealed;
  return same && attributes === around.attributes && pre === around.pre ? around : { prose, sealed, attributes, pre };
}

let created = 0;

/** The tree that parse5 builds, without texts, comments and lists of children. */
const adapter = {
  createDocument: () => new Node("#document", "", []),
  createDocumentFragment: () => new Node("#document-fragment", "", []),
  createElement(/** @type {string} */ name, /** @type {string} */ namespace, /** @type {any[]} */ attributes) {
    created++;
    return new Node(name, namespace, attributes);
  },
  createCommentNode: () => new Node("#comment", "", []),
  createTextNode: () => new Node("#text", "", []),
  appendChild(/** @type {Node} */ parent, /** @type {Node} */ node) {
    node.parent = parent;
    node.context = contextOf(node);
  },
  insertBefore: (/** @type {Node} */ parent, /** @type {Node} */ node) => adapter.appendChild(parent, node),
  setTemplateContent(/** @type {Node} */ node, /** @type {Node} */ content) {
    node.content = content;
    content.parent = node;
  },
  getTemplateContent(/** @type {Node} */ node) {
    const content = /** @type {Node} */ (node.content);
    content.context = node.context;
    return content;
  },
  setDocumentType() {},
  setDocumentMode(/** @type {Node} */ document, /** @type {string} */ mode) {
    document.mode = mode;
  },
  getDocumentMode: (/** @type {Node} */ document) => document.mode,
  detachNode(/** @type {Node} */ node) {
    node.parent = null;
  },
  insertText() {},
  insertTextBefore() {},
  adoptAttributes(/** @type {Node} */ node, /** @type {any[]} */ attributes) {
    for (const attribute of attributes)
      if (node.attribute(attribute.name) === undefined) node.attributes.push(attribute);
  },
  getFirstChild: () => null,
  getChildNodes: () => [],
  getParentNode: (/** @type {Node} */ node) => node.parent,
  getAttrList: (/** @type {Node} */ node) => node.attributes,
  getTagName: (/** @type {Node} */ node) => node.name,
  getNamespaceURI: (/** @type {Node} */ node) => node.namespace,
  isDocumentTypeNode: () => false,
  setNodeSourceCodeLocation() {},
  getNodeSourceCodeLocation: () => null,
  updateNodeSourceCodeLocation() {},
  onItemPop(/** @type {Node} */ node) {
    node.closed = true;
  },
};

const { WHITESPACE_CHARACTER: WHITE, NULL_CHARACTER: NULL } = Token.TokenType;

/** Thrown where a text that was read as a fragment turns out to be a document. */
const IS_DOCUMENT = Symbol("a document");

/** What stands between the name of an attribute and its value. A name may begin with an equals sign. */
const VALUE = /^.[^\s/>=]*\s*=\s*(["']?)/s;

/** @extends {Parser<any>} */
class Reader extends Parser {
  /** @type {SourceRun[]} */
  runs = [];
  /** @type {AttributeValue[]} */
  values = [];
  scripted = false;
  /** @type {string[]} */
  names = [];
  html = "";
  fragment = true;
  /** Whether the end of the document cannot be told apart: parsers of different years disagree. */
  lost = false;
  /** Elements without end tags of their own that an end tag of another may close. @type {Node[]} */
  #readings = [];
  /** @type {SourceRun | null} */
  #text = null;
  /** White space that may turn out to end a text. @type {SourceRun | null} */
  #space = null;
  #inside = false;
  #codeUntil = 0;
  #codeNever = false;
  /** Whether the text since the last border made the elements around it anew, as after `<b><p></b>`. */
  #rooted = false;

  /** @type {any} */
  get #open() {
    return this.openElements;
  }

  /** @returns {Node} the element that text would go to */
  get #current() {
    return this.#open.current;
  }

  /**
   * Lets the parser take a token, unless it is its own that comes round again.
   * @template T
   * @param {T} token
   * @param {(token: T) => void} take
   * @param {(token: T) => void} watch
   */
  #watch(token, take, watch) {
    if (this.#inside) return take.call(this, token);
    this.#inside = true;
    try {
      watch.call(this, token);
    } finally {
      this.#inside = false;
    }
  }

  #flush() {
    if (this.#text) this.runs.push(this.#text);
    if (this.#space) this.runs.push(this.#space);
    this.#text = this.#space = null;
  }

  /** @param {SourceRun} run */
  #push(run) {
    this.#flush();
    for (let node = this.#readings.at(-1); node?.closed; node = this.#readings.at(-1)) {
      this.#readings.pop();
      if (this.runs[node.opening].kind === "open")
        this.runs.push({ kind: "close", implied: true, start: run.start, end: run.start });
      this.runs[node.opening].matched = true;
    }
    this.runs.push(run);
  }

  /** @param {{startOffset: number, endOffset: number}} location */
  #border({ startOffset, endOffset }) {
    this.#rooted = false;
    this.#push({ kind: "border", start: startOffset, end: endOffset });
  }

  /**
   * Whether a place is in a piece of code for a server, `<?php ... ?>`: for a parser it ends at the first ">".
   * @param {number} start
   */
  #inCode(start) {
    return start < this.#codeUntil;
  }

  /** @param {CharacterToken} token @param {(token: CharacterToken) => void} take */
  #characters(token, take) {
    let { chars } = token;
    const before = created;
    take.call(this, token);
    const { endOffset: end, startOffset } = /** @type {Location} */ (token.location);
    let start = startOffset;
    if (created !== before) {
      this.#border({ startOffset: start, endOffset: start });
      this.#rooted = true;
    }
    if (this.#inCode(start) && end > this.#codeUntil && !this.html.slice(start, end).includes("&")) {
      this.#border({ startOffset: start, endOffset: this.#codeUntil });
      start = this.#codeUntil;
      chars = chars.slice(start - end);
    }
    const { prose, pre } = this.#current.context ?? PAGE;
    const kept = !prose || this.lost || this.#inCode(start);
    const space = token.type === WHITE;
    if (space && pre && !kept && (pre === "all" ? /[\t\n]| {2}/ : /\n/).test(chars))
      return this.#push({ kind: "border", start, end });
    const last = this.#text ?? this.#space;
    if (
      last &&
      (last.kept !== kept || last.pre !== (pre === "all") || last.end > start || (this.#space ?? last).end !== start)
    )
      this.#flush();
    /** @returns {SourceRun} */
    const run = () => ({ kind: "text", text: chars, kept, pre: pre === "all", start, end });
    if (space) {
      if (!this.#space) this.#space = run();
      else {
        this.#space.text += chars;
        this.#space.end = end;
      }
    } else if (this.#text) {
      this.#text.text += (this.#space?.text ?? "") + (token.type === NULL ? "" : chars);
      this.#text.end = end;
      this.#space = null;
    } else {
      this.#flush();
      this.#text = run();
      if (token.type === NULL) this.#text.text = "";
    }
  }

  /** @param {CharacterToken} token */
  onCharacter(token) {
    this.#watch(token, super.onCharacter, (t) => this.#characters(t, super.onCharacter));
  }

  /** @param {CharacterToken} token */
  onWhitespaceCharacter(token) {
    this.#watch(token, super.onWhitespaceCharacter, (t) => this.#characters(t, super.onWhitespaceCharacter));
  }

  /** @param {CharacterToken} token */
  onNullCharacter(token) {
    this.#watch(token, super.onNullCharacter, (t) => this.#characters(t, super.onNullCharacter));
  }

  /** @param {import("parse5").Token.CommentToken} token */
  onComment(token) {
    this.#watch(token, super.onComment, (t) => {
      const { startOffset: start, endOffset: end } = /** @type {Location} */ (t.location);
      this.#push({ kind: "point", start, end });
      if (!this.#inCode(start) && !this.#codeNever && /^<\?(?:php\b|=|\s)/i.test(this.html.slice(start, start + 6))) {
        const close = this.html.indexOf("?>", start);
        this.#codeNever = close < 0;
        this.#codeUntil = close + 2;
      }
      super.onComment(t);
    });
  }

  /** @param {import("parse5").Token.DoctypeToken} token */
  onDoctype(token) {
    if (this.fragment) throw IS_DOCUMENT;
    this.#border(/** @type {Location} */ (token.location));
    super.onDoctype(token);
  }

  /** @param {import("parse5").Token.EOFToken} token */
  onEof(token) {
    this.#watch(token, super.onEof, (t) => {
      this.#border({ startOffset: this.html.length, endOffset: this.html.length });
      super.onEof(t);
    });
  }

  /** @param {TagToken} token */
  onStartTag(token) {
    this.#watch(token, super.onStartTag, this.#startTag);
  }

  /** @param {TagToken} token */
  #startTag(token) {
    const { tagName } = token;
    if (this.fragment && (tagName === "html" || tagName === "head" || tagName === "body")) throw IS_DOCUMENT;
    const location = /** @type {import("parse5").Token.LocationWithAttributes} */ (token.location);
    const { startOffset: start, endOffset: end } = location;
    const values = this.names.length ? this.#valuesOf(token, location) : [];
    const { depth } = this.#open;
    const around = this.#current;
    const before = created;
    super.onStartTag(token);
    // What replaces the text of a raw element matters for all that follows. A parser that drops its tag goes on in tags.
    if (created === before && (SEALED.has(tagName) || tagName === "title")) this.lost = true;
    if (tagName === "noscript") this.scripted = true;
    const inner = this.#current;
    const opened = this.#open.depth === depth + 1 && inner.parent === (around.content ?? around);
    const simple = created === before + 1 && (opened || inner === around);
    if (
      created !== before &&
      !this.lost &&
      !this.#inCode(start) &&
      (opened ? inner.context : around.context).attributes
    ) {
      // An element without content has its own say only in its attributes.
      const own = opened || !values.length ? null : contextOf(voidNode(token, around));
      if (own?.attributes ?? true) this.values.push(...values);
    }
    // In front of that text, this element would be outside those that the text makes.
    const unrooted = this.#rooted && UNROOTED.has(tagName);
    if (!simple || unrooted || BLOCKS.has(tagName) || this.#inCode(start) || this.lost || blockStyle(token))
      return this.#border(location);
    if (!opened) return this.#push({ kind: tagName === "br" ? "break" : "point", start, end });
    this.#push({ kind: "open", role: roleOf(inner, around), start, end });
    inner.opening = this.runs.length - 1;
    if (READINGS.has(tagName)) this.#readings.push(inner);
  }

  /** @param {TagToken} token */
  onEndTag(token) {
    this.#watch(token, super.onEndTag, this.#endTag);
  }

  /** @param {TagToken} token */
  #endTag(token) {
    const location = /** @type {Location} */ (token.location);
    const { startOffset: start, endOffset: end } = location;
    const open = this.#open;
    let slot = open.stackTop;
    let { depth } = open;
    // Readings close by themselves.
    while (slot > 0 && READINGS.has(open.items[slot].name) && open.items[slot].name !== token.tagName) {
      slot = open.slotBelow(slot);
      depth--;
    }
    /** @type {Node | undefined} */
    const node = open.items[slot];
    const before = created;
    super.onEndTag(token);
    const simple = node?.closed && node.opening >= 0 && open.depth === depth - 1 && created === before;
    if (!simple || this.#inCode(start) || this.lost) return this.#border(location);
    if (this.#readings.at(-1) === node) this.#readings.pop();
    this.#push({ kind: "close", start, end });
    this.runs[node.opening].matched = true;
  }

  /**
   * Where the values of a tag's attributes stand that are asked for.
   * @param {TagToken} token
   * @param {import("parse5").Token.LocationWithAttributes} location
   */
  #valuesOf(token, location) {
    /** @type {AttributeValue[]} */
    const found = [];
    for (const { name, value } of token.attrs) {
      const place = this.names.includes(name) ? location.attrs?.[name] : undefined;
      if (!place) continue;
      const written = this.html.slice(place.startOffset, place.endOffset);
      const match = VALUE.exec(written);
      if (!match || !value) continue;
      found.push({
        start: place.startOffset + match[0].length - match[1].length,
        end: place.endOffset,
        value,
      });
    }
    return found;
  }
}

/** @param {TagToken} token @param {Node} parent */
function voidNode(token, parent) {
  const node = new Node(token.tagName, HTML, token.attrs);
  node.parent = parent;
  return node;
}

/** @param {TagToken} token */
function blockStyle(token) {
  const style = token.attrs.find(({ name }) => name === "style");
  return style !== undefined && BLOCK_STYLE.test(style.value);
}

/** @param {Node} node @param {Node} around @returns {Run["role"]} */
function roleOf({ name, context }, around) {
  if (around.context.prose && !context.prose) return context.sealed || READINGS.has(name) ? "silent" : "kept";
  if (name === "sup") return "raised";
  return SEPARATE.has(name) ? "separate" : "";
}

/** Characters that the parser gets at a time, so that others have their turn. */
const SLICE = 8192;

/**
 * @param {string} html
 * @param {string[]} names of attributes, in lower case
 * @param {boolean} scripting whether the reader runs scripts
 * @returns {Generator<void, Source>}
 */
function* readAs(html, names, scripting) {
  for (const fragment of [true, false]) {
    const options = {
      scriptingEnabled: scripting,
      sourceCodeLocationInfo: true,
      treeAdapter: /** @type {any} */ (adapter),
    };
    const reader = /** @type {Reader} */ (fragment ? Reader.getFragmentParser(null, options) : new Reader(options));
    Object.assign(reader, { html, names, fragment });
    try {
      for (let at = 0; at < html.length || at === 0; at += SLICE) {
        reader.tokenizer.write(html.slice(at, at + SLICE), at + SLICE >= html.length);
        yield;
      }
    } catch (error) {
      if (error === IS_DOCUMENT) continue;
      throw error;
    }
    for (const run of reader.runs) if (run.kind === "open" && !run.matched) run.kind = "border";
    return { runs: reader.runs, attributes: reader.values, scripted: reader.scripted };
  }
  throw new Error("unreachable: a document is no fragment of one");
}

/**
 * @param {string} html
 * @param {string[]} names of the attributes whose values are asked for, in lower case
 * @returns {Generator<void, Source>} what is the same whether scripts run or not
 */
export function* readHTML(html, names) {
  const source = yield* readAs(html, names, true);
  if (!source.scripted) return source;
  const plain = yield* readAs(html, names, false);
  /** @param {SourceRun} run */
  const key = ({ kind, start, end, kept }) => `${kind} ${start} ${end} ${kept}`;
  const known = new Set(plain.runs.map(key));
  for (const run of source.runs) if (!known.has(key(run))) run.kind = "border";
  const values = new Set(plain.attributes.map(({ start }) => start));
  return { ...source, attributes: source.attributes.filter(({ start }) => values.has(start)) };
}
