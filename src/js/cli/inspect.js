import { open } from "node:fs/promises";
import { basename } from "node:path";
import { SourceFile } from "../convert/file.js";
import { GgufFile } from "../convert/gguf-reader.js";
import { PIECE } from "../convert/sentencepiece.js";
import { Translator } from "../index.js";
import { parse, UsageError, withUsage } from "./arguments.js";
import { fileError } from "./files.js";
import { harmless } from "./terminal.js";

const USAGE = `Usage: glossa inspect MODEL.gguf [--json]

Prints the metadata, the tokenizer, the tensors (shape as [inputs, outputs]) and totals of a checkpoint, and the memory
that translating with it takes.
`;

/* Longer arrays are shown by their length. */
const SHOWN_ELEMENTS = 12;

/**
 * `glossa inspect`.
 * @param {string[]} argv
 * @param {Pick<import("./glossa.js").IO, "stdout" | "stderr">} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("inspect", USAGE, io, async () => {
    const { values, positionals } = parse({
      args: argv,
      allowPositionals: true,
      options: { json: { type: "boolean", default: false }, help: { type: "boolean", short: "h" } },
    });
    if (values.help) {
      io.stdout.write(USAGE);
      return 0;
    }
    if (positionals.length !== 1) throw new UsageError(`one MODEL.gguf is needed, not ${positionals.length}`);
    const report = await inspectFile(positionals[0]);
    const engine = await measure(positionals[0]);
    if (values.json) io.stdout.write(harmless(`${JSON.stringify({ ...report, engine }, jsonNumber, 2)}\n`));
    else io.stdout.write(harmless(print(report, engine)));
    return 0;
  });
}

/**
 * Opens a checkpoint in the engine, in its default limits.
 * @param {string} path
 * @returns {Promise<{ build: string, wasmBytes: number, modelBytes: number, workingBytes: number } | { refused: string }>}
 */
async function measure(path) {
  try {
    const translator = await Translator.create({ model: path, worker: false });
    const { build, wasmBytes, modelBytes, workingBytes } = translator.info;
    translator.destroy();
    return { build, wasmBytes, modelBytes, workingBytes };
  } catch (error) {
    return { refused: /** @type {Error} */ (error).message };
  }
}

/**
 * JSON has no big integers; those of GGUF become strings.
 * @param {string} _
 * @param {unknown} value
 */
function jsonNumber(_, value) {
  return typeof value === "bigint" ? String(value) : value;
}

/** @param {string} path */
async function inspectFile(path) {
  const handle = await open(path).catch((error) => {
    throw fileError(path, error);
  });
  try {
    const file = new SourceFile(basename(path), {
      size: (await handle.stat()).size,
      read: async (offset, length) => {
        const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      },
    });
    return describe(await GgufFile.open(file));
  } finally {
    await handle.close();
  }
}

/**
 * What a checkpoint holds.
 * @param {GgufFile} gguf
 */
export function describe(gguf) {
  /** @type {Record<string, unknown>} */
  const metadata = {};
  for (const [name, key] of gguf.keys) {
    if (key.type !== "array") metadata[name] = key.value;
    else {
      const values = Array.from(/** @type {ArrayLike<unknown>} */ (key.value));
      const of = "of" in key ? key.of : "";
      metadata[name] = values.length > SHOWN_ELEMENTS ? { array: of, length: values.length } : values;
    }
  }
  const tensors = [...gguf.tensors.values()].map(({ name, type, ne, offset, bytes }) => ({
    name,
    type,
    shape: ne,
    offset,
    bytes,
  }));
  /** @type {Record<string, { tensors: number, elements: number, bytes: number }>} */
  const types = {};
  let parameters = 0;
  for (const { name, type, shape, bytes } of tensors) {
    const elements = shape.reduce((a, b) => a * b, 1);
    types[type] ??= { tensors: 0, elements: 0, bytes: 0 };
    types[type].tensors++;
    types[type].elements += elements;
    types[type].bytes += bytes;
    if (type !== "I32" && !/\.(act_)?scale$/.test(name)) parameters += elements;
  }
  const tokenizers = Object.fromEntries(
    ["tokenizer.ggml", "glossa.target.tokenizer"]
      .filter((prefix) => gguf.keys.has(`${prefix}.model`))
      .map((prefix) => [prefix, describeTokenizer(gguf, prefix)]),
  );
  return {
    file: gguf.file.name,
    bytes: gguf.file.size,
    alignment: gguf.alignment,
    metadata,
    tokenizers,
    tensors,
    totals: { tensors: tensors.length, parameters, bytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0), types },
  };
}

/**
 * @param {GgufFile} gguf
 * @param {string} prefix
 */
function describeTokenizer(gguf, prefix) {
  const list = (/** @type {string} */ name) =>
    /** @type {ArrayLike<any>} */ (gguf.get(`${prefix}.${name}`) ?? { length: 0 });
  const tokens = list("tokens");
  const kinds = Object.keys(PIECE).map((name) => name.toLowerCase().replace("_", " "));
  /** @type {Record<string, number>} */
  const pieces = {};
  for (const type of Array.from(list("token_type"))) {
    const kind = kinds[type - 1] ?? `type ${type}`;
    pieces[kind] = (pieces[kind] ?? 0) + 1;
  }
  /** @type {Record<string, number>} */
  const special = {};
  for (const name of ["unknown", "bos", "eos", "padding"]) {
    const id = gguf.get(`${prefix}.${name}_token_id`);
    if (typeof id === "number") special[name] = id;
  }
  return {
    model: gguf.string(`${prefix}.model`),
    tokens: tokens.length,
    pieces,
    special,
    byteFallback: (pieces.byte ?? 0) > 0,
    charsmapBytes: list("precompiled_charsmap").length,
    ownIds: gguf.keys.has(`${prefix}.ids`),
  };
}

/**
 * @param {ReturnType<typeof describe>} report
 * @param {Awaited<ReturnType<typeof measure>>} engine
 */
function print(report, engine) {
  const number = (/** @type {number} */ n) => n.toLocaleString("en");
  const lines = [
    `${report.file}: GGUF 3, ${number(report.bytes)} bytes, aligned to ${report.alignment}`,
    "",
    "metadata",
  ];
  const width = Math.max(...Object.keys(report.metadata).map((name) => name.length));
  for (const [name, value] of Object.entries(report.metadata)) lines.push(`  ${name.padEnd(width)}  ${shown(value)}`);

  for (const [prefix, tokenizer] of Object.entries(report.tokenizers)) {
    lines.push("", prefix === "tokenizer.ggml" ? "tokenizer" : "target tokenizer");
    const kinds = Object.entries(tokenizer.pieces).map(([kind, count]) => `${number(count)} ${kind}`);
    lines.push(`  ${tokenizer.model}, ${number(tokenizer.tokens)} pieces: ${kinds.join(", ")}`);
    const special = Object.entries(tokenizer.special).map(([name, id]) => `${name} ${id}`);
    const ids = tokenizer.ownIds ? "; the model has ids of its own" : "";
    lines.push(`  ${special.join(", ")}; charsmap ${number(tokenizer.charsmapBytes)} bytes${ids}`);
  }

  lines.push("", "tensors");
  const rows = report.tensors.map(({ name, type, shape, bytes }) => [
    name,
    type,
    `[${shape.join(", ")}]`,
    number(bytes),
  ]);
  const widths = [0, 1, 2, 3].map((i) => Math.max(0, ...rows.map((row) => row[i].length)));
  for (const row of rows)
    lines.push(`  ${row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ")}`);

  const { totals } = report;
  lines.push("", "totals");
  for (const [type, { tensors, elements, bytes }] of Object.entries(totals.types))
    lines.push(`  ${type.padEnd(4)} ${number(tensors)} tensors, ${number(elements)} elements, ${number(bytes)} bytes`);
  lines.push(`  all  ${number(totals.tensors)} tensors, ${number(totals.bytes)} bytes`);
  lines.push(`  parameters ${number(totals.parameters)}`);
  lines.push("", "engine");
  if ("refused" in engine) lines.push(`  refuses it: ${engine.refused}`);
  else {
    lines.push(
      `  working memory ${number(engine.workingBytes)} bytes beside the checkpoint, whose weights are not copied`,
    );
    lines.push(`  WebAssembly memory ${number(engine.wasmBytes)} bytes in all (${engine.build})`);
  }
  return `${lines.join("\n")}\n`;
}

/** @param {unknown} value */
function shown(value) {
  if (value !== null && typeof value === "object" && "array" in value && "length" in value)
    return `${value.array}[${value.length}]`;
  if (Array.isArray(value)) return `[${value.join(", ")}]`;
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(7)));
  return String(value);
}
