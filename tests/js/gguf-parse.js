// A second, plain reader of GGUF for tests: it trusts the file and reads everything.

const SIZES = /** @type {Record<number, number>} */ ({ 0: 4, 24: 1, 26: 4 });

/**
 * @param {Uint8Array} file
 * @returns {{ keys: Map<string, any>, tensors: Map<string, { ne: number[], type: number, data: any, offset: number }> }}
 */
export function parseGguf(file) {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  const u32 = () => buffer.readUInt32LE((at += 4) - 4);
  const u64 = () => Number(buffer.readBigUInt64LE((at += 8) - 8));
  const string = () => {
    const size = u64();
    return buffer.toString("utf8", at, (at += size));
  };
  /** @type {Record<number, () => any>} */
  const read = {
    0: () => buffer.readUInt8(at++),
    4: u32,
    5: () => buffer.readInt32LE((at += 4) - 4),
    6: () => buffer.readFloatLE((at += 4) - 4),
    7: () => buffer.readUInt8(at++) === 1,
    8: string,
    9: () => {
      const type = u32();
      return Array.from({ length: u64() }, () => read[type]());
    },
  };
  if (buffer.toString("latin1", 0, 4) !== "GGUF") throw new Error("no GGUF");
  at = 4;
  if (u32() !== 3) throw new Error("not version 3");
  const tensorCount = u64();
  const keyCount = u64();
  const keys = new Map();
  for (let i = 0; i < keyCount; i++) {
    const name = string();
    keys.set(name, read[u32()]());
  }
  const list = [];
  for (let i = 0; i < tensorCount; i++) {
    const name = string();
    const ne = Array.from({ length: u32() }, u64);
    list.push({ name, ne, type: u32(), offset: u64() });
  }
  const alignment = keys.get("general.alignment") ?? 32;
  const start = Math.ceil(at / alignment) * alignment;
  const tensors = new Map();
  for (const { name, ne, type, offset } of list) {
    const bytes = ne.reduce((a, b) => a * b, SIZES[type]);
    const copy = Uint8Array.prototype.slice.call(file, start + offset, start + offset + bytes); // a Buffer would give a view
    if (copy.length !== bytes) throw new Error(`${name} is cut`);
    const data =
      type === 0
        ? new Float32Array(copy.buffer)
        : type === 24
          ? new Int8Array(copy.buffer)
          : new Int32Array(copy.buffer);
    tensors.set(name, { ne, type, data, offset: start + offset });
  }
  return { keys, tensors };
}
