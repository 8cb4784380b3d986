import { decodeJson } from "./bytes.js";
import { ConvertError, ensure, show } from "./errors.js";
import { SourceFile } from "./file.js";
import { openHuggingFace } from "./source-huggingface.js";
import { marianModels, openMarian } from "./source-marian.js";
import { openRecipe } from "./source-recipe.js";

/**
 * @typedef {import("./canonical.js").CanonicalModel} CanonicalModel
 * @typedef {import("./file.js").FileLike} FileLike
 *
 * Languages (BCP 47) and facts that the source does not tell, or tells wrongly.
 * @typedef {{ source?: string[], target?: string[], general?: Record<string, string | string[]> }} SourceOptions
 */

/** The files of one model folder. A gzipped file answers to its name without `.gz`. */
export class SourceFiles {
  /**
   * @param {Iterable<[string, FileLike]>} files
   * @param {AbortSignal} [signal] ends whatever reads them
   */
  constructor(files, signal) {
    /** @type {Map<string, SourceFile>} */
    this.map = new Map();
    for (const [name, content] of files) this.map.set(name, new SourceFile(name, content, signal));
  }

  /**
   * Names that match, `.gz` included.
   * @param {RegExp} pattern
   */
  names(pattern) {
    return [...this.map.keys()].filter((name) => pattern.test(name)).sort();
  }

  /**
   * @param {string} name with or without `.gz`
   * @returns {Promise<SourceFile | undefined>}
   */
  async find(name) {
    return (this.map.get(name) ?? this.map.get(`${name}.gz`))?.unzipped();
  }

  /**
   * As find, but a missing file is an error.
   * @param {string} name
   */
  async need(name) {
    const file = await this.find(name);
    if (!file) throw new ConvertError(`${name} is missing; the folder has ${show([...this.map.keys()])}`);
    return file;
  }
}

/**
 * Recognizes the kind of a model folder and opens it. Reads no weights yet.
 * @param {SourceFiles} files
 * @param {SourceOptions} options
 * @returns {Promise<CanonicalModel>}
 */
export async function openSource(files, options) {
  for (const name of files.names(/\.zst$/))
    ensure(files.map.has(name.slice(0, -4)), `${name} is compressed by zstd: decompress it first (zstd -d ${name})`);
  const model = await openKind(files, options);
  Object.assign(model.general, options.general);
  for (const side of /** @type {const} */ (["source", "target"])) {
    const languages = side === "source" ? model.config.sourceLanguages : model.config.targetLanguages;
    if (languages.length === 0) {
      languages.push("und");
      model.warnings.push(`the ${side} language is not known: written as "und"; give it with --${side}`);
    }
    for (const [i, language] of languages.entries()) {
      try {
        languages[i] = Intl.getCanonicalLocales(language)[0];
      } catch {
        throw new ConvertError(`the ${side} language ${show(language)} is not a BCP 47 tag`);
      }
    }
  }
  return model;
}

/**
 * @param {SourceFiles} files
 * @param {SourceOptions} options
 */
async function openKind(files, options) {
  const file = await files.find("config.json");
  const [judge] = files.names(/^quality_?model.*\.bin(\.gz)?$/i);
  ensure(
    file || !judge || marianModels(files).length > 0,
    `${judge} is a quality model: it judges translations and makes none; the model itself is model.*.bin`,
  );
  if (!file && marianModels(files).length > 0) return openMarian(files, options);
  if (!file)
    throw new ConvertError(
      `no model found: config.json, *.npz or a Marian *.bin is needed; the folder has ${show([...files.map.keys()])}`,
    );
  const config = decodeJson(await file.read(), file.name);
  ensure(config !== null && typeof config === "object", `${file.name} is not an object`);
  if (config.architecture === "glossa" || config.architecture === "encoder-decoder")
    return openRecipe(files, config, options);
  if (config.model_type === "marian") return openHuggingFace(files, config, options);
  throw new ConvertError(
    `${file.name} describes a model of type ${show(config.architecture ?? config.model_type)}, which is not supported`,
  );
}
