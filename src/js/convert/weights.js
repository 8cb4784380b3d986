import { decodeJson } from "./bytes.js";
import { ConvertError, ensure, show } from "./errors.js";
import { openSafetensors } from "./safetensors.js";
import { openTorchFile } from "./torch-file.js";

/**
 * @typedef {import("./safetensors.js").FloatTensor} FloatTensor
 * @typedef {import("./sources.js").SourceFiles} SourceFiles
 */

/* As the transformers library names them, best first; large models are cut into several, with an index. */
const FORMATS = [
  { name: "model.safetensors", open: openSafetensors, shards: /^model-\d+-of-\d+\.safetensors$/ },
  { name: "pytorch_model.bin", open: openTorchFile, shards: /^pytorch_model-\d+-of-\d+\.bin$/ },
];

/**
 * The tensors of a folder of the transformers library. No weights are read yet.
 * @param {SourceFiles} files
 * @returns {Promise<{ name: string, tensors: Map<string, FloatTensor> }>} `name`: of the file, for messages
 */
export async function openWeights(files) {
  for (const { name, open } of FORMATS) {
    const whole = await files.find(name);
    if (whole) return { name: whole.name, tensors: await open(whole) };
    const index = await files.find(`${name}.index.json`);
    if (index) return { name: index.name, tensors: await openShards(files, index, open) };
  }
  for (const { name, shards } of FORMATS) {
    const [first] = files.names(shards);
    ensure(!first, `${name}.index.json is missing, which tells what is in ${first} and its like`);
  }
  throw new ConvertError(
    `model.safetensors or pytorch_model.bin is missing; the folder has ${show([...files.map.keys()])}`,
  );
}

/**
 * @param {SourceFiles} files
 * @param {import("./file.js").SourceFile} index JSON {weight_map: {tensor: file}}
 * @param {typeof openSafetensors} open
 */
async function openShards(files, index, open) {
  const map = decodeJson(await index.read(), index.name)?.weight_map;
  ensure(
    map !== null && typeof map === "object" && Object.values(map).every((name) => typeof name === "string"),
    `${index.name} has no weight_map from tensors to files`,
  );
  /** @type {Map<string, Map<string, FloatTensor>>} */
  const shards = new Map();
  for (const name of new Set(/** @type {string[]} */ (Object.values(map))))
    shards.set(name, await open(await files.need(name)));
  /** @type {Map<string, FloatTensor>} */
  const tensors = new Map();
  for (const [tensor, name] of Object.entries(map)) {
    const found = shards.get(name)?.get(tensor);
    if (!found) throw new ConvertError(`${index.name} says that tensor ${show(tensor)} is in ${name}, but it is not`);
    tensors.set(tensor, found);
  }
  return tensors;
}
