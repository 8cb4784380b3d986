// A language that the reader wants from its home: one at a time, beside whatever the page is translating meanwhile.

/** @typedef {import("./state.js").Store} Store */
/** @typedef {import("./state.js").Model} Model */
/** @typedef {import("../src/js/types.js").AvailableModel} AvailableModel */
/** @typedef {import("../src/js/index.js").Translator} Translator */

const FETCHED = "mozilla"; // how ids of models begin that the reader fetched

/** Whether a model is one of those that are fetched by readers. @param {string} id */
export const isFetched = (id) => id.startsWith(`${FETCHED}.`);

/** The id of a model of a registry. @param {{registry: string, source: string, target: string, variant: string}} model */
export const fetchedId = ({ registry, source, target, variant }) => `${registry}.${source}-${target}.${variant}`;

/** The id that a model of the list gets when it is fetched. @param {AvailableModel} model */
export const offeredId = ({ registry, variant, sourceLanguages, targetLanguages }) =>
  fetchedId({ registry, variant, source: sourceLanguages[0], target: targetLanguages[0] });

/**
 * The models among what is kept that the reader fetched before.
 * @param {Awaited<ReturnType<typeof import("./translator.js").modelCache.list>>} records
 * @returns {Model[]}
 */
export function fetchedModels(records) {
  /** @type {Map<string, Model>} */
  const models = new Map(); // of two versions of one, the first is the one that is opened
  for (const { url, bytes, complete, about } of records) {
    if (!complete || about?.part !== "model" || about.registry !== FETCHED) continue;
    const { registry, variant, licence } = about;
    const pair = { source: String([about.source].flat()[0]), target: String([about.target].flat()[0]) };
    const id = fetchedId({ registry, variant, ...pair });
    if (!models.has(id)) models.set(id, { id, ...pair, url, bytes, licence, registry, variant });
  }
  return [...models.values()];
}

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

  /** @param {AvailableModel} model */
  async function start(model) {
    stop();
    work = new AbortController();
    const { signal } = work;
    const { registry, variant, licence } = model;
    const pair = { source: model.sourceLanguages[0], target: model.targetLanguages[0] };
    const id = offeredId(model);
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
      await done(made, { id, ...pair, registry, variant, licence, url: "", bytes: model.diskBytes });
    } catch (error) {
      if (signal.aborted) return;
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      store.set({ fetching: { ...fetching, problem: { name, message } } });
    }
  }

  return { start, stop };
}
