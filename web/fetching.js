// A language that the reader wants from its home: one at a time, beside whatever the page is translating meanwhile.

import { modelsThrough } from "./through.js";

/** @typedef {import("./state.js").Store} Store */
/** @typedef {import("./state.js").Model} Model */
/** @typedef {import("../src/js/types.js").AvailableModel} AvailableModel */
/** @typedef {import("../src/js/index.js").Translator} Translator */

const FETCHED = "mozilla"; // how ids of models begin that the reader fetched
const THROUGH = "through-en"; // in place of an architecture, in the id of two models that go through English

/** Whether a model is one of those that are fetched by readers. @param {string} id */
export const isFetched = (id) => id.startsWith(`${FETCHED}.`);

/** The id of a model of a registry. @param {{registry: string, source: string, target: string, variant: string}} model */
export const fetchedId = ({ registry, source, target, variant }) => `${registry}.${source}-${target}.${variant}`;

/** The id that a model of the list gets when it is fetched. @param {AvailableModel} model */
export const offeredId = ({ registry, variant, sourceLanguages, targetLanguages }) =>
  fetchedId({ registry, variant, source: sourceLanguages[0], target: targetLanguages[0] });

/** The same of two that go through English. @param {{source: string, target: string}} pair */
export const throughId = (pair) => fetchedId({ registry: FETCHED, ...pair, variant: THROUGH });

/**
 * The models among what is kept that the reader fetched before.
 * @param {Awaited<ReturnType<typeof import("./translator.js").modelCache.list>>} records
 * @returns {Model[]}
 */
export function fetchedModels(records) {
  /** @type {Map<string, Model>} */
  const models = new Map(); // of two versions of one, the first is the one that is opened
  /** @type {Map<string, Model>} */
  const byDefault = new Map(); // by direction: those that are found without naming their architecture
  for (const { url, bytes, complete, about } of records) {
    if (!complete || about?.part !== "model" || about.registry !== FETCHED) continue;
    const { registry, variant, licence } = about;
    const pair = { source: String([about.source].flat()[0]), target: String([about.target].flat()[0]) };
    const id = fetchedId({ registry, variant, ...pair });
    if (!models.has(id)) models.set(id, { id, ...pair, url, bytes, licence, registry, variant });
    const direction = `${pair.source}-${pair.target}`;
    const chosen = Array.isArray(about.chosen) && about.chosen.includes("");
    if (chosen && !byDefault.has(direction)) byDefault.set(direction, /** @type {Model} */ (models.get(id)));
  }
  return [...models.values(), ...modelsThrough([...byDefault.values()], throughId)];
}

/**
 * What the reader chose to fetch: a model, or two that go through English.
 * @typedef {object} Plan
 * @property {string} id
 * @property {string} source
 * @property {string} target
 * @property {AvailableModel[]} parts
 * @property {string} [variant] architecture that is asked for
 */

/** How a plan stands among the models where nothing can be kept. @param {Plan} plan @returns {Model} */
const entryOf = ({ id, source, target, parts, variant }) => ({
  ...{ id, source, target, variant, url: "", registry: FETCHED },
  bytes: parts.reduce((sum, one) => sum + one.diskBytes, 0),
  licence: [...new Set(parts.map(({ licence }) => licence))].filter(Boolean).join("; "),
  ...(parts.length === 2 && { halves: /** @type {[string, string]} */ (parts.map(offeredId)) }),
});

/**
 * @param {Store} store
 * @param {() => Promise<typeof import("./translator.js")>} engines
 * @param {(made: Translator, entry: Model) => Promise<void>} done
 */
export function createFetching(store, engines, done) {
  let work = new AbortController();

  /** Ends what is on its way; what has come of it is gone on with the next time. */
  function stop() {
    work.abort();
    store.set({ fetching: null });
  }

  /** @param {Plan} plan */
  async function start(plan) {
    stop();
    work = new AbortController();
    const { signal } = work;
    const { id, variant } = plan;
    const pair = { source: plan.source, target: plan.target };
    const fetching = { id, ...pair, share: 0, problem: null };
    store.set({ fetching });
    try {
      const { registries, Translator } = await engines();
      const made = await Translator.create({
        ...{ sourceLanguage: pair.source, targetLanguage: pair.target, registries: registries(), variant, signal },
        build: store.get().build,
        monitor(target) {
          target.addEventListener("downloadprogress", (event) => {
            const { loaded } = /** @type {ProgressEvent} */ (event);
            if (!signal.aborted) store.set({ fetching: { ...fetching, share: loaded } });
          });
        },
      });
      if (signal.aborted) return made.destroy();
      work = new AbortController(); // the signal that it was made with would end it: nothing holds that any more
      store.set({ fetching: null });
      await done(made, entryOf(plan));
    } catch (error) {
      if (signal.aborted) return;
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      store.set({ fetching: { ...fetching, problem: { name, message } } });
    }
  }

  return { start, stop };
}
