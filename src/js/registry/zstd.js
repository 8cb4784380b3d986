// zstd where the platform has none, by fzstd (MIT).

import * as fzstd from "fzstd";
import { shelve } from "../chunks.js";

/**
 * Takes packed bytes in pieces, and gives what they unpack to.
 * @type {new (take: (bytes: Uint8Array, final?: boolean) => unknown) => {push(bytes: Uint8Array, final?: boolean): void}}
 */
export const Decompress = fzstd.Decompress;

shelve("zstd", { Decompress });
