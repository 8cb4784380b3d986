// Files that were made to harm the converter, or that are not what they should be: each is refused by a short message, at
// once and with little memory, or read for what it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { quantizeMatrix } from "../../src/js/convert/quantize.js";
import { ConvertError, convert } from "../../src/js/convert/index.js";
import { readYaml, readYamlVocabulary } from "../../src/js/convert/yaml.js";
import { concat, makeStudent, writeBin, writeNpz, writeSpm, zip } from "./marian-student.js";
import {
  call,
  folder,
  IDS,
  integer,
  json,
  makeModel,
  named,
  op,
  pickle,
  safetensors,
  string,
  text,
  tuple,
} from "./marianmt-folder.js";

/** @param {Record<string, Uint8Array>} files @param {object} [options] */
async function converted(files, options) {
  let bytes = 0;
  const write = (/** @type {Uint8Array} */ piece) => {
    bytes += piece.length;
  };
  const result = await convert(Object.entries(files), { write, ...options });
  assert.equal(result.bytes, bytes);
  return result;
}

/** @param {Record<string, Uint8Array>} files @param {RegExp} message */
async function refused(files, message) {
  await assert.rejects(converted(files), (/** @type {Error} */ error) => {
    assert.ok(error instanceof ConvertError, error.stack);
    assert.match(error.message, message);
    assert.ok(error.message.length < 400, `${error.message.length} characters`);
    return true;
  });
}

/** JSON of a list in a list and so on: JSON.stringify could not write it. @param {number} depth */
const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);

test("sizes of a config are checked before anything is made of them", async () => {
  for (const [key, value] of /** @type {[string, unknown][]} */ ([
    ["encoder_layers", 1e9],
    ["decoder_layers", 1e9],
    ["encoder_layers", "1000000000"],
    ["encoder_layers", -1],
    ["encoder_layers", null],
    ["d_model", 2 ** 40],
    ["max_position_embeddings", 1e12],
    ["encoder_attention_heads", 0],
  ])) {
    const both = /heads/.test(key) ? { decoder_attention_heads: value } : {};
    await refused(folder({ [key]: value, ...both }), /the number of .* is .*, not \d+ to \d+/);
  }
  const student = makeStudent({});
  for (const option of ["enc-depth", "dec-depth"]) {
    const yaml = student.yaml.replace(new RegExp(`${option}: \\d+`), `${option}: 1000000000`);
    assert.notEqual(yaml, student.yaml);
    await refused(
      { "m.bin": writeBin({ ...student, yaml }, "float32"), "v.spm": writeSpm(40) },
      /the number of (en|de)coder layers is 1000000000, not 1 to 256/,
    );
  }
});

/** A torch file whose pickle is given. @param {Uint8Array} body */
const torch = (body) =>
  zip([
    ["archive/data.pkl", pickle(body)],
    ["archive/data/0", new Uint8Array(4)],
  ]);
const storage = concat(
  tuple(string("storage"), named("torch", "FloatStorage"), string("0"), string("cpu"), integer(1)),
  op("Q"),
);
/** @param {Uint8Array} shape @param {Uint8Array} stride @param {Uint8Array} [offset] */
const tensor = (shape, stride, offset = integer(0)) =>
  call(named("torch._utils", "_rebuild_tensor_v2"), storage, offset, shape, stride, Uint8Array.of(0x89));
/** @param {Uint8Array} value */
const state = (value) => concat(op("}"), op("("), string("w"), value, op("u"));
/** A tuple of two that are one, and so on: 2^n leaves, two bytes a level. @param {number} n */
const doubled = (n) => concat(op("]"), ...Array.from({ length: n }, () => concat(op("2"), Uint8Array.of(0x86))));

test("pickles that grow, turn in circles or ask for memory are refused in a few words", async () => {
  const cyclic = concat(op("]"), op("q", Uint8Array.of(0)), op("h", Uint8Array.of(0)), op("a"));
  const deep = concat(op("]"), ...Array.from({ length: 20_000 }, () => Uint8Array.of(0x85)));
  const large = concat(Uint8Array.of(0x8a, 200), new Uint8Array(200).fill(0x7f));
  const some = tuple(integer(1));
  for (const [title, body, message] of /** @type {[string, Uint8Array, RegExp][]} */ ([
    ["doubled tuples as a shape", state(tensor(doubled(30), some)), /a tensor of shape \[/],
    ["a cyclic list as a shape", state(tensor(cyclic, some)), /a tensor of shape \[/],
    ["nested lists as a shape", state(tensor(deep, some)), /a tensor of shape \[/],
    ["a large number as a size", state(tensor(tuple(large), some)), /a tensor of shape \[\d+/],
    ["a mark as a size", state(tensor(concat(op("("), op("("), op("t"), op("l")), some)), /shape/],
    [
      "doubled tuples as a name",
      state(concat(doubled(30), doubled(30), Uint8Array.of(0x93), op(")"), op("R"))),
      /no name/,
    ],
    ["a mark as a name", state(concat(op("("), string("x"), Uint8Array.of(0x93))), /no name/],
    [
      "a storage of a strange class",
      state(concat(tuple(string("storage"), named("a", "toString"), string("0"), string("c"), integer(1)), op("Q"))),
      /class "a\.toString"/,
    ],
    [
      "one element repeated",
      state(tensor(tuple(integer(1_000_000_000)), tuple(integer(0)))),
      /goes beyond its 1 elements/,
    ],
    [
      "one element repeated in two directions",
      state(tensor(tuple(integer(2 ** 31 - 1), integer(2 ** 31 - 1)), tuple(integer(0), integer(0)))),
      /goes beyond its 1 elements/,
    ],
    ["a negative offset", state(tensor(some, some, integer(-1))), /goes beyond/],
  ])) {
    assert.ok(body.length < 40_100, title);
    await refused(folder({}, { "pytorch_model.bin": torch(body) }), message);
  }
});

/** A safetensors file with a header of one's own. @param {string} header */
function withHeader(header) {
  const head = text(header);
  return concat(new Uint8Array(BigUint64Array.of(BigInt(head.length)).buffer), head, new Uint8Array(64));
}

test("JSON that is deep, or has other types than it should, is refused in a few words", async () => {
  const weights = (/** @type {string} */ entry) => folder({}, { "model.safetensors": withHeader(`{"w":${entry}}`) });
  await refused(weights(`{"dtype":"F32","shape":${nested(5000)},"data_offsets":[0,4]}`), /has the shape \[\[/);
  await refused(weights(`{"dtype":"F32","shape":[1],"data_offsets":${nested(5000)}}`), /has the offsets \[\[/);
  for (const dtype of ['{"toString":1}', "null", "7", '"constructor"', '"__proto__"', nested(5000)])
    await refused(weights(`{"dtype":${dtype},"shape":[1],"data_offsets":[0,4]}`), /has the type/);
  await refused({ "config.json": text(`{"architecture":${nested(8000)}}`) }, /a model of type \[\[/);
  const ids = JSON.stringify(IDS);
  const vocabulary = (/** @type {string} */ id) =>
    folder({}, { "vocab.json": text(ids.replace('"<unk>":1', `"<unk>":${id}`)) });
  for (const id of [nested(8000), "4294967297", "1.5", "-1", '"1"', "null", "1e300"])
    await refused(vocabulary(id), /vocab\.json: the id of "<unk>" is/);
  for (const wrong of [{ activation_function: "constructor" }, { activation_function: { toString: 1 } }])
    await refused(folder(wrong), /activation_function is/);
  await converted(folder({ _name_or_path: { toString: 1 } }));
  await converted(
    folder({}, { "tokenizer_config.json": text(`{"source_lang":{"toString":1},"target_lang":${nested(8000)}}`) }),
  );
});

test("lines of YAML take time in proportion to their length", () => {
  for (const [
    title,
    line,
    read,
  ] of /** @type {[string, (n: number) => string, (text: string, what: string) => unknown][]} */ ([
    ["spaces in a key", (n) => `a${" ".repeat(n)}b`, readYaml],
    ["quotes in a key", (n) => `'${"''".repeat(n)}`, readYaml],
    ["escapes in a key", (n) => `"${"\\\\".repeat(n)}`, readYaml],
    ["spaces in a piece", (n) => `a${" ".repeat(n)}b`, readYamlVocabulary],
    ["colons in a piece", (n) => `${": ".repeat(n)}b`, readYamlVocabulary],
    ["digits behind a colon", (n) => `a: ${"1 ".repeat(n)}b`, readYamlVocabulary],
  ])) {
    const time = (/** @type {number} */ n) => {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 5; i++) {
        const begun = process.cpuUsage();
        assert.throws(() => read(line(n), "x"), ConvertError);
        const { user, system } = process.cpuUsage(begun);
        best = Math.min(best, user + system);
      }
      return best;
    };
    const [short, long] = [time(20_000), time(80_000)];
    assert.ok(long <= 8 * Math.max(short, 1000), `${title}: ${short} and ${long} microseconds`);
  }
});

test("keys and pieces of YAML as before", () => {
  const yaml = readYaml(`a : 1\n"b\\"c": 'd''e'\n'f''g' :\nh:\n  [1, x]\ni: j: k\n`, "x");
  assert.deepEqual(
    [...yaml],
    [
      ["a", 1],
      ['b"c', "d'e"],
      ["f'g", null],
      ["h", [1, "x"]],
      ["i", "j: k"],
    ],
  );
  for (const line of ["a", "a:b", ":", ": 1", '"a" b: 1', '"a: 1', "'a'b: 1"])
    assert.throws(() => readYaml(line, "x"), /is not "key: value"|no closing quote/, line);
  const pieces = readYamlVocabulary('a: 1\n: : 3\nb:c  :  4 \n"\\u0041 : ": 5\n', "x");
  assert.deepEqual(
    [...pieces],
    [
      ["a", 1],
      [":", 3],
      ["b:c", 4],
      ["A : ", 5],
    ],
  );
});

test("weights in several files, by their index", async () => {
  const whole = makeModel();
  const names = [...whole.keys()];
  const half = names.length >> 1;
  const [first, second] = [names.slice(0, half), names.slice(half)];
  const part = (/** @type {string[]} */ of) =>
    safetensors(new Map(of.map((name) => [name, /** @type {any} */ (whole.get(name))])));
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const map = Object.fromEntries([
    ...first.map((name) => [name, shards[0]]),
    ...second.map((name) => [name, shards[1]]),
  ]);
  const files = folder({}, { [shards[0]]: part(first), [shards[1]]: part(second) });
  delete files["model.safetensors"];
  await refused(files, /model\.safetensors\.index\.json is missing, which tells what is in model-00001/);
  const index = (/** @type {unknown} */ value) => ({ ...files, "model.safetensors.index.json": json(value) });
  const bytesOf = async (/** @type {Record<string, Uint8Array>} */ from) => {
    /** @type {Uint8Array[]} */
    const pieces = [];
    await convert(Object.entries(from), { write: (piece) => pieces.push(piece.slice()) });
    return Buffer.concat(pieces);
  };
  assert.ok((await bytesOf(index({ weight_map: map }))).equals(await bytesOf(folder())));
  await refused(index({}), /has no weight_map/);
  await refused(index({ weight_map: { ...map, more: shards[0] } }), /says that tensor "more" is in model-00001/);
  await refused(index({ weight_map: { ...map, more: "model-3.safetensors" } }), /model-3\.safetensors is missing/);
});

test("pages, pointers and quality models are named as what they are", async () => {
  const page = text("<!doctype html>\n<title>404</title>");
  const pointer = text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  const spm = writeSpm(12);
  const student = makeStudent({ width: 16, ffn: 16, heads: 2, encoder: 1, decoder: 1, vocabulary: 12 });
  for (const name of ["m.bin", "m.npz", "m.bin.gz"]) {
    await refused({ [name]: page, "v.spm": spm }, /is an HTML page/);
    await refused({ [name]: pointer, "v.spm": spm }, /is only a pointer of Git LFS/);
  }
  await refused(folder({}, { "model.safetensors": page }), /model\.safetensors is an HTML page/);
  await refused({ ...folder(), "vocab.json": page }, /vocab\.json is an HTML page/);
  await refused({ ...folder(), "source.spm": pointer }, /source\.spm is only a pointer/);
  const model = { "model.enes.intgemm.alphas.bin": writeBin(student, "float32"), "vocab.enes.spm": spm };
  await converted({ ...model, "qualityModel.enes.bin": text("quality") });
  await refused(
    { "qualityModel.enes.bin": text("q"), "vocab.enes.spm": spm },
    /qualityModel\.enes\.bin is a quality model/,
  );
});

test("details of imports: what is left out is said", async () => {
  await converted(folder({ eos_token_id: [0] }, { "generation_config.json": json({}) }));
  const { warnings } = await converted(folder({ forced_bos_token_id: 5 }));
  assert.match(warnings.join(), /forced_bos_token_id 5 is left out/);
  const files = folder();
  delete files["target.spm"];
  assert.match((await converted(files)).warnings.join(), /there is no target\.spm: source\.spm is taken for both/);
  const student = makeStudent({});
  const chinese = { "model.enzh_hant.bin": writeBin(student, "float32"), "vocab.spm": writeSpm(40) };
  assert.deepEqual((await converted(chinese)).warnings, []);
  const more = { "m.npz": writeNpz(makeStudent({ vocabulary: 40 })), "v.spm": writeSpm(12), "v.vocab": text("x") };
  await refused(
    more,
    /has 12 pieces, but the model's embedding has 40 rows: the ids are in a vocab\.yml, which is missing/,
  );
});

test("work can be aborted within a tensor, and within a packed file", async () => {
  const reason = new Error("enough");
  const abort = new AbortController();
  setImmediate(() => abort.abort(reason));
  await assert.rejects(quantizeMatrix(new Float32Array(3 << 22), 3 << 12, 1024, "w", abort.signal), reason);

  const packed = gzipSync(writeBin(makeStudent({ width: 128, ffn: 512, vocabulary: 4000 }), "float32"));
  const later = new AbortController();
  let reads = 0;
  const file = {
    size: packed.length,
    read: async (/** @type {number} */ at, /** @type {number} */ length) => {
      if (++reads === 4) later.abort(reason);
      return Uint8Array.from(packed.subarray(at, at + length));
    },
  };
  const files = /** @type {[string, any][]} */ ([
    ["m.bin.gz", file],
    ["v.spm", writeSpm(4000)],
  ]);
  await assert.rejects(convert(files, { write: () => {}, signal: later.signal }), reason);
  assert.equal(reads, 4);
});
