// Language models and networks that see, by the command line and in JavaScript, on data made by rule.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { Translator } from "../../src/js/index.js";
import { Lab } from "../../src/js/lab/index.js";
import { rolloutOf, sightOf } from "../../src/js/lab/seeing.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const native = path("build/native/glossa-native");
const noNative = existsSync(native) ? false : "build/native holds no glossa-native; run the step native first";
const folder = mkdtempSync(join(tmpdir(), "glossa-networks-"));
const at = (/** @type {string} */ name) => join(folder, name);
after(() => rmSync(folder, { recursive: true }));

/** @param {string[]} words @param {string} [input] */
function glossa(words, input = "") {
  const all = { input, encoding: /** @type {const} */ ("utf8"), cwd: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, [path("src/js/cli/glossa.js"), ...words], all);
  return { status, stdout, stderr };
}

// ---- texts ----

const SAYS = { cat: "meows", dog: "barks", cow: "moos", owl: "hoots" };
const PLACES = ["at night", "in the barn", "by the river"];
const texts = Object.entries(SAYS).flatMap(([who, how]) => PLACES.map((where) => `the ${who} ${how} ${where}`));
writeFileSync(at("texts.txt"), `${texts.join("\n")}\n`);
const SMALL = "--width 32 --feed-forward 32 --vocabulary 400 --dropout 0 --warmup 10 --set-aside 0".split(" ");
const LANGUAGE = [...SMALL, ..."--encoder-layers 1 --decoder-layers 1 --batch-tokens 96 --steps 400".split(" ")];

test("masks are filled by the command line", () => {
  const trained = glossa(["train", "--preset", "masked", "--data", "texts.txt", ...LANGUAGE, "-q", "-o", "fill.gguf"]);
  assert.equal(trained.status, 0, trained.stderr);
  const plain = glossa(["lab", "fill", "--model", "fill.gguf", "--most", "2"], "the dog <mask> at night\n");
  assert.match(plain.stdout, /^barks \d+\.\d %, \S+ \d+\.\d %\n$/, plain.stderr);
  const { stdout } = glossa(["lab", "fill", "--model", "fill.gguf", "--json"], "the <mask> hoots by the <mask>\n");
  const { text, masks } = JSON.parse(stdout);
  assert.equal(text, "the <mask> hoots by the <mask>");
  assert.deepEqual(
    masks.map((/** @type {any[]} */ guesses) => guesses.length),
    [5, 5],
  );
  assert.equal(masks[0][0].text, "owl");
  assert.equal(masks[0][0].piece, "\u2581owl");
  const none = glossa(["lab", "fill", "--model", "fill.gguf"], "the dog\n");
  assert.match(none.stderr, /line 1: the text has no <mask> to fill/);
  const other = glossa(["lab", "continue", "--model", "fill.gguf"], "the dog\n");
  assert.match(other.stderr, /the lab's network is no causal language model/);
});

test("a language model in JavaScript: what it writes, by chance too, and what it sees", async () => {
  const training = { steps: 300, dropout: 0, warmup: 10, batchTokens: 96, setAside: 0 };
  const network = { width: 32, feedForward: 32, vocabulary: 400, decoderLayers: 1 };
  const lab = await Lab.create({ texts, network, training, worker: false });
  assert.equal(lab.info.learnsFrom, "texts");
  assert.equal(await lab.get("architecture"), "causal");
  assert.equal(await lab.get("masked_share"), 0.15);
  for await (const report of lab.train({ every: 300 })) assert.equal(report.heldOut, undefined);
  const { text, ended } = await lab.continue("the cow");
  assert.match(text, /^ moos (at night|in the barn|by the river)$/);
  assert.ok(ended);
  assert.deepEqual(await lab.continue("the cow", { tokens: 1 }), { text: " moos", ended: false });
  const drawn = new Set();
  for (let seed = 0; seed < 20; seed++) drawn.add((await lab.continue("the", { temperature: 1, topK: 9, seed })).text);
  assert.ok(drawn.size > 3);
  const once = await lab.continue("the", { temperature: 2, seed: 3 });
  assert.deepEqual(await lab.continue("the", { temperature: 2, seed: 3 }), once);
  await assert.rejects(lab.continue("the", { temperature: -1 }), /"temperature" is -1/);
  await assert.rejects(lab.continue(texts.join(" ")), /the prompt has \d+ tokens, need 0 to 62/);
  const { target, arrays } = await lab.inspect("the cow moos");
  assert.deepEqual(target, ["\u2581the", "\u2581cow", "\u2581moos", "</s>"]);
  const { shape, data } = arrays["dec.blk.0.attn"];
  assert.deepEqual(shape, [4, 4, 4]);
  assert.deepEqual([...data.subarray(0, 4)], [1, 0, 0, 0]); // nothing later is seen
  const model = await lab.save("int8");
  lab.destroy();
  const again = await Lab.open(model, { worker: false });
  assert.match((await again.continue("the owl")).text, /^ hoots/);
  again.destroy();
  await assert.rejects(
    Translator.create({ sourceLanguage: "en", targetLanguage: "en", model, worker: false }),
    /'glossa.task' is 'causal-language-model'.*glossa lab/,
  );
});

test("its bits are the native ones, alone and by two workers", { skip: noNative }, () => {
  const settings = [...LANGUAGE, "--kernels", "exact", "--seed", "5", "--steps", "20", "-o"];
  for (const preset of ["masked", "causal"]) {
    const words = ["train", "--preset", preset, "--data", "texts.txt", ...settings];
    const own = glossa([...words, "own.gguf", "-q", "--threads", "2"]);
    assert.equal(own.status, 0, own.stderr);
    execFileSync(native, [...words, "native.gguf", "--quiet"], { cwd: folder });
    assert.ok(readFileSync(at("own.gguf")).equals(readFileSync(at("native.gguf"))), preset);
  }
});

// ---- images ----

const SIDE = 8;
let state = 5;
const noise = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;

/** A bright bar on noise: upright or lying, in one half or the other. @param {number} kind */
function bar(kind) {
  const place = (kind & 1) * 4 + Math.floor(4 * noise());
  return Uint8Array.from({ length: SIDE ** 2 }, (_, i) => {
    const line = kind & 2 ? Math.floor(i / SIDE) : i % SIDE;
    return Math.floor(60 * noise()) + (line === place ? 180 : 0);
  });
}

const bars = Array.from({ length: 160 }, (_, i) => ({ pixels: bar(i % 4), label: i % 4 }));
const idx = (/** @type {number} */ magic, /** @type {number[]} */ dims, /** @type {Uint8Array} */ data) => {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head.writeUInt32BE(magic);
  for (const [i, dim] of dims.entries()) head.writeUInt32BE(dim, 4 + 4 * i);
  return Buffer.concat([head, data]);
};
writeFileSync(at("images.idx"), idx(0x803, [160, SIDE, SIDE], Buffer.concat(bars.map(({ pixels }) => pixels))));
writeFileSync(
  at("labels.idx"),
  idx(
    0x801,
    [160],
    Uint8Array.from(bars, ({ label }) => label),
  ),
);
const VISION = [...SMALL, ..."--image 8 --patch 2 --batch 16 --shift 0 --encoder-layers 2".split(" ")];
const IDX = ["--images", "images.idx", "--labels", "labels.idx"];

test("a ViT learns from IDX files, and shows where its class token looked", () => {
  const words = ["train", "--preset", "vit", ...IDX, ...VISION, "--steps", "250", "--int8", "-q", "-o", "vit.gguf"];
  const trained = glossa(words);
  assert.equal(trained.status, 0, trained.stderr);
  const pixels = bar(2);
  writeFileSync(at("bar.png"), encode({ width: SIDE, height: SIDE, data: pixels, channels: 1, depth: 8 }));
  const colours = Uint8Array.from({ length: 4 * SIDE ** 2 }, (_, i) => (i % 4 === 3 ? 255 : pixels[Math.floor(i / 4)]));
  writeFileSync(at("colours.png"), encode({ width: SIDE, height: SIDE, data: colours, channels: 4, depth: 8 }));
  writeFileSync(at("bar.pgm"), Buffer.concat([Buffer.from("P5\n# a bar\n8 8\n255\n"), pixels]));
  writeFileSync(at("digits.pgm"), `P2 8 8 255\n${[...pixels].join(" ")}\n`);
  const plain = glossa(["lab", "see", "--model", "vit.gguf", "bar.png"]);
  assert.match(plain.stdout, /^2\t(0\.\d{4}|1\.0000)\n$/, plain.stderr);
  for (const other of ["colours.png", "bar.pgm", "digits.pgm"])
    assert.equal(glossa(["lab", "see", "--model", "vit.gguf", other]).stdout, plain.stdout, other);
  const told = JSON.parse(glossa(["lab", "see", "--model", "vit.gguf", "--json", "bar.png"]).stdout);
  assert.equal(told.label, "2");
  assert.deepEqual(
    told.layers.map((/** @type {any} */ { heads }) => heads.map((/** @type {number[]} */ head) => head.length)),
    [
      [16, 16, 16, 16],
      [16, 16, 16, 16],
    ],
  );
  for (const { heads } of told.layers)
    for (const head of heads) assert.ok(head.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b) < 1); // the rest is the token's own
  assert.equal(told.rollout.length, 16);
  const drawn = glossa(["lab", "see", "--model", "vit.gguf", "--svg", "-o", "bar.svg", "bar.png"]);
  assert.equal(drawn.status, 0, drawn.stderr);
  const svg = readFileSync(at("bar.svg"), "utf8");
  assert.equal(svg.match(/<title>/g)?.length, 9 * 16); // every head of both layers, and the rollout
  assert.match(svg, /what the class token of each head attends to/);
});

test("images of the wrong size or kind are named", () => {
  const cases = /** @type {[string, string | Uint8Array, RegExp][]} */ ([
    [
      "wide.png",
      encode({ width: 9, height: 8, data: new Uint8Array(72), channels: 1, depth: 8 }),
      /wide\.png is 9 x 8 pixels, the network sees 8 x 8/,
    ],
    [
      "cut.png",
      encode({ width: 8, height: 8, data: bar(0), channels: 1, depth: 8 }).subarray(0, 50),
      /cut\.png is no sound PNG/,
    ],
    ["text.pgm", "P5 8", /text\.pgm is no sound PGM: its head is "P5 8"/],
    ["short.pgm", "P5 8 8 255\nabc", /short\.pgm has 3 pixels, its head says 8 x 8/],
    ["photo.jpg", "\u00ff\u00d8", /photo\.jpg is no image that is known here/],
  ]);
  for (const [name, bytes, message] of cases) {
    writeFileSync(at(name), bytes);
    const { status, stderr } = glossa(["lab", "see", "--model", "vit.gguf", name]);
    assert.match(stderr, message, name);
    assert.equal(status, 1, name);
  }
  assert.match(glossa(["lab", "see", "--model", "vit.gguf", "no.png"]).stderr, /no\.png: there is no such file/);
  assert.match(glossa(["lab", "see", "--model", "fill.gguf", "bar.png"]).stderr, /the lab's network sees no images/);
});

test("Swin in JavaScript: images with labels of any name, and what each patch gets", async () => {
  const names = ["left", "right", "top", "bottom"];
  const images = bars.map(({ pixels, label }) => ({ pixels, label: names[label] }));
  const network = { image: 8, patch: 1, window: 2, width: 16, heads: 2, feedForward: 32, encoderLayers: 4 };
  const training = { batch: 16, shift: 0, steps: 120, warmup: 10, dropout: 0, setAside: 16 };
  const lab = await Lab.create({ preset: "swin", images, network, training, worker: false });
  for await (const { heldOut } of lab.train({ every: 120 })) assert.ok(heldOut && heldOut.exact > 0.7);
  const { label, labels, layers, rollout } = await lab.see(bar(3));
  assert.equal(label, "bottom");
  assert.deepEqual(labels.map(({ label: name }) => name).sort(), ["bottom", "left", "right", "top"]);
  assert.deepEqual(
    layers.map(({ side, heads }) => [side, heads.length]),
    [
      [8, 2],
      [8, 2],
      [4, 4],
      [4, 4],
    ],
  );
  assert.equal(rollout, null);
  for (const { heads } of layers)
    for (const shares of heads) {
      const sum = shares.reduce((a, b) => a + b); // each window of four patches gives one in all
      assert.ok(Math.abs(sum - shares.length / 4) < 1e-4);
    }
  await assert.rejects(lab.see(new Uint8Array(9)), /the image has 9 pixels, need 8 x 8/);
  await assert.rejects(lab.see(/** @type {any} */ ("a text")), /An image is grey pixels/);
  lab.destroy();
});

test("what is given to learn from fits the network, or is refused by name", async () => {
  const create = (/** @type {any} */ options) => Lab.create({ worker: false, ...options });
  await assert.rejects(create({ texts, images: bars }), /"texts" and "images" exclude each other/);
  await assert.rejects(
    create({ preset: "vit", texts }),
    /the data are texts alone, but the network learns from labelled images/,
  );
  await assert.rejects(create({ texts: [1] }), /The option "texts" is/);
  await assert.rejects(create({ images: [{ pixels: [1] }] }), /The option "images" has .* at place 0/);
  await assert.rejects(create({ images: { images: new Uint8Array(4) } }), /two IDX files/);
  await assert.rejects(create({ images: bars, network: { image: 16 } }), /image 0 has 64 pixels, need 256/);
});

// ---- pictures of attention ----

/** @param {number[][][]} heads rows of weights @returns {import("../../src/js/lab/types.js").LabArray} */
const attention = (heads) => ({
  name: "enc.blk.0.attn",
  shape: [heads.length, heads[0].length, heads[0][0].length],
  data: Float32Array.from(heads.flat(2)),
});

test("attention and rollout by hand", () => {
  const vision = { image: 2, patch: 1, window: 0, stages: 0, layers: 2, isSwin: false, hasToken: false };
  // One patch stands for the token: rows sum to 1.
  const first = attention([
    [
      [0.5, 0.5],
      [0, 1],
    ],
    [
      [1, 0],
      [0.5, 0.5],
    ],
  ]);
  const second = attention([
    [
      [0, 1],
      [1, 0],
    ],
    [
      [0, 1],
      [1, 0],
    ],
  ]);
  const token = { ...vision, hasToken: true };
  assert.deepEqual([...sightOf(token, [first])[0].heads[0]], [0.5]);
  assert.deepEqual([...sightOf(vision, [first])[0].heads[0]], [0.25, 0.75]);
  // (A + I) / 2 of both layers: [[7/8, 1/8], [1/8, 7/8]] and [[1/2, 1/2], [1/2, 1/2]].
  assert.deepEqual([.../** @type {Float32Array} */ (rolloutOf(token, [first, second]))], [0.5]);
  assert.deepEqual([.../** @type {Float32Array} */ (rolloutOf(token, [first]))], [0.125]);
  assert.deepEqual([.../** @type {Float32Array} */ (rolloutOf(vision, [first]))], [0.5, 0.5]);
});
