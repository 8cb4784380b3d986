// A piece of the vocabulary as people read it.

import { END } from "../attention.js";

/** A mark stands where a piece goes on with a word. @param {string} piece */
export function readable(piece) {
  if (piece === "</s>") return END;
  if (piece === "\u2581") return "␣";
  const byte = /^<0x([0-9A-F]{2})>$/.exec(piece)?.[1];
  if (byte) return `0x${byte}`;
  if (piece.startsWith("\u2581")) return piece.slice(1);
  return /^[\p{P}\p{S}\p{Script=Han}]/u.test(piece) ? piece : `‑${piece}`;
}
