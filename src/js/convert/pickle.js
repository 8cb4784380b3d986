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

/**
 * Reads one pickle from the cursor, up to its STOP.
 * @param {Cursor} cursor
 * @param {Hooks} hooks
 * @returns {unknown}
 */
export function readPickle(cursor, hooks) {
  const { what } = cursor;
  /** @type {any[]} */
  const stack = [];
  /** @type {unknown[]} */
  const memo = [];
  const pop = () => {
    ensure(stack.length > 0, () => `${what} is damaged: it takes from an empty stack at byte ${cursor.at}`);
    return stack.pop();
  };
  const popMark = () => {
    const at = stack.lastIndexOf(MARK);
    ensure(at >= 0, () => `${what} is damaged: no mark before byte ${cursor.at}`);
    const items = stack.splice(at);
    items.shift();
    return items;
  };
  const top = () => stack[stack.length - 1];
  /** @param {unknown[]} items key, value, key, value ... */
  const setItems = (items) => {
    const map = top();
    ensure(
      map instanceof Map && items.length % 2 === 0,
      () => `${what} is damaged: no dictionary at byte ${cursor.at}`,
    );
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  };
  /** @param {unknown[]} items */
  const append = (items) => {
    const list = top();
    ensure(Array.isArray(list), () => `${what} is damaged: no list at byte ${cursor.at}`);
    for (const item of items) list.push(item);
  };
  /** @param {number} slot @param {unknown} value */
  const remember = (slot, value) => {
    ensure(slot <= cursor.bytes.length, () => `${what} is damaged: memo ${slot}`);
    memo[slot] = value;
  };
  const line = () => {
    const end = cursor.bytes.indexOf(10, cursor.at);
    ensure(end >= 0, `${what} is cut short`);
    const bytes = cursor.take(end - cursor.at);
    cursor.skip(1);
    return decodeUtf8(bytes, `a name in ${what}`);
  };
  /** @param {number} size */
  const text = (size) => decodeUtf8(cursor.take(size), `text in ${what}`);
  /** @param {number} size little-endian two's complement; too large for a number: its bigint */
  const long = (size) => {
    const bytes = cursor.take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    value = BigInt.asIntN(size * 8, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };

  for (let step = 0; step < MAX_STEPS; step++) {
    const code = String.fromCharCode(cursor.u8());
    switch (code) {
      case "\x80": // PROTO
        cursor.skip(1);
        break;
      case "\x95": // FRAME
        cursor.skip(8);
        break;
      case ".":
        return pop();
      case "(":
        stack.push(MARK);
        break;
      case "0":
        pop();
        break;
      case "1":
        popMark();
        break;
      case "2":
        stack.push(top());
        break;
      case "N":
        stack.push(null);
        break;
      case "\x88":
        stack.push(true);
        break;
      case "\x89":
        stack.push(false);
        break;
      case "K":
        stack.push(cursor.u8());
        break;
      case "M":
        stack.push(cursor.u16());
        break;
      case "J":
        stack.push(cursor.i32());
        break;
      case "\x8a": // LONG1
        stack.push(long(cursor.u8()));
        break;
      case "G":
        stack.push(cursor.view.getFloat64(cursor.skip(8), false));
        break;
      case "X":
        stack.push(text(cursor.u32()));
        break;
      case "\x8c": // SHORT_BINUNICODE
        stack.push(text(cursor.u8()));
        break;
      case "U": // SHORT_BINSTRING, of Python 2
        stack.push(text(cursor.u8()));
        break;
      case ")":
        stack.push([]);
        break;
      case "]":
        stack.push([]);
        break;
      case "}":
        stack.push(new Map());
        break;
      case "t":
        stack.push(popMark());
        break;
      case "l":
        stack.push(popMark());
        break;
      case "\x85":
        stack.push([pop()]);
        break;
      case "\x86": {
        const b = pop();
        stack.push([pop(), b]);
        break;
      }
      case "\x87": {
        const c = pop();
        const b = pop();
        stack.push([pop(), b, c]);
        break;
      }
      case "a":
        append([pop()]);
        break;
      case "e":
        append(popMark());
        break;
      case "s": {
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case "u":
        setItems(popMark());
        break;
      case "q":
        remember(cursor.u8(), top());
        break;
      case "r":
        remember(cursor.u32(), top());
        break;
      case "\x94": // MEMOIZE
        remember(memo.length, top());
        break;
      case "h":
        stack.push(memo[cursor.u8()]);
        break;
      case "j":
        stack.push(memo[cursor.u32()]);
        break;
      case "c": {
        const module = line();
        stack.push(new Global(`${module}.${line()}`));
        break;
      }
      case "\x93": {
        const name = pop();
        const module = pop();
        ensure(
          typeof name === "string" && typeof module === "string",
          () => `${what} is damaged: no name at byte ${cursor.at}`,
        );
        stack.push(new Global(`${module}.${name}`));
        break;
      }
      case "Q":
        stack.push(hooks.load(pop()));
        break;
      case "R": {
        const args = pop();
        const callee = pop();
        ensure(
          callee instanceof Global && Array.isArray(args),
          () => `${what} is damaged: no call at byte ${cursor.at}`,
        );
        stack.push(hooks.call(callee.name, args));
        break;
      }
      case "b": // BUILD: attributes of an object, such as the _metadata of a state dictionary
        pop();
        break;
      default:
        throw new ConvertError(`${what} has the pickle instruction ${show(code)} at byte ${cursor.at - 1}: refused`);
    }
  }
  throw new ConvertError(`${what} does not end`);
}
