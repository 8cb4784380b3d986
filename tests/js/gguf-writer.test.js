// The container: bytes by hand, values through a second reader, damaged files refused by the first.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SourceFile } from "../../src/js/convert/file.js";
import { GgufFile } from "../../src/js/convert/gguf-reader.js";
import {
  bool,
  f32,
  f32s,
  ggufHeader,
  i32s,
  string,
  strings,
  u8s,
  u32,
  writeGguf,
} from "../../src/js/convert/gguf-writer.js";
import { quantizeRows } from "../../src/js/convert/quantize.js";
import { parseGguf } from "./gguf-parse.js";
import { concat } from "./marian-student.js";

/** Every kind of value, and tensors of odd sizes. @returns {Promise<Uint8Array>} */
async function sample() {
  /** @type {Uint8Array[]} */
  const parts = [];
  await writeGguf(
    new Map([
      ["general.architecture", string("glossa")],
      ["a.number", u32(4_000_000_000)],
      ["a.float", f32(0.1)],
      ["a.flag", bool(true)],
      ["a.list", strings(["\u2581der", "", "\u{1f600}"])],
      ["a.scores", f32s([1.5, -2])],
      ["a.ids", i32s([-1, 7])],
      ["a.bytes", u8s(Uint8Array.of(0, 255))],
    ]),
    [
      {
        tensors: [
          { name: "m.weight", type: "I8", ne: [3, 2] },
          { name: "m.scale", type: "F32", ne: [2] },
        ],
        read: async () => [Int8Array.of(1, -2, 3, -4, 5, -127), Float32Array.of(0.5, 2)],
      },
      { tensors: [{ name: "ids", type: "I32", ne: [2] }], read: async () => [Int32Array.of(-5, 9)] },
    ],
    (bytes) => {
      parts.push(bytes.slice());
    },
  );
  return concat(...parts);
}

test("a header is what the specification says, byte by byte", () => {
  const header = ggufHeader(new Map([["k", bool(true)]]), [{ name: "t", type: "I8", ne: [16, 2] }]);
  const hex = [
    "47475546 03000000 0100000000000000 0200000000000000",
    "0100000000000000 6b 07000000 01",
    "1100000000000000 67656e6572616c2e616c69676e6d656e74 04000000 40000000",
    "0100000000000000 74 02000000 1000000000000000 0200000000000000 18000000 0000000000000000",
  ].join("");
  const wanted = Buffer.from(hex.replaceAll(" ", ""), "hex");
  assert.equal(header.length % 64, 0);
  assert.deepEqual(Buffer.from(header.subarray(0, wanted.length)), wanted);
  assert.ok(header.subarray(wanted.length).every((byte) => byte === 0));
});

test("values and tensors come back through another reader", async () => {
  const { keys, tensors } = parseGguf(await sample());
  assert.equal(keys.get("a.number"), 4_000_000_000);
  assert.equal(keys.get("a.float"), Math.fround(0.1));
  assert.equal(keys.get("a.flag"), true);
  assert.deepEqual(keys.get("a.list"), ["\u2581der", "", "\u{1f600}"]);
  assert.deepEqual(keys.get("a.scores"), [1.5, -2]);
  assert.deepEqual(keys.get("a.ids"), [-1, 7]);
  assert.deepEqual(keys.get("a.bytes"), [0, 255]);
  assert.deepEqual(tensors.get("m.weight")?.ne, [3, 2]);
  assert.deepEqual([...(tensors.get("m.weight")?.data ?? [])], [1, -2, 3, -4, 5, -127]);
  assert.deepEqual([...(tensors.get("m.scale")?.data ?? [])], [0.5, 2]);
  assert.deepEqual([...(tensors.get("ids")?.data ?? [])], [-5, 9]);
  for (const { offset } of tensors.values()) assert.equal(offset % 64, 0);
});

test("the project's own reader agrees", async () => {
  const gguf = await GgufFile.open(new SourceFile("m.gguf", await sample()));
  assert.equal(gguf.number("a.number"), 4_000_000_000);
  assert.deepEqual(gguf.get("a.list"), ["\u2581der", "", "\u{1f600}"]);
  assert.deepEqual([...(await gguf.read("m.weight"))], [1, -2, 3, -4, 5, -127]);
  assert.deepEqual([...(await gguf.read("ids"))], [-5, 9]);
});

test("a tensor of another size than announced is an error", async () => {
  const group = {
    tensors: [{ name: "t", type: /** @type {const} */ ("F32"), ne: [2] }],
    read: async () => [new Int8Array(7)],
  };
  await assert.rejects(
    writeGguf(new Map(), [group], () => {}),
    /tensor t has 7 bytes, not 8/,
  );
});

test("every truncation and every damaged count is refused with the file's name", async () => {
  const whole = await sample();
  for (let size = 0; size < whole.length - 64; size++)
    await assert.rejects(
      GgufFile.open(new SourceFile("cut.gguf", whole.subarray(0, size))),
      /cut\.gguf/,
      `${size} bytes`,
    );
  /** @param {number} at @param {number[]} bytes */
  const damaged = (at, ...bytes) => {
    const copy = whole.slice();
    copy.set(bytes, at);
    return GgufFile.open(new SourceFile("bad.gguf", copy));
  };
  await assert.rejects(damaged(0, 88), /bad\.gguf is not a GGUF file: it starts with the bytes 58 47 55 46/);
  await assert.rejects(damaged(4, 2), /version 2; Glossa reads version 3/);
  await assert.rejects(damaged(8, 255, 255, 255, 255), /claims 4294967295 tensors/);
  await assert.rejects(damaged(16, 255, 255), /claims 65535 keys/);
  await assert.rejects(damaged(24, 0), /key 1 has a name of 0 bytes/);
});

test("rows are quantized to the nearest, ties to even, with scale max / 127", () => {
  // Row 0: scale 1, ties at 0.5, 1.5, 2.5 and their negatives. Row 1: all zero. Row 2: scale 0.5.
  const weights = Float32Array.of(127, 0.5, 1.5, 2.5, -0.5, -1.5, 0, 0, 0, 0, 0, 0, -63.5, 0.25, 0.75, 1.25, 0.3, -0.2);
  const { q, scale } = quantizeRows(weights, 3, 6, "w");
  assert.deepEqual([...scale], [1, 1, 0.5]);
  assert.deepEqual([...q], [127, 0, 2, 2, 0, -2, 0, 0, 0, 0, 0, 0, -127, 0, 2, 2, 1, 0]);
});

test("the scale is rounded to float32 before it divides", () => {
  const { q, scale } = quantizeRows(Float32Array.of(0.1, -0.1, 0.05), 1, 3, "w");
  assert.equal(scale[0], Math.fround(Math.fround(0.1) / 127));
  assert.deepEqual([...q], [127, -127, 64]);
});

test("NaN and infinity are errors that name the tensor and the place", () => {
  assert.throws(() => quantizeRows(Float32Array.of(1, 2, 3, Number.NaN), 2, 2, "w"), /w holds NaN at row 1, column 1/);
  assert.throws(() => quantizeRows(Float32Array.of(1, -Infinity), 1, 2, "w"), /w holds -Infinity at row 0, column 1/);
});
