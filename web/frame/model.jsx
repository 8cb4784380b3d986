// The model: what it is and where it is kept, how it searches, which build computes, one of your own, a look inside the
// file, and its speed.

import { useEffect, useRef, useState } from "preact/hooks";
import { modelCache } from "../../src/js/index.js";
import { barsTable } from "../draw/bars.js";
import { histogram } from "../draw/histogram.js";
import { sheet } from "../draw/sheet.js";
import { messageOf } from "../engine.js";
import { examplesOf, pairName } from "../languages.js";
import { learn, size } from "../strings.js";
import { Choice, Drawn, Figure, useApp, useKeys, useWidth, useWords } from "../ui.jsx";
import { MoreLanguages } from "./languages.jsx";
import { words } from "./words.js";

learn(words);

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../../src/js/convert/index.js").Checkpoint} Checkpoint */

const BINS = 61;
const LONGEST_VALUE = 60;
const BENCH_SENTENCES = 32;
const BENCH_ROUNDS = 5;

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

export function Model() {
  return (
    <>
      <Facts />
      <Search />
      <Kept />
      <Own />
      <Bench />
      <Inspector />
    </>
  );
}

function Facts() {
  const { t, language } = useWords();
  const { info, models, pair } = useKeys("info", "models", "pair");
  const entry = models.find((one) => one.id === pair);
  const number = new Intl.NumberFormat(language);
  /** @type {[string, string][]} */
  const lines = [];
  const names = info?.models
    .map((one) => one.name)
    .filter(Boolean)
    .join(" → ");
  if (names) lines.push([t("name"), names]);
  if (entry) {
    lines.push([t("languages"), pairName(entry, language)], [t("download"), size(entry.bytes, language)]);
    if (entry.licence) lines.push([t("licence"), entry.licence]);
  }
  if (info) {
    /** Of both, where two models take turns. @param {(one: import("../../src/js/types.js").ModelInfo) => string} say */
    const each = (say) => [...new Set(info.models.map(say))].join(" → ");
    lines.push(
      [t("parameters"), each((one) => number.format(one.parameters))],
      [
        t("layers"),
        each((one) => t("layersAre", { encoder: one.encoderLayers, decoder: one.decoderLayers, heads: one.heads })),
      ],
      [t("widths"), each((one) => t("widthsAre", { width: one.width, ffn: one.ffnWidth }))],
      [t("vocabulary"), each((one) => number.format(one.targetVocabulary))],
      [
        t("memory"),
        t("memoryIs", { working: size(info.workingBytes, language), wasm: size(info.wasmBytes, language) }),
      ],
      [t("engine"), `${info.version}, ${info.build}`],
    );
  }
  return (
    <div>
      <h3>{t("modelInUse")}</h3>
      <Figure
        name="glossa-model"
        what={t("modelInUse")}
        json={() => ({ ...info, entry })}
        forExport={() => sheet({ label: t("modelInUse"), rows: lines })}
      >
        <dl class="facts">
          {lines.map(([name, value]) => [<dt key={`${name} name`}>{name}</dt>, <dd key={name}>{value}</dd>])}
        </dl>
      </Figure>
    </div>
  );
}

function Search() {
  const { store, engine } = useApp();
  const { t } = useWords();
  const { beam, build } = useKeys("beam", "build");
  return (
    <section>
      <h3>{t("search")}</h3>
      <p class="help">{t("searchHelp")}</p>
      <p class="actions">
        <select
          id="beam"
          aria-label={t("search")}
          value={beam}
          onChange={(event) => store.set({ beam: Number(event.currentTarget.value) })}
        >
          {[...new Set([1, 2, 4, 8, beam])].map((n) => (
            <option key={n} value={n} selected={n === beam}>
              {n === 1 ? t("fast") : t("beams", { n })}
            </option>
          ))}
        </select>
      </p>
      <h3>{t("build")}</h3>
      <Choice
        name="build"
        label={t("build")}
        value={build}
        options={[
          ["auto", t("buildAuto")],
          ["simd128", "simd128"],
          ["relaxed", "relaxed"],
        ]}
        onchange={(value) => {
          store.set({ build: /** @type {State["build"]} */ (value) });
          engine.open();
        }}
      />
    </section>
  );
}

function Kept() {
  const { engine } = useApp();
  const { t, language } = useWords();
  const { models, status } = useKeys("models", "status");
  const [records, setRecords] = useState(/** @type {Awaited<ReturnType<typeof modelCache.list>>} */ ([]));
  const read = () => modelCache.list().then(setRecords, () => {});
  useEffect(() => {
    read();
  }, [models, status]);
  const ready = Boolean(globalThis.navigator.serviceWorker?.controller);
  return (
    <section>
      <h3>{t("keptModels")}</h3>
      <p class="help">{t("keptHelp")}</p>
      <p class="actions">
        <MoreLanguages />
      </p>
      <table class="kept">
        <caption class="sr">{t("keptModels")}</caption>
        <tbody>
          {models
            .filter((one) => one.url)
            .map((one) => {
              const url = engine.urlOf(one);
              const name = pairName(one, language);
              const record = records.find((entry) => entry.url === url);
              return (
                <tr key={one.id}>
                  <th scope="row">{name}</th>
                  <td>{size(one.bytes, language)}</td>
                  <td>{record ? t(record.complete ? "isKept" : "isPartlyKept") : t("notKept")}</td>
                  <td>
                    <button
                      type="button"
                      class="quiet"
                      aria-label={`${t("use")} ${name}`}
                      onClick={() => engine.use(one.id)}
                    >
                      {t("use")}
                    </button>
                    {record && (
                      <button
                        type="button"
                        class="quiet"
                        aria-label={`${t("delete")} ${name}`}
                        onClick={() => modelCache.delete(url).then(engine.readKept).then(read, read)}
                      >
                        {t("delete")}
                      </button>
                    )}
                  </td>
                </tr>
              );
            })}
        </tbody>
      </table>
      <p class="help">{t(ready ? "offlineReady" : "offlineNot")}</p>
    </section>
  );
}

function Own() {
  const { engine } = useApp();
  const { t } = useWords();
  const [over, setOver] = useState(false);
  /** @param {File[]} files */
  const bring = (files) => files.length > 0 && engine.openOwn(files);
  return (
    <section>
      <h3>{t("ownModel")}</h3>
      <p class="help">{t("ownHelp")}</p>
      <div
        class={`drop${over ? " over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={async (event) => {
          event.preventDefault();
          setOver(false);
          bring(await droppedFiles(/** @type {DataTransfer} */ (event.dataTransfer)));
        }}
      >
        <p>
          <label for="own">{t("dropHere")}</label>
        </p>
        <input type="file" id="own" multiple onChange={(event) => bring([...(event.currentTarget.files ?? [])])} />
      </div>
    </section>
  );
}

function Inspector() {
  const { engine } = useApp();
  const { t, language } = useWords();
  const { info, models, pair } = useKeys("info", "models", "pair");
  const [gguf, setGguf] = useState(/** @type {Checkpoint | null} */ (null));
  const [said, setSaid] = useState("");
  const [tensor, setTensor] = useState("");
  useEffect(() => setGguf(null), [info]);
  const look = async () => {
    setSaid(t("working"));
    try {
      const opened = await engine.checkpoint();
      setTensor([...opened.tensors.values()].find((one) => one.type !== "I32")?.name ?? "");
      setGguf(opened);
      setSaid("");
    } catch (error) {
      setSaid(t("failed", { problem: messageOf(error) }));
    }
  };
  if (models.some((one) => one.id === pair && one.halves)) return null; // each of the two has its own
  const tensors = gguf ? [...gguf.tensors.values()] : [];
  const keys = gguf ? [...gguf.keys].map(([name, { value }]) => ({ name, value })) : [];
  return (
    <section>
      <h3>{t("inspector")}</h3>
      <p class="actions">
        <button type="button" disabled={info === null} onClick={look}>
          {t("inspect")}
        </button>
      </p>
      <p class="status" role="status">
        {said}
      </p>
      {gguf && (
        <div>
          <Listing
            name="glossa-metadata"
            title={t("metadata", { n: keys.length })}
            rows={keys.map(({ name, value }) => [name, shown(value)])}
            json={() => Object.fromEntries(keys.map(({ name, value }) => [name, plain(value)]))}
          />
          <Listing
            name="glossa-tensors"
            title={t("tensors", { n: tensors.length })}
            rows={tensors.map((one) => [one.name, one.type, one.ne.join(" × "), size(one.bytes, language)])}
            json={() => tensors.map(({ name, type, ne, bytes }) => ({ name, type, ne, bytes }))}
          />
          <h3>{t("histogram")}</h3>
          <p class="actions">
            <label for="tensor">{t("tensor")}</label>
            <select id="tensor" value={tensor} onChange={(event) => setTensor(event.currentTarget.value)}>
              {tensors
                .filter((one) => one.type !== "I32")
                .map((one) => (
                  <option key={one.name} value={one.name}>
                    {one.name}
                  </option>
                ))}
            </select>
          </p>
          {tensor && <Histogram gguf={gguf} name={tensor} />}
        </div>
      )}
    </section>
  );
}

/** A table with its exports. @param {{name: string, title: string, rows: string[][], json: () => unknown}} props */
function Listing({ name, title, rows, json }) {
  return (
    <div>
      <h3>{title}</h3>
      <Figure {...{ name, what: title, json }} forExport={() => sheet({ label: title, rows })}>
        <div class="table-box" tabIndex={0} role="region" aria-label={title}>
          <table>
            <tbody>
              {rows.map(([first, ...rest]) => (
                <tr key={first}>
                  <th scope="row">{first}</th>
                  {rest.map((cell, i) => (
                    <td key={i}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Figure>
    </div>
  );
}

/** @param {{gguf: Checkpoint, name: string}} props */
function Histogram({ gguf, name }) {
  const { t, language } = useWords();
  const [box, width] = useWidth();
  const [counted, setCounted] = useState(/** @type {(ReturnType<typeof count> & {name: string}) | null} */ (null));
  useEffect(() => {
    let late = false;
    gguf.floats(name).then((values) => late || setCounted({ ...count(values), name }));
    return () => {
      late = true;
    };
  }, [gguf, name]);
  if (!counted || counted.name !== name) return <div ref={box} />;
  const { low, high, counts } = counted;
  const label = t("histogramOf", { name });
  const step = (high - low) / BINS;
  const number = new Intl.NumberFormat(language);
  const items = counts.map((n, i) => ({
    name: (low + (i + 0.5) * step).toPrecision(3),
    value: n,
    number: number.format(n),
  }));
  return (
    <div ref={box}>
      <Figure
        name="glossa-histogram"
        what={label}
        table={() => barsTable(items, name)}
        json={() => ({ tensor: name, low, high, counts })}
      >
        <Drawn
          make={() => histogram({ counts, low, high, label, width: Math.max(260, width) })}
          of={[counted, width, label]}
        />
      </Figure>
    </div>
  );
}

function Bench() {
  const { store, engine } = useApp();
  const { t } = useWords();
  const { info } = useKeys("info");
  const [said, setSaid] = useState("");
  const [measured, setMeasured] = useState(/** @type {any} */ (null));
  const running = useRef(false);

  /** Sentences to measure with: examples in the language of the model, else what the reader wrote. */
  const benchTexts = () => {
    const { models, pair, sentences } = store.get();
    const own = sentences.map((one) => one.text);
    const some = examplesOf(models.find((one) => one.id === pair)?.source ?? "");
    const from = some.length > 0 ? some : own.length > 0 ? own : examplesOf("en");
    return Array.from({ length: BENCH_SENTENCES }, (_, i) => from[i % from.length]);
  };
  const measure = async () => {
    const translator = engine.current();
    if (!translator || running.current) return;
    running.current = true;
    setMeasured(null);
    setSaid(t("working"));
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
      const { version, build, kernels, model } = translator.info;
      setMeasured({
        version,
        build,
        kernels,
        model: model.name,
        texts: texts.length,
        tokens,
        milliseconds: { oneByOne: singles, batch: batches },
      });
      setSaid(
        t("benchIs", {
          ms: (median(singles) / texts.length).toFixed(1),
          single: Math.round((tokens * 1000) / median(singles)),
          batch: Math.round((tokens * 1000) / median(batches)),
          build,
        }),
      );
    } catch (error) {
      setSaid(t("failed", { problem: messageOf(error) }));
    }
    running.current = false;
  };
  const result = (
    <p class="status" role="status">
      {said}
    </p>
  );
  return (
    <section>
      <h3>{t("benchTitle")}</h3>
      <p class="help">{t("benchHelp")}</p>
      <p class="actions">
        <button type="button" disabled={info === null} onClick={measure}>
          {t("bench")}
        </button>
      </p>
      {measured ? (
        <Figure
          name="glossa-speed"
          what={t("benchTitle")}
          json={() => measured}
          forExport={() => sheet({ label: t("benchTitle"), rows: [[measured.model], [said]] })}
        >
          {result}
        </Figure>
      ) : (
        result
      )}
    </section>
  );
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
  const whole = [...transfer.files]; // the browser empties it before the first folder is read
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((one) => one !== null);
  if (entries.length === 0) return whole;
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
