// Tar archives (POSIX ustar): what `glossa models export` writes, so that others can open it too, and what `import` reads.

const BLOCK = 512;
/** Bytes of a member that eleven octal digits can tell. */
const MOST = 8 ** 11 - 1;

/**
 * The header of a member.
 * @param {string} name of at most 100 bytes of ASCII
 * @param {number} size
 */
export function tarHeader(name, size) {
  if (!/^[\x21-\x7e]{1,100}$/.test(name) || size > MOST) throw new Error(`${name} cannot be in a tar archive`);
  const header = Buffer.alloc(BLOCK);
  const put = (/** @type {number} */ at, /** @type {string} */ text) => header.write(text, at, "latin1");
  put(0, name);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0"); // no date, so that the same models give the same file
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\0");
  put(263, "00");
  put(148, `${sumOf(header).toString(8).padStart(6, "0")}\0 `);
  return header;
}

/** @param {Buffer} header */
function sumOf(header) {
  let sum = 0;
  for (const [i, byte] of header.entries()) sum += i >= 148 && i < 156 ? 32 : byte;
  return sum;
}

/** The zeros that fill a member up. @param {number} size */
export const tarPadding = (size) => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/** What ends an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/**
 * The members of an archive: plain files alone, by names without a folder.
 * @param {import("node:fs/promises").FileHandle} file
 * @param {string} name for messages
 * @returns {AsyncGenerator<{name: string, size: number, read(): AsyncGenerator<Uint8Array>}>}
 */
export async function* readTar(file, name) {
  const { size: whole } = await file.stat();
  const header = Buffer.alloc(BLOCK);
  for (let at = 0; at + BLOCK <= whole; ) {
    await file.read(header, 0, BLOCK, at);
    if (header.every((byte) => byte === 0)) return;
    const text = (/** @type {number} */ start, /** @type {number} */ length) =>
      header.toString("latin1", start, start + length).replace(/\0.*$/s, "");
    const told = text(148, 8).trim();
    if (!/^[0-7]+$/.test(told) || Number.parseInt(told, 8) !== sumOf(header))
      throw new Error(`${name} is no archive of models, or it is damaged at byte ${at}`);
    const member = text(0, 100);
    const digits = text(124, 12).trim();
    const size = Number.parseInt(digits, 8);
    const start = at + BLOCK;
    if (!/^[0-7]+$/.test(digits) || start + size > whole)
      throw new Error(`${name} is cut short: ${JSON.stringify(member)} ends behind its end`);
    if (!/^[0\0]$/.test(String.fromCharCode(header[156])) || !/^[\w][\w.-]*$/.test(member))
      throw new Error(`${name} has the member ${JSON.stringify(member)}, which is no file of a model: it is refused`);
    yield {
      name: member,
      size,
      async *read() {
        const piece = Buffer.alloc(1 << 20);
        for (let done = 0; done < size; ) {
          const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, size - done), start + done);
          if (!bytesRead) throw new Error(`${name} is cut short`);
          done += bytesRead;
          yield piece.subarray(0, bytesRead);
        }
      },
    };
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}
