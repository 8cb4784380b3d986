// The homes of models, imitated on this machine from what is known of them: Mozilla's catalogue, its bucket and its server
// of packed files, and the Hugging Face Hub with its redirects to another host. They serve models that are made here.
// `homes.rules` change single answers, for what goes wrong.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import * as zlib from "node:zlib";
import { concat, makeStudent, writeBin, writeShortlist, writeSpm } from "./marian-student.js";

export const sha256 = (/** @type {Uint8Array} */ bytes) => createHash("sha256").update(bytes).digest("hex");
const gitSha1 = (/** @type {Uint8Array} */ bytes) =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** A zstd frame of blocks that are stored as they are (RFC 8878). @param {Uint8Array} bytes */
export function zstdStored(bytes) {
  const most = 1 << 17;
  const size = new Uint8Array(BigUint64Array.of(BigInt(bytes.length)).buffer);
  // the descriptor: eight bytes of size, one segment
  /** @type {Uint8Array[]} */
  const parts = [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0b11100000), size];
  for (let at = 0; at < bytes.length; at += most) {
    const block = bytes.subarray(at, at + most);
    const head = (block.length << 3) | (at + most >= bytes.length ? 1 : 0);
    parts.push(Uint8Array.of(head & 255, (head >> 8) & 255, head >> 16), block);
  }
  return concat(...parts);
}

/**
 * The files of a student as Firefox has them, by the catalogue's types.
 * @param {import("./marian-student.js").Shape & {pieces?: number}} shape
 * @returns {Record<string, Uint8Array>}
 */
export function studentFiles(shape = {}) {
  const { vocabulary = 40, targetVocabulary } = shape;
  const model = writeBin(makeStudent(shape), "alphas");
  const lex = writeShortlist(vocabulary, targetVocabulary ?? vocabulary, { first: 8, best: 5 }).file;
  if (targetVocabulary === undefined) return { model, vocab: writeSpm(vocabulary), lex };
  return { model, srcvocab: writeSpm(vocabulary), trgvocab: writeSpm(targetVocabulary), lex };
}

/** How the files of a pair are called. @param {string} type @param {string} pair such as "enfr" */
export function fileName(type, pair) {
  if (type === "model") return `model.${pair}.intgemm.alphas.bin`;
  return type === "lex" ? `lex.50.50.${pair}.s2t.bin` : `${type}.${pair}.spm`;
}

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Record<string, string>} headers
 * @property {Uint8Array | string} body
 * @property {number} [cut] breaks the connection behind so many bytes
 * @property {boolean} [whole] knows no Range
 * @property {boolean} [hang] never ends
 */

/** @typedef {(answer: Answer, request: {url: URL, headers: import("node:http").IncomingHttpHeaders, times: number}) => Answer | undefined} Rule */

/** @typedef {Awaited<ReturnType<typeof startHomes>>} Homes */

export async function startHomes() {
  /** @type {Map<string, Answer>} by host and path */
  const files = new Map();
  /** @type {{method: string, host: string, path: string, headers: import("node:http").IncomingHttpHeaders}[]} */
  const requests = [];
  /** @type {{match: RegExp, rule: Rule, times: number}[]} */
  const rules = [];
  const state = { sent: 0 };
  const origins = { one: "", other: "" };

  /** @param {string} host @returns {import("node:http").RequestListener} */
  const listener = (host) => (request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const path = url.pathname + url.search;
    requests.push({ method: request.method ?? "", host, path, headers: request.headers });
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-expose-headers", "etag, content-range, link");
    if (request.method === "OPTIONS") {
      response.setHeader("access-control-allow-headers", "authorization");
      response.writeHead(204).end();
      return;
    }
    const known = files.get(host + path) ?? files.get(host + url.pathname);
    /** @type {Answer} */
    let answer = known
      ? { ...known, headers: { ...known.headers } }
      : { status: 404, headers: {}, body: "there is nothing" };
    for (const entry of rules)
      if (entry.match.test(host + path))
        answer = entry.rule(answer, { url, headers: request.headers, times: entry.times++ }) ?? answer;
    if (answer.hang) return;
    let body = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
    const { etag } = answer.headers;
    if (etag && request.headers["if-none-match"] === etag && answer.status === 200) {
      response.writeHead(304, { etag }).end();
      return;
    }
    const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
    const same = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
    if (from !== undefined && answer.status === 200 && !answer.whole && same) {
      if (Number(from) >= body.length) {
        response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
        return;
      }
      answer.status = 206;
      answer.headers["content-range"] = `bytes ${from}-${body.length - 1}/${body.length}`;
      body = body.subarray(Number(from));
    }
    response.writeHead(answer.status, { "content-length": String(body.length), ...answer.headers });
    if (answer.cut !== undefined) {
      state.sent += Math.min(answer.cut, body.length);
      response.write(body.subarray(0, answer.cut), () => setTimeout(() => response.destroy(), 20));
      return;
    }
    state.sent += body.length;
    response.end(body);
  };
  const servers = await Promise.all(
    ["one", "other"].map(async (host) => {
      const server = createServer(listener(host));
      await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      origins[/** @type {"one" | "other"} */ (host)] = `http://127.0.0.1:${port}`;
      return server;
    }),
  );

  /** @type {any[]} */
  const records = [];
  /** @type {Record<string, any[]>} */
  const listed = {};
  const put = (
    /** @type {string} */ path,
    /** @type {Uint8Array | string} */ body,
    /** @type {Record<string, string>} */ headers = {},
  ) => {
    const etag = `"${sha256(Buffer.from(body)).slice(0, 16)}"`;
    files.set(path, { status: 200, headers: { etag, ...headers }, body });
  };
  const publish = () => {
    put(
      "one/v1/buckets/main/collections/translations-models-v2/changeset?_expected=0",
      JSON.stringify({ changes: records, metadata: {}, timestamp: 1 }),
      { "content-type": "application/json" },
    );
    put(
      "one/bucket/db/models.json",
      JSON.stringify({ generated: "", baseUrl: "https://elsewhere.invalid", models: listed }),
    );
  };

  const homes = {
    requests,
    rules,
    state,
    origins,
    records,
    listed,
    files,
    put,
    publish,
    mozilla: {
      catalogue: `${origins.one}/v1/`,
      files: `${origins.one}/bucket/`,
      attachments: `${origins.one}/attachments/`,
    },
    hub: { endpoint: `${origins.one}/hf/` },

    /** Changes answers from now on. @param {RegExp} match of host and path @param {Rule} rule */
    rule(match, rule) {
      rules.push({ match, rule, times: 0 });
    },

    /**
     * A model in Mozilla's three places.
     * @param {string} source
     * @param {string} target
     * @param {Record<string, Uint8Array>} parts by type
     * @param {{architecture?: string, version?: string, filter?: string, bucket?: boolean, quality?: object, encoding?: boolean}} [how]
     *     `encoding`: the bucket says that its files are packed on the way
     */
    addMozilla(source, target, parts, how = {}) {
      const { architecture = "base-memory", version = "3.0", filter = "", bucket = true, quality } = how;
      const pair = `${source}${target}`.toLowerCase().replaceAll("-", "_");
      const folder = `models/${source}-${target}/${architecture}_${version}/exported`;
      /** @type {Record<string, any>} */
      const entry = {};
      const listedNames = /** @type {Record<string, string>} */ ({
        lex: "lexicalShortlist",
        srcvocab: "srcVocab",
        trgvocab: "trgVocab",
      });
      for (const [type, bytes] of Object.entries(parts)) {
        const name = fileName(type, pair);
        const packed = zstdStored(bytes);
        const location = `main-workspace/translations-models-v2/${sha256(packed).slice(0, 32)}.zst`;
        put(`one/attachments/${location}`, packed);
        records.push({
          id: sha256(Buffer.from(`${pair} ${type} ${architecture} ${version}`)).slice(0, 36),
          name,
          fileType: type,
          sourceLanguage: source,
          targetLanguage: target,
          architecture,
          version,
          filter_expression: filter,
          decompressedSize: bytes.length,
          decompressedHash: sha256(bytes),
          attachment: {
            filename: `${name}.zst`,
            mimetype: "application/zstd",
            size: packed.length,
            hash: sha256(packed),
            location,
          },
          last_modified: 1758911497143 + records.length,
          schema: 1758911446598,
        });
        if (!bucket) continue;
        const path = `${folder}/${name}.gz`;
        put(`one/bucket/${path}`, zlib.gzipSync(bytes), how.encoding ? { "content-encoding": "gzip" } : {});
        entry[listedNames[type] ?? type] = {
          path,
          ...(type === "model" && { uncompressedHash: sha256(bytes), uncompressedSize: bytes.length }),
        };
      }
      if (bucket)
        (listed[`${source}-${target}`] ??= []).push({
          architecture,
          releaseStatus: "Release",
          sourceLanguage: source,
          targetLanguage: target,
          files: entry,
          metrics: quality ? { "flores200-plus": quality } : {},
        });
      publish();
    },

    /**
     * A repository of the Hub: large files come by a redirect to another host.
     * @param {string} name
     * @param {Record<string, Uint8Array>} parts
     * @param {{licence?: string | null, pages?: number, pointers?: boolean}} [how] `pages`: of the list of files;
     *     `pointers`: large files are those of Git LFS
     */
    addHub(name, parts, { licence = "apache-2.0", pages = 1, pointers = false } = {}) {
      const commit = createHash("sha1").update(name).digest("hex");
      const tags = ["translation", ...(licence ? [`license:${licence}`] : [])];
      put(`one/hf/api/models/${name}/revision/main`, JSON.stringify({ sha: commit, tags, cardData: {} }));
      put(`one/hf/api/models/${name}/revision/${commit}`, JSON.stringify({ sha: commit, tags, cardData: {} }));
      const tree = Object.entries(parts).map(([path, bytes]) => {
        const large = /\.(bin|safetensors|spm)$/.test(path);
        const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(bytes)}\nsize ${bytes.length}\n`;
        const at = `hf/${name}/resolve/${commit}/${path}`;
        if (large && !pointers) {
          files.set(`one/${at}`, {
            status: 302,
            headers: { location: `${origins.other}/blobs/${sha256(bytes)}` },
            body: "",
          });
          put(`other/blobs/${sha256(bytes)}`, bytes);
        } else put(`one/${at}`, large ? pointer : bytes);
        const lfs = large ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: pointer.length } } : {};
        return { type: "file", path, size: bytes.length, oid: gitSha1(large ? Buffer.from(pointer) : bytes), ...lfs };
      });
      const first = `hf/api/models/${name}/tree/${commit}?recursive=true`;
      const size = Math.ceil(tree.length / pages);
      for (let page = 0; page < pages; page++) {
        const path = page ? `${first}&cursor=${page}` : first;
        const next = page + 1 < pages ? { link: `<${origins.one}/${first}&cursor=${page + 1}>; rel="next"` } : {};
        put(
          `one/${path}`,
          JSON.stringify(tree.slice(page * size, (page + 1) * size)),
          /** @type {Record<string, string>} */ (next),
        );
      }
      return commit;
    },

    /** Requests so far for paths that match, and forgets them. @param {RegExp} [match] */
    take(match = /./) {
      const taken = requests.filter(({ host, path }) => match.test(host + path));
      requests.length = 0;
      return taken;
    },

    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  publish();
  return homes;
}
