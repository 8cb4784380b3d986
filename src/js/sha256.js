// SHA-256 (FIPS 180-4) in pieces: the platform's own digest takes only whole buffers. Node's does pieces, and is used.

import { builtin, isNode } from "./platform.js";

/** The first 32 bits of the fractional parts of a root of the first primes. */
function primeRoots(/** @type {number} */ count, /** @type {number} */ root) {
  const words = new Uint32Array(count);
  let found = 0;
  for (let n = 2; found < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (prime) words[found++] = (n ** (1 / root) % 1) * 2 ** 32;
  }
  return words;
}

/** @type {Uint32Array} made when first needed */
let K;
/** @type {Uint32Array} */
let H;

const rotate = (/** @type {number} */ x, /** @type {number} */ n) => (x >>> n) | (x << (32 - n));

class Sha256 {
  #h;
  #w = new Uint32Array(64);
  #block = new Uint8Array(64);
  #filled = 0;
  #length = 0;

  constructor() {
    K ??= primeRoots(64, 3);
    H ??= primeRoots(8, 2);
    this.#h = Uint32Array.from(H);
  }

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.#length += bytes.length;
    let at = 0;
    if (this.#filled) {
      at = Math.min(64 - this.#filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < 64) return this;
      this.#mix(this.#block, 0);
    }
    for (; at + 64 <= bytes.length; at += 64) this.#mix(bytes, at);
    this.#block.set(bytes.subarray(at));
    this.#filled = bytes.length - at;
    return this;
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   */
  #mix(bytes, at) {
    const w = this.#w;
    const h = this.#h;
    for (let i = 0; i < 16; i++, at += 4)
      w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
      const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, k] = h;
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const t1 = (k + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      k = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
    h[5] += f;
    h[6] += g;
    h[7] += k;
  }

  /** @returns {string} hexadecimal */
  digest() {
    const bits = this.#length * 8;
    const tail = new Uint8Array(((this.#filled + 8) >> 6) * 64 + 64 - this.#filled);
    tail[0] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(tail.length - 4, bits >>> 0);
    this.update(tail);
    return Array.from(this.#h, (word) => word.toString(16).padStart(8, "0")).join("");
  }
}

/**
 * The platform's digest, where it has one (`crypto.subtle`): of a whole buffer, which it copies at once.
 * @param {BufferSource} bytes
 * @param {"SHA-256" | "SHA-1"} [algorithm]
 * @returns {Promise<string>} hexadecimal
 */
export async function digestOf(bytes, algorithm = "SHA-256") {
  const digest = new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @returns {{update(bytes: Uint8Array): unknown, digest(): string}}
 */
export function sha256() {
  if (!isNode) return new Sha256();
  const hash = builtin("crypto").createHash("sha256");
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest("hex") };
}

export { Sha256 };
