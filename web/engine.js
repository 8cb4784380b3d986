// Between the store and the translator: which model, what to translate next, and which answers still count.
// The newest text wins: a request that a newer one overtook is aborted, and whatever still comes from it is dropped.

import { createFetching, fetchedModels, isFetched } from "./fetching.js";
import { examplesOf, firstModel, isExample } from "./languages.js";
import { freshText, headMask, noNotes } from "./state.js";
import { speak } from "./strings.js";
import { limitsOfAll, modelsThrough } from "./through.js";

/** @typedef {import("./state.js").Store} Store */
/** @typedef {import("./state.js").Sentence} Sentence */
/** @typedef {import("./state.js").Model} Model */
/** @typedef {import("../src/js/types.js").ExplainOptions} ExplainOptions */
/** @typedef {import("../src/js/types.js").Explanation} Explanation */
/** @typedef {import("../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../src/js/types.js").CreateOptions} CreateOptions */
/** @typedef {import("../src/js/index.js").Translator} Translator */

const DEBOUNCE = 80; // milliseconds: shorter than the pause between two words, longer than between two keys
const KEPT = 400; // translations kept, so that typing at the end of a text translates only its last sentence
const EXPLAINED = 24; // sentences of a text that are explained without being asked
const TOP_K = 12;
const OWN = "own"; // id of a model that the reader brought

/** A model that the reader fetched is no longer kept: deleted in another tab, or by the browser. @param {Store} store */
const gone = (store) => Object.assign(new Error(speak(store.get().language)("gone")), { name: "GoneError" });

/** @param {unknown} error @returns {string} */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
/** @param {unknown} error */
const isAbort = (error) => error instanceof Error && error.name === "AbortError";

/**
 * @param {File[]} files of a model folder
 * @returns {Promise<Blob>}
 */
function converted(files) {
  const worker = new Worker(new URL("convert.js", document.baseURI), { type: "module" });
  return /** @type {Promise<Blob>} */ (
    new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }) => (data.blob ? resolve(data.blob) : reject(new Error(data.problem)));
      worker.postMessage(files);
    })
  ).finally(() => worker.terminate());
}

/** @typedef {Pick<Sentence, "text" | "start" | "lead" | "gap" | "joint">} Segment */

/** Lines of what is no language, such as digits to be sorted: each is one whole. @param {string} text */
function* linesIn(text) {
  let start = 0;
  for (const part of text.split(/(\s*\n\s*)/)) {
    if (part) yield { sentence: part.trim() !== "", text: part, start };
    start += part.length;
  }
}

/**
 * Sentences of a text with what stands between them, which goes through as it is.
 * @param {typeof import("./translator.js")} rules
 * @param {string} text
 * @param {string} source language
 * @param {string} target language
 * @returns {Segment[]}
 */
function segments({ splitText, joiner }, text, source, target) {
  /** @type {Segment[]} */
  const out = [];
  let lead = "";
  for (const part of /^zxx\b/.test(source) ? linesIn(text) : splitText(text, source)) {
    if (part.sentence) {
      out.push({ text: part.text, start: part.start, lead, gap: "", joint: "" });
      lead = "";
    } else {
      const last = out.at(-1);
      if (last) last.gap += part.text;
      else lead += part.text;
    }
  }
  out.forEach((one, i) => {
    one.joint = i < out.length - 1 ? joiner(one.gap, target) : one.gap;
  });
  return out;
}

/** The translator, and the rules by which it cuts a text, come when there is something to do. */
const engines = () => import("./translator.js");

/** @returns {Promise<Model[]>} that the reader fetched, if this page still knows where from */
async function keptModels() {
  const { modelCache, registries } = await engines();
  return registries().length > 0 ? fetchedModels(await modelCache.list()) : [];
}

/** Whether a model that the reader fetched is no longer kept. @param {Model} model */
const isGone = async ({ id, registry }) =>
  registry !== undefined && (await keptModels().catch(() => [])).every((one) => one.id !== id);

/** What reads a checkpoint comes when somebody looks into one. @param {Blob | string} source @param {string} name */
async function openCheckpoint(source, name) {
  const { openCheckpoint: open } = await import("../src/js/convert/index.js");
  return open(source, { name });
}

/**
 * The pairs of languages that a manifest offers: those of a multilingual model one by one.
 * @param {{models: (Omit<Model, "source" | "target"> & {source: string | string[], target: string | string[]})[]}} manifest
 * @returns {Model[]}
 */
export function pairsOf({ models }) {
  return models.flatMap((model) => {
    const { source, target } = model;
    if (typeof source === "string" && typeof target === "string") return [{ ...model, source, target }];
    return [source].flat().flatMap((from) =>
      [target]
        .flat()
        .filter((to) => to !== from)
        .map((to) => ({ ...model, id: `${model.id}.${from}.${to}`, source: from, target: to, multilingual: true })),
    );
  });
}

/**
 * What the translator needs to know to open a model. One that was fetched is here: nobody is asked for it again.
 * @param {typeof import("./translator.js")} rules
 * @param {Model} model
 * @param {string} url
 * @param {string | URL} manifest
 * @returns {CreateOptions}
 */
function createFrom({ registries }, model, url, manifest) {
  const { sha256, multilingual, source, target, registry, variant, halves } = model;
  const languages = { sourceLanguage: source, targetLanguage: target };
  if (registry) return { ...languages, registries: registries(), variant, offline: true };
  if (halves) return { ...languages, manifest };
  return { model: url, sha256, ...(multilingual && languages) };
}

/**
 * The translation of the whole text, as far as it goes.
 * @param {import("./state.js").State} state
 */
export function wholeTranslation({ text, sentences }) {
  if (sentences.length === 0) return text;
  return sentences.map((one) => one.lead + one.translation + one.joint).join("");
}

/**
 * What a sentence shows while its translation is being written: the words that are there, and behind them what is left of
 * the old ones, so that nothing shrinks and grows again.
 * @param {string} partial
 * @param {string} old
 * @returns {string} the rest of the old text, from a word that begins where the new one ends
 */
export function held(partial, old) {
  const rest = old.slice(partial.length);
  const cut = /^\S*/.exec(rest)?.[0].length ?? 0;
  return partial.length === 0 || /\s$/.test(old[partial.length - 1] ?? "") ? rest : rest.slice(cut);
}

/**
 * @param {Store} store
 * @param {string | URL} manifest
 */
export function createEngine(store, manifest) {
  /** @type {Translator | null} */
  let translator = null;
  /** @type {Blob | null} a checkpoint that the reader brought */
  let own = null;
  let loading = /** @type {Promise<void> | null} */ (null);
  let creation = new AbortController();
  let work = new AbortController();
  let timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  /** @type {Map<string, Sentence>} */
  const kept = new Map();
  /** @type {{pair: string, sentence: Sentence} | null} */
  let example = null;

  /** @param {string} text */
  const key = (text) => `${store.get().pair}\n${store.get().beam}\n${text}`;

  /** @param {Sentence} sentence */
  function keep(sentence) {
    if (sentence.prefix) return;
    kept.delete(key(sentence.text));
    kept.set(key(sentence.text), sentence);
    if (kept.size > KEPT) kept.delete(/** @type {string} */ (kept.keys().next().value));
  }

  /** @param {number} index @param {Partial<Sentence>} patch */
  function change(index, patch) {
    const sentences = store.get().sentences.slice();
    sentences[index] = { ...sentences[index], ...patch };
    store.set({ sentences });
    if (sentences[index].done) keep(sentences[index]);
  }

  /** @param {unknown} error */
  function fail(error) {
    if (!isAbort(error)) store.set({ status: "failed", problem: messageOf(error), detail: "" });
  }

  /** Why the model did not come, to somebody who typed no address. @param {unknown} error @param {Model} [model] */
  function failToOpen(error, model) {
    const key = { NetworkError: navigator.onLine ? "modelUnreachable" : "modelOffline", DataError: "modelDamaged" }[
      error instanceof Error ? error.name : ""
    ];
    if (!key || !model || model.id === OWN) return fail(error);
    const { host } = new URL(urlOf(model));
    store.set({ status: "failed", problem: speak(store.get().language)(key, { host }), detail: messageOf(error) });
  }

  async function readManifest() {
    const answer = await fetch(manifest);
    if (!answer.ok) throw new Error(`The list of models did not come: ${answer.status} ${answer.url}`);
    const list = await answer.json().catch(() => null);
    if (!Array.isArray(list?.models)) throw new Error(`The list of models is damaged: ${answer.url}`);
    const kept = isFetched(store.get().pair) ? await keptModels() : [];
    const { pair, models: before } = store.get();
    const stay = before.filter((one) => (one.registry || one.id === OWN) && kept.every(({ id }) => id !== one.id));
    const pairs = pairsOf(list);
    const own = [...pairs, ...modelsThrough(pairs, ({ source, target }) => `${source}-${target}.through-en`)];
    const models = [...own, ...stay, ...kept];
    const known = models.some((one) => one.id === pair);
    store.set({ models, pair: known ? pair : firstId(models) });
    if (!known) offerMissing(pair);
  }

  const firstId = (/** @type {Model[]} */ models) => firstModel(models, store.get().language)?.id ?? "";

  /** Looks what the reader fetched before. The model in use stays in the list even if it is no longer kept. */
  async function readKept() {
    const fetched = await keptModels();
    const { models, pair } = store.get();
    const stay = models.filter((one) => !one.registry || (one.id === pair && fetched.every(({ id }) => id !== pair)));
    store.set({ models: [...stay, ...fetched] });
  }

  /** A link may name languages that are not here: the menu tells how they come. @param {string} pair */
  function offerMissing(pair) {
    if (isFetched(pair)) store.set({ menu: pair.split(".")[1] });
  }

  /** @param {Model} model */
  const urlOf = (model) => new URL(model.url, new URL(manifest, document.baseURI)).href;
  const currentModel = () => store.get().models.find((one) => one.id === store.get().pair);

  /** @param {typeof import("./translator.js")} rules @returns {CreateOptions} */
  const source = (rules) => {
    const model = currentModel();
    if (!model) throw new Error("The list of models is empty");
    if (model.id === OWN && own) return { model: own };
    return createFrom(rules, model, urlOf(model), new URL(manifest, document.baseURI));
  };

  /**
   * Opens a checkpoint of the reader's own: one GGUF file, or the files of a model folder, which are converted first.
   * @param {File[]} files
   * @param {string} [text] in place of the present one
   */
  async function openOwn(files, text) {
    creation.abort();
    store.set({ status: "loading", loaded: 0, problem: "" });
    try {
      const whole = files.length === 1 && files[0].name.endsWith(".gguf");
      const blob = whole ? files[0] : await converted(files);
      const checkpoint = await openCheckpoint(blob, whole ? files[0].name : "the converted model");
      own = blob;
      const language = (/** @type {string} */ key) => {
        const value = checkpoint.get(`glossa.${key}`);
        return String(Array.isArray(value) ? value[0] : value);
      };
      const entry = {
        id: OWN,
        source: language("source_language"),
        target: language("target_language"),
        url: "",
        bytes: blob.size,
      };
      const models = [...store.get().models.filter((one) => one.id !== OWN), entry];
      store.set({ models });
      await choose(OWN, text);
    } catch (error) {
      fail(error);
    }
  }

  /**
   * Another pair of languages. What is shown stays, dimmed, until the new translation is there.
   * @param {string} pair
   * @param {string} [text] in place of the present one
   * @param {Translator} [made] where it is open already
   */
  async function choose(pair, text = store.get().text, made = undefined) {
    turnTo(pair, text);
    await open(made);
  }

  /** @param {string} pair @param {string} text */
  function turnTo(pair, text) {
    const sentences = store.get().sentences.map((one) => ({
      ...one,
      ...{ done: false, prefix: null, explanation: null, previous: one.explanation ?? one.previous },
    }));
    store.set({ ...freshText, pair, text, sentences, layer: -1, head: -1, heads: [], off: "", notes: noNotes });
  }

  /** Another takes the place of a model that is gone, and the menu tells how it comes again. @param {string} id */
  function replaceModel(id) {
    const models = store.get().models.filter((one) => one.id !== id);
    store.set({ models, status: "idle", problem: "" });
    offerMissing(id);
    if (models.length === 0) return fail(gone(store));
    turnTo(firstId(models), store.get().text);
    schedule(0);
  }

  /** The same; an example gives way to one in the other language. @param {string} pair @param {Translator} [made] */
  function use(pair, made) {
    const { text, models } = store.get();
    const examples = examplesOf(models.find((one) => one.id === pair)?.source ?? "");
    const stays = !isAnExample(text) || examples.includes(text);
    return choose(pair, stays ? text : (examples[0] ?? ""), made);
  }

  /** Whether the text is nobody's own. @param {string} text */
  const isAnExample = (text) =>
    text === store.get().example || store.get().notes.examples.includes(text) || isExample(text);

  /** Where the model of the current pair, or one of the two, lies, if that is not where the page lies. */
  function foreignOrigin() {
    const model = currentModel();
    if (!model || model.registry) return "";
    const files = store.get().models.filter(({ id, url }) => url && (model.halves ?? [model.id]).includes(id));
    return files.map((one) => new URL(urlOf(one)).origin).find((origin) => origin !== location.origin) ?? "";
  }

  /** Loads the model when it is first needed; from another origin only the reader may ask for it. */
  function wake() {
    const { status, models } = store.get();
    if (!translator && models.length > 0 && status !== "failed" && !foreignOrigin()) load();
  }

  /** Opens the model of the current pair. @param {Translator} [made] where it is open already */
  async function open(made) {
    creation.abort();
    creation = new AbortController();
    const { signal } = creation;
    translator?.destroy();
    translator = null;
    kept.clear();
    if (example && example.pair === store.get().pair) keep(example.sentence); // computed by the same model
    store.set({ status: "loading", loaded: 0, problem: "" });
    try {
      const rules = await engines();
      made ??= await rules.Translator.create({
        ...source(rules),
        build: store.get().build,
        signal,
        monitor(target) {
          target.addEventListener("downloadprogress", (event) => {
            if (!signal.aborted) store.set({ loaded: /** @type {ProgressEvent} */ (event).loaded });
          });
        },
      });
      if (signal.aborted) return made.destroy();
      translator = made;
      creation = new AbortController(); // what is opened after it ends it by itself, if that opens
      const { alignmentHead: aligning, notes } = made.info.model;
      const two = made.info.models.length > 1; // there is no picture of both, and no measure of how sure they are
      const known = two ? { ...notes, confidence: noNotes.confidence, limits: limitsOfAll(made.info.models) } : notes;
      store.set({ status: "ready", loaded: 1, info: made.info, aligning, notes: known });
      schedule(0);
      await readKept().catch(() => {}); // where nothing may be kept
    } catch (error) {
      const model = currentModel();
      const missing = !made && model !== undefined && (await isGone(model));
      if (signal.aborted) return;
      if (missing) replaceModel(model.id);
      else failToOpen(error, model);
    }
  }

  /** Opens the model, and gets the list of models first where it has not come yet. */
  async function begin() {
    try {
      if (!currentModel()) await readManifest();
      await open();
    } catch (error) {
      fail(error);
    }
  }

  function load() {
    loading ??= begin().finally(() => {
      loading = null;
    });
    return loading;
  }

  /** Translates what the text is now, after a pause. @param {number} [pause] */
  function schedule(pause = DEBOUNCE) {
    clearTimeout(timer);
    timer = setTimeout(run, pause);
  }

  async function run() {
    work.abort();
    work = new AbortController();
    const { signal } = work;
    const now = store.get();
    if (!translator && now.text === now.example && now.sentences.every((one) => one.done)) return; // the example needs none
    /** @type {Awaited<ReturnType<typeof engines>>} */
    let rules;
    try {
      rules = await engines();
    } catch (error) {
      return fail(error);
    }
    if (signal.aborted) return;
    const { text, models, pair, sentence, fix } = store.get();
    const model = models.find((one) => one.id === pair);
    const before = store.get().sentences;
    const sentences = segments(rules, text, model?.source ?? "en", model?.target ?? "").map((part, i) => {
      const old = before.find((one) => one.prefix && one.text === part.text) ?? kept.get(key(part.text));
      const there = before[i];
      const forced = i === sentence && fix.length > 0 && old?.prefix?.join() !== fix.join();
      return {
        // Until its own first words come, a sentence shows what stood in its place.
        ...{ translation: there?.translation ?? "", partial: "", done: false, milliseconds: 0 },
        ...{ prefix: null, explanation: null, middle: "" },
        ...old,
        ...(forced ? { prefix: fix, done: false, explanation: null } : {}),
        ...part,
        previous: there?.explanation ?? there?.previous ?? null,
      };
    });
    store.set({ sentences, sentence: Math.max(0, Math.min(sentence, sentences.length - 1)) });
    if (sentences.length === 0) {
      if (translator) store.set({ status: "ready", problem: "" });
      return;
    }
    if (!translator) return wake();
    store.set({ status: "working", problem: "", begun: performance.now() });
    try {
      for (let i = 0; i < sentences.length; i++) {
        if (!sentences[i].done) await translateOne(i, signal);
        if (i === store.get().sentence) await explain(i, signal);
      }
      // Words light up in sentences that are explained: in a short text, all of them; in a long one, those that are chosen.
      await explain(store.get().sentence, signal);
      for (let i = 0; i < store.get().sentences.length && i < EXPLAINED && !signal.aborted; i++)
        await explain(i, signal);
      if (!signal.aborted) store.set({ status: "ready" });
    } catch (error) {
      if (!signal.aborted) fail(error);
    }
  }

  /** @param {number} index @param {AbortSignal} signal */
  async function translateOne(index, signal) {
    const { text, prefix } = store.get().sentences[index];
    const begun = performance.now();
    if (prefix) return explain(index, signal);
    let partial = "";
    const options = { signal, beamSize: store.get().beam };
    for await (const chunk of /** @type {Translator} */ (translator).translateStreaming(text, options)) {
      if (signal.aborted) return;
      partial += chunk;
      change(index, { partial });
    }
    const milliseconds = performance.now() - begun;
    if (!signal.aborted) change(index, { translation: partial, partial: "", done: true, milliseconds });
  }

  /** @param {number} index @param {AbortSignal} signal */
  async function explain(index, signal) {
    const sentence = store.get().sentences[index];
    if (!sentence || sentence.explanation || !translator) return;
    if (currentModel()?.halves) return explainHalves(index, signal);
    const begun = performance.now();
    const pieces = await askAll(sentence.text, { prefix: sentence.prefix ?? undefined, signal });
    if (signal.aborted || store.get().sentences[index]?.text !== sentence.text) return;
    const milliseconds = sentence.milliseconds || performance.now() - begun;
    if (pieces.length > 1) return replace(index, pieces);
    // What was translated may have signs that the model itself cannot say.
    const translation = sentence.done && !sentence.prefix ? sentence.translation : pieces[0].translation;
    change(index, { explanation: pieces[0], previous: null, translation, partial: "", done: true, milliseconds });
  }

  /** What stood between two models that translate in turn. @param {number} index @param {AbortSignal} signal */
  async function explainHalves(index, signal) {
    const { text, middle } = store.get().sentences[index];
    if (middle || index !== store.get().sentence) return;
    const { beam } = store.get();
    const { stages } = await /** @type {Translator} */ (translator).explain(text, { beamSize: beam, signal });
    if (signal.aborted || store.get().sentences[index]?.text !== text) return;
    change(index, { middle: stages[0].translation, previous: null });
  }

  /** A sentence too long for the model came back in pieces: each is a sentence of its own. @param {number} index @param {SentenceExplanation[]} pieces */
  async function replace(index, pieces) {
    const { joiner } = await engines();
    const sentences = store.get().sentences.slice();
    const whole = sentences[index];
    const parts = pieces.map((explanation, i) => {
      const end = pieces[i + 1]?.start;
      const gap = end === undefined ? whole.gap : whole.text.slice(explanation.end, end);
      const joint = end === undefined ? whole.joint : joiner(gap, currentModel()?.target ?? "");
      const { source: text, translation } = explanation;
      return {
        ...whole,
        text,
        start: whole.start + explanation.start,
        lead: i ? "" : whole.lead,
        gap,
        joint,
        translation,
        explanation,
        ...{ done: true, partial: "", previous: null },
      };
    });
    sentences.splice(index, 1, ...parts);
    store.set({ sentences });
  }

  /**
   * Explains one sentence as the page shows it, with whatever else is asked.
   * @param {string} text
   * @param {ExplainOptions} [options]
   * @returns {Promise<SentenceExplanation[]>} more than one where the sentence is too long for the model
   */
  async function askAll(text, options) {
    if (!translator) await load();
    if (!translator) throw new Error(store.get().problem || "No model is loaded");
    const { beam } = store.get();
    const explanation = await translator.explain(text, { beamSize: beam, topK: TOP_K, ...options });
    return explanation.sentences;
  }

  /** @param {string} text @param {ExplainOptions} [options] */
  const ask = async (text, options) => (await askAll(text, options))[0];

  return {
    load,
    open,
    choose,
    use,
    wake,
    offerMissing,
    readKept,
    fetching: createFetching(store, engines, async (made, entry) => {
      await readKept().catch(() => {}); // where nothing may be kept
      const { models } = store.get();
      if (models.every((one) => one.id !== entry.id)) store.set({ models: [...models, entry] });
      store.set({ menu: null });
      await use(entry.id, made);
    }),
    foreignOrigin,
    ask,
    openOwn,
    readManifest,
    schedule,
    urlOf,
    currentModel,
    current: () => translator,

    /** The checkpoint of the model in use, to look into. */
    async checkpoint() {
      const model = currentModel();
      if (!model) throw new Error("No model is chosen");
      if (model.registry) {
        const blob = await (await engines()).modelCache.blob(model.url);
        if (!blob) throw gone(store);
        return openCheckpoint(blob, model.id);
      }
      return openCheckpoint(model.id === OWN && own ? own : urlOf(model), model.id);
    },

    /**
     * Shows what was computed before anybody came.
     * @param {string} pair
     * @param {SentenceExplanation} explanation
     * @param {[number, number]} aligning
     * @param {import("./state.js").Notes} notes
     */
    showExample(pair, explanation, aligning, notes) {
      const { source: text, translation } = explanation;
      const sentence = {
        text,
        start: 0,
        lead: "",
        gap: "",
        joint: "",
        translation,
        partial: "",
        done: true,
        milliseconds: 0,
      };
      example = { pair, sentence: { ...sentence, prefix: null, explanation, previous: null } };
      store.set({ ...freshText, pair, text, aligning, notes, example: text, sentences: [example.sentence] });
      keep(example.sentence);
    },

    isExample: isAnExample,

    /** Leaves the text as far as it is translated. */
    stop() {
      clearTimeout(timer);
      work.abort();
      store.set({ status: translator ? "ready" : "idle" });
    },

    /** Shows a sentence in the views, and asks for what they need. @param {number} index */
    select(index) {
      store.set({ ...freshText, sentence: index, fix: store.get().sentences[index]?.prefix ?? [] });
      if (store.get().status !== "working") explain(index, work.signal).catch(fail);
    },

    /** Asks for what the views show of some sentences. @param {number[]} indices */
    async need(indices) {
      if (store.get().status === "working") return;
      const { signal } = work;
      try {
        for (const index of indices) if (!signal.aborted) await explain(index, signal);
      } catch (error) {
        if (!signal.aborted) fail(error);
      }
    },

    /** Fixes the beginning of a sentence's translation, or frees it. @param {number} index @param {number[] | null} prefix */
    force(index, prefix) {
      const { text } = store.get().sentences[index];
      const free = prefix ? undefined : kept.get(key(text));
      const { explanation, previous } = store.get().sentences[index];
      change(index, {
        ...{ prefix, explanation: free?.explanation ?? null, done: false },
        previous: explanation ?? previous,
      });
      store.set({ sentence: index, fix: prefix ?? [] });
      schedule(0);
    },

    /** The sentence once more without the heads that are switched off. @param {string} text @param {AbortSignal} signal */
    ablate: (text, signal) => ask(text, { headMask: headMask(store.get().off), signal }),
  };
}

/** @typedef {ReturnType<typeof createEngine>} Engine */

/** A second translator beside the page's own, for another checkpoint. It is opened when it is first asked. */
export class Comparison {
  /** @type {Translator | null} */
  #translator = null;
  /** @type {string | File | null} */
  #model = null;
  #store;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /**
   * @param {string} text
   * @param {string | File} model an id of the manifest, or a file
   * @param {AbortSignal} signal
   */
  async ask(text, model, signal) {
    if (model !== this.#model || !this.#translator) {
      this.close();
      const entry = this.#store.get().models.find((one) => one.id === model);
      const folder = new URL("models/", document.baseURI);
      const url = new URL(entry?.url ?? "", folder).href;
      const rules = await engines();
      const options = entry
        ? createFrom(rules, entry, url, new URL("manifest.json", folder))
        : { model: /** @type {File} */ (model) };
      const translator = await rules.Translator.create(options).catch(async (error) => {
        throw entry && (await isGone(entry)) ? gone(this.#store) : error;
      });
      if (signal.aborted) {
        translator.destroy();
        signal.throwIfAborted();
      }
      this.#translator = translator;
      this.#model = model;
    }
    const explanation = await this.#translator.explain(text, { beamSize: this.#store.get().beam, signal });
    return explanation.sentences[0];
  }

  close() {
    this.#translator?.destroy();
    this.#translator = null;
    this.#model = null;
  }
}
