import { Cursor, decodeUtf8 } from "./bytes.js";
import { ConvertError, ensure, show } from "./errors.js";

/**
 * A reader of the part of Python's pickle that describes tensors. A pickle is a program: this one only builds numbers,
 * text, tuples, lists, dictionaries and the few things that `call` knows; every other name it asks for is an error, and
 * nothing is ever run.
 *
 * @typedef {{
 *   call: (name: string, args: unknown[]) => unknown,
 *   load: (id: unknown) => unknown,
 * }} Hooks `call` stands for a function or class called "module.name"; `load` resolves persistent ids
 */

/* A name that the pickle refers to; worth something only to Hooks.call. */
export class Global {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }
}

const MARK = Symbol("mark");
const MAX_STEPS = 1 << 22;

/** The machine that pickles are programs of. */
class Machine {
  /** @type {any[]} */
  stack = [];
  /** @type {unknown[]} */
  memo = [];

  /** @param {Cursor} cursor @param {Hooks} hooks */
  constructor(cursor, hooks) {
    this.cursor = cursor;
    this.hooks = hooks;
  }

  /** @param {unknown} condition @param {string} what is wrong */
  #ensure(condition, what) {
    ensure(condition, () => `${this.cursor.what} is damaged: ${what} at byte ${this.cursor.at}`);
  }

  /** @param {unknown} value */
  push(value) {
    this.stack.push(value);
  }

  pop() {
    this.#ensure(this.stack.length > 0, "it takes from an empty stack");
    return this.stack.pop();
  }

  /** The last values in the order in which they were pushed. @param {number} count */
  popAll(count) {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  /** All since the last mark. */
  popMark() {
    const at = this.stack.lastIndexOf(MARK);
    this.#ensure(at >= 0, "no mark before");
    return this.stack.splice(at).slice(1);
  }

  top() {
    return this.stack[this.stack.length - 1];
  }

  /** @param {unknown[]} items key, value, key, value ... */
  setItems(items) {
    const map = this.top();
    this.#ensure(map instanceof Map && items.length % 2 === 0, "no dictionary");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  /** @param {unknown[]} items */
  append(items) {
    const list = this.top();
    this.#ensure(Array.isArray(list), "no list");
    for (const item of items) list.push(item);
  }

  /** @param {number} slot */
  remember(slot) {
    ensure(slot <= this.cursor.bytes.length, () => `${this.cursor.what} is damaged: memo ${slot}`);
    this.memo[slot] = this.top();
  }

  line() {
    const { cursor } = this;
    const end = cursor.bytes.indexOf(10, cursor.at);
    ensure(end >= 0, `${cursor.what} is cut short`);
    const bytes = cursor.take(end - cursor.at);
    cursor.skip(1);
    return decodeUtf8(bytes, `a name in ${cursor.what}`);
  }

  /** @param {number} size */
  text(size) {
    return decodeUtf8(this.cursor.take(size), `text in ${this.cursor.what}`);
  }

  /** @param {number} size little-endian two's complement; too large for a number: its bigint */
  long(size) {
    const bytes = this.cursor.take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    value = BigInt.asIntN(size * 8, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** @param {unknown[]} parts */
  name(parts) {
    this.#ensure(
      parts.every((part) => typeof part === "string"),
      "no name",
    );
    this.push(new Global(parts.join(".")));
  }

  call() {
    const [callee, args] = this.popAll(2);
    this.#ensure(callee instanceof Global && Array.isArray(args), "no call");
    this.push(this.hooks.call(callee.name, args));
  }
}

const STOP = ".";

/** What each instruction does; STOP ends the program. @type {Record<string, (machine: Machine) => unknown>} */
const INSTRUCTIONS = {
  "\x80": ({ cursor }) => cursor.skip(1), // PROTO
  "\x95": ({ cursor }) => cursor.skip(8), // FRAME
  "(": (m) => m.push(MARK),
  0: (m) => m.pop(),
  1: (m) => m.popMark(),
  2: (m) => m.push(m.top()),
  N: (m) => m.push(null),
  "\x88": (m) => m.push(true),
  "\x89": (m) => m.push(false),
  K: (m) => m.push(m.cursor.u8()),
  M: (m) => m.push(m.cursor.u16()),
  J: (m) => m.push(m.cursor.i32()),
  "\x8a": (m) => m.push(m.long(m.cursor.u8())), // LONG1
  G: (m) => m.push(m.cursor.view.getFloat64(m.cursor.skip(8), false)),
  X: (m) => m.push(m.text(m.cursor.u32())),
  "\x8c": (m) => m.push(m.text(m.cursor.u8())), // SHORT_BINUNICODE
  U: (m) => m.push(m.text(m.cursor.u8())), // SHORT_BINSTRING, of Python 2
  ")": (m) => m.push([]),
  "]": (m) => m.push([]),
  "}": (m) => m.push(new Map()),
  t: (m) => m.push(m.popMark()),
  l: (m) => m.push(m.popMark()),
  "\x85": (m) => m.push(m.popAll(1)),
  "\x86": (m) => m.push(m.popAll(2)),
  "\x87": (m) => m.push(m.popAll(3)),
  a: (m) => m.append([m.pop()]),
  e: (m) => m.append(m.popMark()),
  s: (m) => m.setItems(m.popAll(2)),
  u: (m) => m.setItems(m.popMark()),
  q: (m) => m.remember(m.cursor.u8()),
  r: (m) => m.remember(m.cursor.u32()),
  "\x94": (m) => m.remember(m.memo.length), // MEMOIZE
  h: (m) => m.push(m.memo[m.cursor.u8()]),
  j: (m) => m.push(m.memo[m.cursor.u32()]),
  c: (m) => m.name([m.line(), m.line()]),
  "\x93": (m) => m.name(m.popAll(2)),
  Q: (m) => m.push(m.hooks.load(m.pop())),
  R: (m) => m.call(),
  b: (m) => m.pop(), // BUILD: attributes of an object, such as the _metadata of a state dictionary
};

/**
 * Reads one pickle from the cursor, up to its STOP.
 * @param {Cursor} cursor
 * @param {Hooks} hooks
 * @returns {unknown}
 */
export function readPickle(cursor, hooks) {
  const machine = new Machine(cursor, hooks);
  for (let step = 0; step < MAX_STEPS; step++) {
    const code = String.fromCharCode(cursor.u8());
    if (code === STOP) return machine.pop();
    if (!Object.hasOwn(INSTRUCTIONS, code))
      throw new ConvertError(
        `${cursor.what} has the pickle instruction ${show(code)} at byte ${cursor.at - 1}: refused`,
      );
    INSTRUCTIONS[code](machine);
  }
  throw new ConvertError(`${cursor.what} does not end`);
}
