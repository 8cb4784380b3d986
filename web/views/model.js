// The model: what it is and where it is kept, which build computes, one of your own, a look inside, and its speed.

import { modelCache } from "../../src/js/index.js";
import { floats, openCheckpoint } from "../checkpoint.js";
import { barsTable } from "../draw/bars.js";
import { choice, h, set } from "../draw/dom.js";
import { figure } from "../draw/figure.js";
import { histogram } from "../draw/histogram.js";
import { sheet } from "../draw/sheet.js";
import { examplesOf, pairName } from "../languages.js";
import { size } from "../strings.js";

/** @typedef {import("../app.js").Context} Context */
/** @typedef {import("../state.js").State} State */

const BINS = 61;
const LONGEST_VALUE = 60;

const BENCH_SENTENCES = 32;
const BENCH_ROUNDS = 5;

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** @param {Context} context */
export function modelView({ element, store, engine, t }) {
  const { language } = store.get();
  const facts = h("div", {});
  const builds = h("div", {});
  const licences = h("p", { class: "help" }, h("a", { href: "licenses.txt" }, t("notices")));
  const kept = h("div", {});
  const offline = h("p", { class: "help" });
  const file = h("input", { type: "file", id: "own", multiple: true });
  const drop = h("div", { class: "drop" }, h("p", {}, h("label", { for: "own" }, t("dropHere"))), file);
  const inspect = h("button", { type: "button" }, t("inspect"));
  const inside = h("div", {});
  const bench = h("button", { type: "button" }, t("bench"));
  const benchResult = h("p", { class: "status", role: "status" });
  const benchExports = h("div", {});
  set(
    element,
    h(
      "div",
      { class: "columns wide" },
      h("section", {}, h("h2", {}, t("modelInUse")), facts, h("h3", {}, t("build")), builds, licences),
      h("section", {}, h("h2", {}, t("keptModels")), h("p", { class: "help" }, t("keptHelp")), kept, offline),
      h("section", {}, h("h2", {}, t("ownModel")), h("p", { class: "help" }, t("ownHelp")), drop),
      h(
        "section",
        {},
        h("h2", {}, t("benchTitle")),
        h("p", { class: "help" }, t("benchHelp")),
        h("p", { class: "actions" }, bench),
        benchResult,
        benchExports,
      ),
    ),
    h("section", { class: "spaced" }, h("h2", {}, t("inspector")), h("p", { class: "actions" }, inspect), inside),
  );

  const number = new Intl.NumberFormat(language);

  /** @param {State} state */
  function drawFacts(state) {
    const { info, models } = state;
    const entry = models.find((one) => one.id === state.pair);
    /** @type {[string, string][]} */
    const lines = [];
    if (entry) {
      lines.push([t("pair"), pairName(entry, language)]);
      lines.push([t("download"), size(entry.bytes, language)]);
      if (entry.licence) lines.push([t("licence"), entry.licence]);
    }
    if (info) {
      const { model } = info;
      if (model.name) lines.unshift([t("name"), model.name]);
      lines.push(
        [t("parameters"), number.format(model.parameters)],
        [
          t("layers"),
          t("layersAre", { encoder: model.encoderLayers, decoder: model.decoderLayers, heads: model.heads }),
        ],
        [t("widths"), t("widthsAre", { width: model.width, ffn: model.ffnWidth })],
        [t("vocabulary"), number.format(model.targetVocabulary)],
        [
          t("memory"),
          t("memoryIs", { working: size(info.workingBytes, language), wasm: size(info.wasmBytes, language) }),
        ],
        [t("engine"), `${info.version}, ${info.build}`],
      );
    }
    set(
      facts,
      figure({
        name: "glossa-model",
        what: t("modelInUse"),
        picture: h(
          "dl",
          { class: "facts" },
          ...lines.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
        ),
        forExport: () => sheet({ label: t("modelInUse"), rows: lines }),
        json: () => ({ ...info, entry }),
        t,
      }),
    );
    if (!builds.contains(document.activeElement)) {
      set(
        builds,
        choice({
          name: "build",
          label: t("build"),
          value: state.build,
          options: [
            ["auto", t("buildAuto")],
            ["simd128", "simd128"],
            ["relaxed", "relaxed"],
          ],
          onchange(value) {
            store.set({ build: /** @type {State["build"]} */ (value) });
            engine.open();
          },
        }),
      );
    }
    inspect.disabled = info === null;
    bench.disabled = info === null;
  }

  async function drawKept() {
    const records = await modelCache.list();
    const { models } = store.get();
    const rows = models
      .filter((one) => one.url)
      .map((one) => {
        const url = engine.urlOf(one);
        const name = pairName(one, language);
        const record = records.find((entry) => entry.url === url);
        const state = record ? t(record.complete ? "isKept" : "isPartlyKept") : t("notKept");
        const remove = h(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": `${t("delete")} ${name}`,
            onclick: async () => {
              await modelCache.delete(url).catch(() => {});
              drawKept();
            },
          },
          t("delete"),
        );
        const load = h(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": `${t("use")} ${name}`,
            onclick: () => {
              store.set({ pair: one.id, sentences: [], lit: null, off: "" });
              engine.open();
            },
          },
          t("use"),
        );
        return h(
          "tr",
          {},
          h("th", { scope: "row" }, name),
          h("td", {}, size(one.bytes, language)),
          h("td", {}, state),
          h("td", {}, load, record ? remove : null),
        );
      });
    set(kept, h("table", { class: "kept" }, h("caption", { class: "sr" }, t("keptModels")), h("tbody", {}, ...rows)));
    const ready = Boolean(globalThis.navigator.serviceWorker?.controller);
    offline.textContent = t(ready ? "offlineReady" : "offlineNot");
  }

  /** @param {FileList | null | undefined} files */
  const bring = (files) => {
    if (files && files.length > 0) engine.openOwn([...files]);
  };
  file.addEventListener("change", () => bring(file.files));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const files = await droppedFiles(/** @type {DataTransfer} */ (event.dataTransfer));
    if (files.length > 0) engine.openOwn(files);
  });

  inspect.addEventListener("click", async () => {
    set(inside, h("p", { class: "help" }, t("working")));
    try {
      drawInside(await openCheckpoint(await engine.blob(), store.get().pair));
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      set(inside, h("p", { class: "status bad" }, t("failed", { problem })));
    }
  });

  /** @param {import("../../src/js/convert/gguf-reader.js").GgufFile} gguf */
  function drawInside(gguf) {
    const tensors = [...gguf.tensors.values()];
    const picture = h("div", {});
    const select = h(
      "select",
      { id: "tensor", onchange: () => drawHistogram(gguf, select.value, picture) },
      ...tensors.filter((one) => one.type !== "I32").map((one) => h("option", { value: one.name }, one.name)),
    );
    const keys = [...gguf.keys].map(([name, { value }]) => ({ name, value }));
    set(
      inside,
      h(
        "div",
        { class: "columns wide" },
        listing({
          name: "glossa-metadata",
          title: t("metadata", { n: keys.length }),
          rows: keys.map(({ name, value }) => [name, shown(value)]),
          json: () => Object.fromEntries(keys.map(({ name, value }) => [name, plain(value)])),
        }),
        listing({
          name: "glossa-tensors",
          title: t("tensors", { n: tensors.length }),
          rows: tensors.map((one) => [one.name, one.type, one.ne.join(" × "), size(one.bytes, language)]),
          json: () => tensors.map(({ name, type, ne, bytes }) => ({ name, type, ne, bytes })),
        }),
        h(
          "div",
          {},
          h("h3", {}, t("histogram")),
          h("p", { class: "actions" }, h("label", { for: "tensor" }, t("tensor")), select),
          picture,
        ),
      ),
    );
    drawHistogram(gguf, select.value, picture);
  }

  /** A table with its exports. @param {{name: string, title: string, rows: string[][], json: () => unknown}} options */
  function listing({ name, title, rows, json }) {
    const body = rows.map(([first, ...rest]) =>
      h("tr", {}, h("th", { scope: "row" }, first), ...rest.map((cell) => h("td", {}, cell))),
    );
    const box = h(
      "div",
      { class: "table-box", tabindex: "0", role: "region", "aria-label": title },
      h("table", {}, h("tbody", {}, ...body)),
    );
    const forExport = () => sheet({ label: title, rows });
    return h("div", {}, h("h3", {}, title), figure({ name, what: title, picture: box, forExport, json, t }));
  }

  /** @param {import("../../src/js/convert/gguf-reader.js").GgufFile} gguf @param {string} name @param {HTMLElement} picture */
  async function drawHistogram(gguf, name, picture) {
    const values = await floats(gguf, name);
    const { low, high, counts } = count(values);
    const step = (high - low) / BINS;
    const items = counts.map((n, i) => ({
      name: (low + (i + 0.5) * step).toPrecision(3),
      value: n,
      number: number.format(n),
    }));
    set(
      picture,
      figure({
        name: "glossa-histogram",
        what: t("histogramOf", { name }),
        picture: h(
          "div",
          { class: "picture" },
          histogram({
            counts,
            low,
            high,
            label: t("histogramOf", { name }),
            width: Math.max(260, picture.clientWidth),
          }),
        ),
        table: () => barsTable(items, name),
        json: () => ({ tensor: name, low, high, counts }),
        t,
      }),
    );
  }

  /** Sentences to measure with: examples in the language of the model, else what the reader wrote. */
  function benchTexts() {
    const { models, pair, sentences } = store.get();
    const own = sentences.map((one) => one.text);
    const some = examplesOf(models.find((one) => one.id === pair)?.source ?? "");
    const from = some.length > 0 ? some : own.length > 0 ? own : examplesOf("en");
    return Array.from({ length: BENCH_SENTENCES }, (_, i) => from[i % from.length]);
  }

  /** @param {{texts: number, tokens: number, oneByOne: number[], batch: number[]} & import("../../src/js/types.js").TranslatorInfo} measured milliseconds of every round */
  function drawBenchExports({ texts, tokens, oneByOne, batch, version, build, kernels, model }) {
    const text = benchResult.textContent ?? "";
    set(
      benchExports,
      figure({
        name: "glossa-speed",
        what: t("benchTitle"),
        picture: h("div", {}),
        forExport: () => sheet({ label: t("benchTitle"), rows: [[t("benchTitle")], [model.name], [text]] }),
        json: () => ({ version, build, kernels, model: model.name, texts, tokens, milliseconds: { oneByOne, batch } }),
        t,
      }),
    );
  }

  bench.addEventListener("click", async () => {
    const translator = engine.current();
    if (!translator) return;
    bench.disabled = true;
    set(benchExports);
    benchResult.textContent = t("working");
    try {
      const texts = benchTexts();
      const counts = await Promise.all(texts.map((text) => translator.countTokens(text)));
      const tokens = counts.reduce((a, b) => a + b, 0);
      /** @param {() => Promise<void>} run */
      const timed = async (run) => {
        const begun = performance.now();
        await run();
        return performance.now() - begun;
      };
      const oneByOne = async () => {
        for (const text of texts) await translator.translate(text);
      };
      const atOnce = async () => {
        await translator.translateBatch(texts);
      };
      // Both in turn, so that whatever else the device does falls on both alike; the first round, in which the browser
      // may still be compiling, does not count.
      /** @type {number[]} */
      const singles = [];
      /** @type {number[]} */
      const batches = [];
      for (let round = 0; round <= BENCH_ROUNDS; round++) {
        const [single, batch] = [await timed(oneByOne), await timed(atOnce)];
        if (round === 0) continue;
        singles.push(single);
        batches.push(batch);
      }
      benchResult.textContent = t("benchIs", {
        ms: (median(singles) / texts.length).toFixed(1),
        single: Math.round((tokens * 1000) / median(singles)),
        batch: Math.round((tokens * 1000) / median(batches)),
        build: translator.info.build,
      });
      drawBenchExports({ texts: texts.length, tokens, oneByOne: singles, batch: batches, ...translator.info });
    } catch (error) {
      benchResult.textContent = t("failed", { problem: error instanceof Error ? error.message : String(error) });
    }
    bench.disabled = false;
  });

  drawFacts(store.get());
  drawKept();
  return {
    /** @param {State} state @param {Set<string>} changed */
    update(state, changed) {
      if (["info", "pair", "models", "build"].some((key) => changed.has(key))) {
        drawFacts(state);
        set(inside);
      }
      if (changed.has("status") || changed.has("models")) drawKept();
    },
  };
}

/** A value of the metadata for JSON. @param {unknown} value @returns {unknown} */
const plain = (value) =>
  typeof value === "bigint"
    ? Number(value)
    : ArrayBuffer.isView(value)
      ? Array.from(/** @type {any} */ (value))
      : value;

/** A value of the metadata for people. @param {unknown} value */
function shown(value) {
  if (typeof value === "object" && value !== null && "length" in value) {
    const list = Array.from(/** @type {ArrayLike<unknown>} */ (value));
    return list.length > 8 ? `[${list.length}]` : `[${list.join(", ")}]`;
  }
  const text = typeof value === "number" ? String(Number(value.toPrecision(7))) : String(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

/** @param {Float32Array} values */
function count(values) {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const counts = new Array(BINS).fill(0);
  const scale = high > low ? BINS / (high - low) : 0;
  for (const value of values) counts[Math.min(BINS - 1, Math.floor((value - low) * scale))]++;
  return { low, high, counts };
}

/**
 * Files that were dropped, those of a folder too.
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
async function droppedFiles(transfer) {
  const plain = [...transfer.files]; // the browser empties it before the first folder is read
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((one) => one !== null);
  if (entries.length === 0) return plain;
  /** @type {File[]} */
  const files = [];
  for (const entry of entries) {
    if (entry.isFile) files.push(await fileOf(/** @type {FileSystemFileEntry} */ (entry)));
    else {
      const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
      /** @type {FileSystemEntry[]} */
      const inside = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      for (const one of inside) if (one.isFile) files.push(await fileOf(/** @type {FileSystemFileEntry} */ (one)));
    }
  }
  return files;
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File>} */
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));
