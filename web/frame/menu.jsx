// What the menu of languages holds: the languages that are here, and those that can be fetched, each on the reader's own
// choice, who is told whom it asks, how much comes, and under which licence.

import { mozillaAddresses } from "glossa:site";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isNonCommercial, makerOf, pairName } from "../languages.js";
import { learn, size } from "../strings.js";
import { useApp, useKeys, useRoving, useWords } from "../ui.jsx";
import { words } from "./menu-words.js";
import { found, grouped, offersOf, problemOf, qualityOf } from "./offers.js";

learn(words);

/** @typedef {import("../../src/js/types.js").AvailableModel} AvailableModel */
/** @typedef {import("./offers.js").Offer} Offer */
/** @typedef {{offers: Offer[], date: string}} List `date`: of the list that came with the page; empty: its server was asked */
/** @typedef {{name: string, message: string}} Problem */

const hosts = Object.fromEntries(
  Object.entries(mozillaAddresses ?? {}).map(([name, address]) => [name, new URL(address).host]),
);

/** @param {unknown} error @returns {Problem} */
const problemFrom = (error) => (error instanceof Error ? error : { name: "", message: String(error) });

/** Of the list that came with the page, and that was read just now. @returns {Promise<string>} */
const dateOfList = async () => (await import(new URL("catalogue.js", document.baseURI).href)).snapshot.date;

/** @param {boolean} asked whether its server may be asked @returns {Promise<List>} */
async function readList(asked) {
  const { registries, Translator } = await import("../translator.js");
  const models = await Translator.models({ registries: registries(), offline: !asked });
  const dated = models.length > 0 && models.every((one) => one.version === "");
  return { offers: offersOf(models), date: dated ? await dateOfList() : "" };
}

export function Offers() {
  const { engine } = useApp();
  const { t, language } = useWords();
  const { menu } = useKeys("menu");
  const [query, setQuery] = useState(menu ?? "");
  const [list, setList] = useState(/** @type {List | null} */ (null));
  const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
  const [asking, setAsking] = useState(false);
  const search = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {boolean} asked */
  const read = (asked) => {
    setProblem(null);
    setAsking(asked);
    readList(asked)
      .then(setList, (error) => setProblem(problemFrom(error)))
      .finally(() => setAsking(false));
  };
  useEffect(() => {
    if (menu === null) return;
    setQuery(menu);
    engine.readKept().catch(() => {});
    read(false);
    if (matchMedia("(hover: hover)").matches) search.current?.focus();
  }, [menu]);
  const offers = found(list?.offers ?? [], query);
  return (
    <>
      <p class="search-line">
        <input
          type="search"
          ref={search}
          aria-label={t("findLanguage")}
          placeholder={t("findLanguage")}
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </p>
      <Here query={query} />
      <h3>{t("toFetch")}</h3>
      <p class="help">
        {t("toFetchHelp")}{" "}
        {list &&
          t(list.date ? "listDated" : list.offers.length > 0 ? "listAsked" : "listNone", {
            date: monthOf(list.date, language),
          })}{" "}
        <button type="button" class="link" disabled={asking} onClick={() => read(true)}>
          {t("askList", { host: hosts.catalogue })}
        </button>
      </p>
      {problem && <ProblemNote problem={problem} host={hosts.catalogue} />}
      <p class="help" role="status">
        {asking ? t("asking", { host: hosts.catalogue }) : list ? t("directions", { n: offers.length }) : t("working")}
      </p>
      {grouped(offers, language).map((group) => (
        <section key={group.title}>
          <h4>{t(group.title)}</h4>
          <OfferList offers={group.offers} opened={menu ?? ""} />
        </section>
      ))}
    </>
  );
}

/** @param {string} date as "2025-12" @param {string} language */
const monthOf = (date, language) =>
  date && new Intl.DateTimeFormat(language, { year: "numeric", month: "long", timeZone: "UTC" }).format(new Date(date));

/** What lies beside the page or in this browser. @param {{query: string}} props */
function Here({ query }) {
  const { store, engine } = useApp();
  const { t, language } = useWords();
  const { models, pair } = useKeys("models", "pair");
  const fitting = found(models, query);
  if (fitting.length === 0) return null;
  return (
    <>
      <h3>{t("hereTitle")}</h3>
      <ul class="offers">
        {fitting.map((one) => (
          <li key={one.id} class="offer-here">
            <span class="offer-name">{pairName(one, language)}</span>
            <span class="help">
              {[
                one.registry ? makerOf(one) : "",
                one.bytes ? size(one.bytes, language) : "",
                isNonCommercial(one.licence) ? t("nonCommercial") : "",
              ]
                .filter(Boolean)
                .join(" · ")}
            </span>
            <button
              type="button"
              aria-label={`${t("useIt")}: ${pairName(one, language)}, ${makerOf(one)}`}
              aria-pressed={one.id === pair}
              onClick={() => {
                store.set({ menu: null });
                if (one.id !== pair) engine.use(one.id);
              }}
            >
              {t(one.id === pair ? "inUse" : "useIt")}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** @param {{offers: Offer[], opened: string}} props */
function OfferList({ offers, opened }) {
  const { t, language } = useWords();
  const { fetching } = useKeys("fetching");
  const [open, setOpen] = useState(opened);
  useEffect(() => setOpen(opened), [opened]);
  const box = useRef(/** @type {HTMLUListElement | null} */ (null));
  const roving = useRoving(".offer");
  useLayoutEffect(() => {
    // Whatever the search leaves, one of them is a stop for the Tab key.
    if (!box.current?.querySelector('.offer[tabindex="0"]'))
      box.current?.querySelector(".offer")?.setAttribute("tabindex", "0");
  });
  return (
    <ul
      class="offers"
      ref={(element) => {
        if (element && element !== box.current) roving(element);
        box.current = element;
      }}
    >
      {offers.map((one) => {
        const [first] = one.models;
        const busy = fetching?.source === one.source && fetching.target === one.target;
        const shown = open === one.id || busy;
        return (
          <li key={one.id}>
            <button
              type="button"
              class="offer"
              tabIndex={-1}
              data-offer={one.id}
              aria-expanded={shown}
              onClick={() => setOpen(open === one.id ? "" : one.id)}
            >
              <span class="offer-name">{pairName(one, language)}</span>
              <span class="help">
                {one.models.some((model) => model.here) && `${t("onDeviceNow")} · `}
                {size(first.downloadBytes, language)}
              </span>
            </button>
            {shown && <Choices offer={one} />}
          </li>
        );
      })}
    </ul>
  );
}

/** What fetching a direction means, and the choice. @param {{offer: Offer}} props */
function Choices({ offer }) {
  const { engine } = useApp();
  const { t, language } = useWords();
  const { fetching } = useKeys("fetching");
  const [at, setAt] = useState(0);
  const model = offer.models[at] ?? offer.models[0];
  const mine = fetching?.source === offer.source && fetching.target === offer.target ? fetching : null;
  const busy = mine !== null && mine.problem === null;
  return (
    <div class="offer-choices">
      {offer.models.length > 1 && (
        <fieldset class="variants">
          <legend>{t("whichModel")}</legend>
          {offer.models.map((one, i) => (
            <label key={one.variant} class="tick">
              <input
                type="radio"
                name={`variant-${offer.id}`}
                checked={i === at}
                disabled={busy}
                onChange={() => setAt(i)}
              />
              <span>
                {one.variant} <span class="help">{factsOf(one)}</span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      {offer.models.length === 1 && <p class="help">{`${model.variant} ${factsOf(model)}`}</p>}
      <p>
        {t("fetchTells", {
          ...hosts,
          size: size(model.downloadBytes, language),
          disk: size(model.diskBytes, language),
        })}
      </p>
      <p class={isNonCommercial(model.licence) ? "warning" : "help"}>
        {t("licenceIs", { licence: model.licence || t("licenceUnknown"), origin: model.origin })}
        {isNonCommercial(model.licence) && ` ${t("nonCommercialLong")}`}
      </p>
      {mine?.problem && <ProblemNote problem={mine.problem} host={hosts.files} />}
      <p class="actions">
        {busy ? (
          <>
            <progress value={mine.share} max={1} aria-label={t("fetchingNow", { pair: pairName(offer, language) })} />
            <span class="help share-of">{Math.round(100 * mine.share)} %</span>
            <button type="button" onClick={() => engine.fetching.stop()}>
              {t("stop")}
            </button>
          </>
        ) : (
          <button type="button" class="action" onClick={() => engine.fetching.start(model)}>
            {t("fetchFrom", { size: size(model.downloadBytes, language), host: hosts.files })}
          </button>
        )}
      </p>
    </div>
  );

  /** @param {AvailableModel} one */
  function factsOf(one) {
    return [size(one.downloadBytes, language), qualityOf(one.quality), one.here ? t("onDeviceNow") : ""]
      .filter(Boolean)
      .join(" · ");
  }
}

/** @param {{problem: Problem, host: string}} props */
function ProblemNote({ problem, host }) {
  const { t } = useWords();
  return (
    <div class="warning" role="alert">
      <p>{t(problemOf(problem.name, navigator.onLine), { host })}</p>
      <details>
        <summary>{t("problemDetails")}</summary>
        <p class="help">{problem.message}</p>
      </details>
    </div>
  );
}
