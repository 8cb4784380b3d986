// The Hugging Face Hub: OPUS-MT by the names under which Helsinki publishes it, or any repository with a MarianMT model by
// its own. What is loaded is pinned to a commit, and has the sums that the commit's list of files has.

import { shown } from "../errors.js";
import { addressOf, listOf, pathOf, sha256Of, sizeOf, tagOf } from "./check.js";
import { dataError, networkError, statusOf } from "./errors.js";
import { request, retrying, whole } from "./http.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").RegistryModel} RegistryModel */
/** @typedef {import("./types.js").RemoteFile} RemoteFile */

const ENDPOINT = "https://huggingface.co/";
const OWNER = "Helsinki-NLP";
const MOST_PAGES = 20;
const MOST_FILES = 10_000;
/** Bytes of an answer about a repository, or of a page of its list. */
const MOST_BYTES = 4 * 2 ** 20;
/** Files that lie in a repository as they are, whose sums are taken of a whole. */
const MOST_SMALL = 32 * 2 ** 20;

/** Files that the converter reads beside the weights. */
const BESIDE = [
  "config.json",
  "generation_config.json",
  "tokenizer_config.json",
  "vocab.json",
  "target_vocab.json",
  "source.spm",
  "target.spm",
];

/** Languages that the classic names call otherwise. @type {Record<string, string[]>} */
const ALSO = { ja: ["jap"], nb: ["no"], fil: ["tl"] };

/**
 * @typedef {object} HubOptions
 * @property {string} [endpoint] in place of https://huggingface.co
 * @property {string} [token] goes to the endpoint alone
 * @property {string[]} [repositories] "OWNER/NAME" or "OWNER/NAME@REVISION", in place of the names by which OPUS-MT is looked for
 * @property {string} [licence] of repositories that tell none: the caller has made sure of it
 */

/**
 * The repositories that may have a pair, the smallest kind first.
 * @param {string} source
 * @param {string} target
 * @param {Record<string, string>} three codes of three letters
 * @returns {string[]}
 */
export function namesFor(source, target, three) {
  const [from, to] = [source, target].map((tag) => new Intl.Locale(tag).language);
  const both = (/** @type {string} */ language) => [language, ...(ALSO[language] ?? [])];
  const pairs = both(from).flatMap((a) => both(to).map((b) => `${a}-${b}`));
  const tiny = three[from] && three[to] ? [`opus-mt_tiny_${three[from]}-${three[to]}`] : [];
  return [...tiny, ...pairs.map((pair) => `opus-mt-tc-big-${pair}`), ...pairs.map((pair) => `opus-mt-${pair}`)].map(
    (name) => `${OWNER}/${name}`,
  );
}

/** @param {Context} context @returns {Promise<Record<string, string>>} */
const codes = async ({ tools }) => (await tools.load("catalogue")).THREE;

/** The family of a repository. @param {string} name */
function familyOf(name) {
  if (/\/opus-mt_tiny_/.test(name)) return "tiny";
  if (/\/opus-mt-tc-big-/.test(name)) return "tc-big";
  return /\/opus-mt-/.test(name) ? "opus-mt" : "marian";
}

/**
 * @param {string} text
 * @returns {{name: string, revision: string}}
 */
export function readRepository(text) {
  const match = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w][\w./-]*))?$/.exec(text);
  if (!match || match[2]?.includes(".."))
    throw dataError(`${shown(text)} is no repository of the Hub: it takes OWNER/NAME or OWNER/NAME@REVISION.`);
  return { name: match[1], revision: match[2] ?? "main" };
}

/**
 * @param {HubOptions} [options]
 * @returns {import("./types.js").Registry}
 */
export function hubRegistry({ endpoint = ENDPOINT, token, repositories, licence = "" } = {}) {
  const home = addressOf(endpoint);

  /** @param {Context} context @param {string} url */
  const readJSON = (context, url) =>
    retrying(context, url, async () => {
      let response;
      try {
        response = await request(context, url, { token });
      } catch (error) {
        // A token that is no longer valid shuts what is open to all.
        if (!token || ![401, 403].includes(statusOf(error))) throw error;
        response = await request(context, url);
      }
      const bytes = await whole(context, response, url, MOST_BYTES);
      try {
        return { value: JSON.parse(new TextDecoder().decode(bytes)), link: response.headers.get("link") };
      } catch (error) {
        throw dataError(`What ${url} answered is damaged: ${/** @type {Error} */ (error).message}`);
      }
    });

  /**
   * @param {Context} context
   * @param {string} repository
   * @returns {Promise<RegistryModel>} without its files
   */
  const open = async (context, repository) => {
    const { name, revision } = readRepository(repository);
    const url = `${home}api/models/${name}/revision/${encodeURIComponent(revision)}`;
    const { value } = await readJSON(context, url);
    const commit = value?.sha;
    if (typeof commit !== "string" || !/^[\da-f]{40}$/.test(commit))
      throw dataError(`${url} names the commit ${shown(commit)}, and must name 40 hexadecimal digits.`);
    const tags = Array.isArray(value.tags)
      ? value.tags.filter((/** @type {unknown} */ tag) => typeof tag === "string")
      : [];
    const told =
      value.cardData?.license ?? tags.find((/** @type {string} */ tag) => tag.startsWith("license:"))?.slice(8);
    const model = {
      id: `${name}@${commit}`,
      registry: "huggingface",
      ...languagesOf(name, await codes(context)),
      version: commit,
      variant: familyOf(name),
      licence: typeof told === "string" && told !== "other" && told !== "unknown" ? told.slice(0, 100) : licence,
      origin: `${home}${name}`,
      downloadBytes: 0,
      diskBytes: 0,
      quality: {},
    };
    if (!model.licence)
      throw dataError(
        `${model.origin} tells no licence, so it is not taken. Where you know that you may use it, say so: huggingFace({ licence: "..." }), or --licence.`,
      );
    return model;
  };

  return {
    id: "huggingface",
    token,
    owns: ({ id }) => !repositories || repositories.some((text) => id.startsWith(`${readRepository(text).name}@`)),
    advice: "huggingFace({ endpoint }) names another address, such as a mirror's (HF_ENDPOINT).",
    open,
    async list(context, { asked }) {
      if (!repositories || !asked || context.offline) return [];
      return Promise.all(repositories.map((repository) => open(context, repository)));
    },
    async find(context, source, target) {
      if (context.offline) return [];
      if (repositories) {
        // a name that tells no languages may have any: the caller knows
        const all = await this.list(context, { asked: true });
        return all.filter((model) => model.source === "und").map((model) => ({ ...model, source, target }));
      }
      for (const name of namesFor(source, target, await codes(context))) {
        try {
          const found = await open(context, name);
          return [{ ...found, source, target }];
        } catch (error) {
          // The Hub answers 401 where there is nothing that all may see.
          if (![401, 403, 404].includes(statusOf(error))) throw error;
        }
      }
      return [];
    },
    async resolve(context, model) {
      if (model.files) return model;
      const [name, commit] = model.id.split("@");
      const tree = await readTree(context, `${home}api/models/${name}/tree/${commit}?recursive=true`, readJSON);
      const files = chooseFiles(tree, name).map((path) => remoteFile(path, tree, `${home}${name}/resolve/${commit}/`));
      const downloadBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
      const half = files.some(({ name: file, bytes }) => /safetensors$/.test(file) && bytes < 6e8);
      return { ...model, files, downloadBytes, diskBytes: Math.round(downloadBytes / (half ? 2 : 4)) };
    },
  };
}

/**
 * The languages that a repository's name tells; "und" where it tells none, as for groups of languages.
 * @param {string} name
 * @param {Record<string, string>} three
 */
function languagesOf(name, three) {
  const [, first, second] = /[_-]([a-z]{2,3})-([a-z]{2,3})$/.exec(name) ?? [];
  const tag = (/** @type {string | undefined} */ code = "und") => {
    const short = Object.keys(three).find((two) => three[two] === code || ALSO[two]?.includes(code));
    return tagOf(short ?? code, "its language");
  };
  return { source: tag(first), target: tag(second) };
}

/**
 * The list of a commit's files, in pages.
 * @param {Context} context
 * @param {string} start
 * @param {(context: Context, url: string) => Promise<{value: any, link: string | null}>} readJSON
 * @returns {Promise<Map<string, any>>}
 */
async function readTree(context, start, readJSON) {
  /** @type {Map<string, any>} */
  const tree = new Map();
  const seen = new Set();
  for (let url = start; url; ) {
    if (seen.has(url) || seen.size === MOST_PAGES) throw networkError(`${start} has pages without end: refused.`);
    seen.add(url);
    const { value, link } = await readJSON(context, url);
    for (const entry of listOf(value, `the list of files at ${url}`, MOST_FILES))
      if (entry?.type === "file" && typeof entry.path === "string") tree.set(entry.path, entry);
    if (tree.size > MOST_FILES) throw dataError(`${start} has more than ${MOST_FILES} files: refused.`);
    const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
    const to = next === undefined ? null : new URL(next, url);
    if (to && to.origin !== new URL(start).origin)
      throw networkError(`${url} has its next page at ${to.href}, which is another origin: refused.`);
    url = to?.href ?? "";
  }
  return tree;
}

/**
 * @param {Map<string, any>} tree
 * @param {string} name
 * @returns {string[]} paths of what the converter needs
 */
function chooseFiles(tree, name) {
  const beside = BESIDE.filter((file) => tree.has(file));
  for (const file of ["config.json", "vocab.json", "source.spm"])
    if (!tree.has(file)) throw dataError(`${name} has no ${file}: it is no MarianMT model that Glossa reads.`);
  for (const [whole, part] of /** @type {const} */ ([
    ["model.safetensors", /^model-\d+-of-\d+\.safetensors$/],
    ["pytorch_model.bin", /^pytorch_model-\d+-of-\d+\.bin$/],
  ])) {
    if (tree.has(whole)) return [...beside, whole];
    const index = `${whole}.index.json`;
    const shards = [...tree.keys()].filter((path) => part.test(path));
    if (tree.has(index) && shards.length) return [...beside, index, ...shards];
  }
  throw dataError(`${name} has neither model.safetensors nor pytorch_model.bin.`);
}

/**
 * @param {string} path
 * @param {Map<string, any>} tree
 * @param {string} base
 * @returns {RemoteFile}
 */
function remoteFile(path, tree, base) {
  const entry = tree.get(path);
  const what = `${path} at ${base}`;
  try {
    const url = `${base}${pathOf(path, "its path")}`;
    if (entry.lfs) {
      const size = sizeOf(entry.lfs.size, "its size");
      return { name: path, url, bytes: size, exact: true, size, unpackedSha256: sha256Of(entry.lfs.oid, "its oid") };
    }
    const size = sizeOf(entry.size, "its size");
    if (size > MOST_SMALL || !/^[\da-f]{40}$/.test(entry.oid))
      throw new Error(`its oid is ${shown(entry.oid)}, its size ${size}`);
    return { name: path, url, bytes: size, exact: true, size, gitSha1: entry.oid };
  } catch (error) {
    throw dataError(`${what} is refused: ${/** @type {Error} */ (error).message}.`);
  }
}
