// Catalogues: JSON documents of registries, kept with what the server calls their version, and asked for again at most
// once an hour. One that cannot be had anew is used as it was.

import { folderDocuments } from "../cache-folder.js";
import { keyOf } from "../cache-entry.js";
import { kindOf } from "../file-kind.js";
import { fromUTF8, isNode } from "../platform.js";
import { reasonOf } from "../body.js";
import { dataError, networkError } from "./errors.js";
import { request, retrying, waitOf, whole } from "./http.js";

/** @typedef {import("./types.js").Context} Context */

/**
 * @typedef {object} Kept
 * @property {string} url
 * @property {string} etag
 * @property {number} fetched milliseconds since 1970
 * @property {number} until before which the server does not want to be asked again
 * @property {string} text
 */

/** Milliseconds for which a catalogue counts as new. */
const FRESH = 3_600_000;
/** The longest that a server may ask to be left alone. */
const MOST_BACKOFF = 24 * FRESH;
/** Bytes of a catalogue: a hundred times what the largest has today. */
const MOST = 32 * 2 ** 20;

const CACHE = "glossa-files";

const browserDocuments = {
  /** @param {string} key */
  async read(key) {
    const cache = await caches.open(CACHE);
    return (await cache.match(`https://glossa.invalid/${key}`))?.text();
  },
  /** @param {string} key @param {string} text */
  async write(key, text) {
    const cache = await caches.open(CACHE);
    await cache.put(`https://glossa.invalid/${key}`, new Response(text));
  },
};

const documents = isNode && folderDocuments ? folderDocuments : browserDocuments;

/**
 * @param {string} url
 * @returns {Promise<Kept | null>}
 */
async function readKept(url) {
  try {
    const kept = JSON.parse((await documents.read(keyOf(url))) ?? "null");
    const right =
      kept?.url === url &&
      ["etag", "text"].every((key) => typeof kept[key] === "string") &&
      ["fetched", "until"].every((key) => Number.isFinite(kept[key]));
    return right ? kept : null;
  } catch {
    return null; // damaged, or nothing may be kept here
  }
}

/**
 * @template T
 * @typedef {object} Wanted
 * @property {string} url
 * @property {(value: any) => T} read checks the document; throws what is wrong with it
 * @property {boolean} ask whether the network may be used; else what is kept, however old
 * @property {string} [token]
 * @property {boolean} [anew] whatever the age of what is kept
 */

/**
 * @template T
 * @param {Context} context
 * @param {Wanted<T>} wanted
 * @returns {Promise<T | null>} null where nothing is kept and nothing may be asked
 */
export async function readCatalogue(context, { url, read, ask, token, anew }) {
  const kept = context.cache ? await readKept(url) : null;
  const old = () => {
    try {
      return kept && read(JSON.parse(kept.text));
    } catch {
      return null; // of a version that had other rules
    }
  };
  const past = old();
  const age = kept ? context.now() - kept.fetched : Number.POSITIVE_INFINITY;
  const fresh = age >= 0 && age < FRESH && !anew; // from the future: somebody's clock was wrong
  const told = kept && context.now() < kept.until && kept.until - context.now() < MOST_BACKOFF;
  if (past && (fresh || told)) return past;
  if (!ask || context.offline) return past;
  try {
    return await retrying(context, url, async () => {
      const etag = past && kept?.etag && isNode ? { "if-none-match": kept.etag } : undefined;
      const response = await request(context, url, { headers: etag, token, revalidate: true });
      const facts = {
        url,
        etag: response.headers.get("etag") ?? "",
        fetched: context.now(),
        until: response.headers.has("backoff") ? context.now() + waitOf(response) : 0,
      };
      if (response.status === 304 && past) {
        await keep(context, {
          ...facts,
          etag: facts.etag || /** @type {Kept} */ (kept).etag,
          text: /** @type {Kept} */ (kept).text,
        });
        return past;
      }
      if (response.status !== 200) {
        await response.body?.cancel();
        throw networkError(`${url} could not be loaded: it answered ${response.status} to a request for all of it.`);
      }
      const bytes = await whole(context, response, url, MOST);
      const text = fromUTF8(bytes);
      /** @type {T} */
      let value;
      try {
        value = read(JSON.parse(text));
      } catch (error) {
        const page = error instanceof SyntaxError ? `${kindOf(bytes)}; ` : "";
        throw dataError(`The list of models at ${url} is damaged: ${page}${reasonOf(error)}`);
      }
      await keep(context, { ...facts, text });
      return value;
    });
  } catch (error) {
    context.signal?.throwIfAborted();
    if (past) return past;
    throw error;
  }
}

/**
 * @param {Context} context
 * @param {Kept} kept
 */
async function keep({ cache }, kept) {
  if (cache) await documents.write(keyOf(kept.url), JSON.stringify(kept)).catch(() => {});
}
