import { Cursor } from "./bytes.js";
import { ConvertError, ensure, lookUp, show } from "./errors.js";
import { FLOAT_BYTES, readFloats } from "./floats.js";
import { Global, readPickle } from "./pickle.js";
import { isZip, Zip } from "./zip.js";

/**
 * @typedef {import("./file.js").SourceFile} SourceFile
 * @typedef {import("./safetensors.js").FloatTensor} FloatTensor
 * @typedef {{ key: string, type: string, count: number }} Storage
 * @typedef {{ storage: Storage, offset: number, shape: number[], stride: number[] }} Description
 */

/* Storage classes by element type; those of integers are known so that their tensors can be left out. */
const STORAGES = /** @type {Record<string, string>} */ ({
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.DoubleStorage": "F64",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
});
const INTEGER_BYTES = /** @type {Record<string, number>} */ ({ I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 });

/* The first pickle of the format before PyTorch 1.6 holds this number; its bytes begin the file. */
const LEGACY_MAGIC = 119547037146038801333356n;
const LEGACY_PICKLES = 1 << 26;

/** @param {string} file @returns {import("./pickle.js").Hooks} */
function hooksFor(file) {
  return {
    call(name, args) {
      if (name === "collections.OrderedDict" && args.length === 0) return new Map();
      if (name === "torch._utils._rebuild_parameter") return args[0];
      if (name === "torch._utils._rebuild_tensor_v2") return describe(args, file);
      throw new ConvertError(`${file} asks to run ${show(name)}: refused, only tensors are read`);
    },
    load(id) {
      ensure(Array.isArray(id) && id[0] === "storage" && id[1] instanceof Global, `${file} has an unknown storage`);
      const type = lookUp(STORAGES, id[1].name);
      ensure(type !== undefined, `${file} has a storage of class ${show(id[1].name)}`);
      ensure(typeof id[2] === "string" && Number.isSafeInteger(id[4]) && id[4] >= 0, `${file} has a damaged storage`);
      return { key: id[2], type, count: id[4] };
    },
  };
}

/**
 * @param {unknown[]} args
 * @param {string} file
 * @returns {Description}
 */
function describe(args, file) {
  const [storage, offset, shape, stride] = args;
  const sizes = (/** @type {unknown} */ list) =>
    Array.isArray(list) && list.length <= 8 && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  ensure(
    storage !== null && typeof storage === "object" && "count" in storage && Number.isSafeInteger(offset),
    `${file} has a damaged tensor`,
  );
  ensure(
    sizes(shape) && sizes(stride) && /** @type {number[]} */ (shape).length === /** @type {number[]} */ (stride).length,
    `${file} has a tensor of shape ${show(shape)} and strides ${show(stride)}`,
  );
  return /** @type {Description} */ ({ storage, offset, shape, stride });
}

/**
 * Opens a file written by torch.save that holds a dictionary of tensors, in the zip format or the one before it.
 * @param {SourceFile} file
 * @returns {Promise<Map<string, FloatTensor>>}
 */
export async function openTorchFile(file) {
  const head = await file.read(0, Math.min(4, file.size));
  const { state, read } = isZip(head, file.name) ? await openZip(file) : await openLegacy(file);
  ensure(state instanceof Map, `${file.name} does not hold a dictionary of tensors`);
  /** @type {Map<string, FloatTensor>} */
  const tensors = new Map();
  for (const [name, value] of state) {
    if (typeof name !== "string" || value === null || typeof value !== "object" || !("storage" in value)) continue;
    const description = /** @type {Description} */ (value);
    const { storage, offset, shape, stride } = description;
    if (FLOAT_BYTES[storage.type] === undefined) continue;
    const count = shape.reduce((a, b) => a * b, 1);
    const last = shape.reduce((sum, n, i) => sum + (n - 1) * stride[i], offset);
    const what = `tensor ${show(name)} of ${file.name}`;
    // A tensor may repeat its elements (stride 0), but then a few bytes could ask for any amount of memory.
    ensure(
      count === 0 || (offset >= 0 && last < storage.count && count <= storage.count),
      `${what} of shape ${show(shape)} goes beyond its ${storage.count} elements`,
    );
    tensors.set(name, {
      shape,
      read: async () => gather(readFloats(await read(storage), storage.type), description, count),
    });
  }
  return tensors;
}

/**
 * The elements of a tensor in row-major order.
 * @param {Float32Array} values of the storage
 * @param {Description} description
 * @param {number} count
 */
function gather(values, { offset, shape, stride }, count) {
  let dense = 1;
  const contiguous = [...shape.keys()].reverse().every((i) => {
    const fits = shape[i] === 1 || stride[i] === dense;
    dense *= shape[i];
    return fits;
  });
  if (contiguous) return values.subarray(offset, offset + count);
  const out = new Float32Array(count);
  const index = shape.map(() => 0);
  for (let i = 0, at = offset; i < count; i++) {
    out[i] = values[at];
    for (let d = shape.length - 1; d >= 0; d--) {
      at += stride[d];
      if (++index[d] < shape[d]) break;
      at -= stride[d] * shape[d];
      index[d] = 0;
    }
  }
  return out;
}

/** @param {SourceFile} file */
async function openZip(file) {
  const zip = await Zip.open(file);
  const pickle = [...zip.entries.keys()].find((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (pickle === undefined) throw new ConvertError(`${file.name} has no data.pkl: not a file of torch.save`);
  const folder = pickle.slice(0, -"data.pkl".length);
  if (zip.entries.has(`${folder}byteorder`)) {
    const order = String.fromCharCode(...(await zip.read(`${folder}byteorder`, 16)));
    ensure(order === "little", `${file.name} has the byte order ${show(order)}`);
  }
  const state = readPickle(new Cursor(await zip.read(pickle), `data.pkl of ${file.name}`), hooksFor(file.name));
  /** @param {Storage} storage */
  const read = async ({ key, type, count }) => {
    const bytes = await zip.read(`${folder}data/${key}`);
    const wanted = count * FLOAT_BYTES[type];
    ensure(bytes.length >= wanted, `${file.name}: storage ${show(key)} has ${bytes.length} bytes, not ${wanted}`);
    return bytes.subarray(0, wanted);
  };
  return { state, read };
}

/**
 * Five pickles (magic, version, system, state, keys of the storages), then for each key u64 count and the elements.
 * @param {SourceFile} file
 */
async function openLegacy(file) {
  const cursor = new Cursor(await file.read(0, Math.min(file.size, LEGACY_PICKLES)), file.name);
  const base = hooksFor(file.name);
  /** @type {Map<string, Storage>} */
  const storages = new Map();
  /** @type {import("./pickle.js").Hooks} */
  const hooks = {
    call: base.call,
    load(id) {
      const storage = /** @type {Storage} */ (base.load(id));
      ensure(
        /** @type {unknown[]} */ (id)[5] === null || /** @type {unknown[]} */ (id)[5] === undefined,
        `${file.name} has a view of a storage, which is not supported`,
      );
      storages.set(storage.key, storage);
      return storage;
    },
  };
  ensure(
    file.size > 2 && cursor.bytes[0] === 0x80 && readPickle(cursor, hooks) === LEGACY_MAGIC,
    `${file.name} is not a file of torch.save`,
  );
  ensure(readPickle(cursor, hooks) === 1001, `${file.name} has an unknown version of torch.save`);
  readPickle(cursor, hooks);
  const state = readPickle(cursor, hooks);
  const keys = readPickle(cursor, hooks);
  ensure(Array.isArray(keys), `${file.name} has no list of storages`);
  /** @type {Map<string, number>} */
  const places = new Map();
  let at = cursor.at;
  for (const key of keys) {
    const storage = storages.get(key);
    ensure(storage !== undefined, `${file.name} has an unused storage ${show(key)}`);
    const count = new Cursor(await file.read(at, 8), file.name).u64();
    ensure(count === storage.count, `${file.name}: storage ${show(key)} has ${count} elements, not ${storage.count}`);
    places.set(key, at + 8);
    at += 8 + count * (FLOAT_BYTES[storage.type] ?? INTEGER_BYTES[storage.type]);
    ensure(at <= file.size, `${file.name} is cut short in storage ${show(key)}`);
  }
  /** @param {Storage} storage */
  const read = async ({ key, type, count }) => {
    const place = places.get(key);
    if (place === undefined) throw new ConvertError(`${file.name}: storage ${show(key)} is missing`);
    return file.read(place, count * FLOAT_BYTES[type]);
  };
  return { state, read };
}
