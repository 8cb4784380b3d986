// What the menu of languages holds: the languages that are here, and those that can be fetched, each on the reader's own
// choice, who is told whom it asks, how much comes, and under which licence.

import { mozillaAddresses } from "glossa:site";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { isNonCommercial, makerOf, pairName } from "../languages.js";
import { learn, size } from "../strings.js";
import { useApp, useKeys, useRoving, useWords } from "../ui.jsx";
import { words } from "./menu-words.js";
import { found, grouped, missingOf, offersOf, offersThrough, problemOf, qualityOf, sumOf } from "./offers.js";

learn(words);

/** @typedef {import("../../src/js/types.js").AvailableModel} AvailableModel */
/** @typedef {import("./offers.js").Offer} Offer */
/** @typedef {import("../fetching.js").Plan} Plan */
/** @typedef {{offers: Offer[], date: string}} List `date`: of the list that came with the page; empty: its server was asked */
/** @typedef {{name: string, message: string}} Problem */
/** @typedef {Problem & {asked: boolean}} ListProblem `asked`: whether its server was asked */

const FEW = 12; // directions by two models that are shown without being asked for

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
  const { store, engine } = useApp();
  const { t, language } = useWords();
  const { menu } = useKeys("menu");
  const [query, setQuery] = useState(menu ?? "");
  const [list, setList] = useState(/** @type {List | null} */ (null));
  const [problem, setProblem] = useState(/** @type {ListProblem | null} */ (null));
  const [asking, setAsking] = useState(false);
  const search = useRef(/** @type {HTMLInputElement | null} */ (null));
  const last = useRef({ reading: 0, asked: false }); // only the last answer counts
  /** @param {boolean} asked */
  const read = (asked) => {
    const reading = last.current.reading + 1;
    last.current = { reading, asked };
    setProblem(null);
    setAsking(asked);
    /** @param {() => void} take */
    const end = (take) => {
      if (last.current.reading !== reading) return;
      last.current.asked = false;
      setAsking(false);
      take();
    };
    readList(asked).then(
      (one) => end(() => setList(one)),
      (error) => {
        const { name, message } = problemFrom(error);
        end(() => setProblem({ name, message, asked }));
      },
    );
  };
  useEffect(() => {
    if (menu === null) {
      if (store.get().fetching?.problem) engine.fetching.stop(); // it has been told
      return;
    }
    setQuery(menu);
    engine.readKept().catch(() => {});
    if (!last.current.asked) read(false);
    if (matchMedia("(hover: hover)").matches) search.current?.focus();
  }, [menu]);
  const offers = found(list?.offers ?? [], query);
  const through = useMemo(() => offersThrough(list?.offers ?? []), [list]);
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
      {problem && <ProblemNote problem={problem} host={problem.asked ? hosts.catalogue : ""} />}
      <p class="help" role="status">
        {asking ? t("asking", { host: hosts.catalogue }) : list ? t("directions", { n: offers.length }) : t("working")}
      </p>
      {grouped(offers, language).map((group) => (
        <section key={group.title}>
          <h4>{t(group.title)}</h4>
          <OfferList offers={group.offers} opened={menu ?? ""} />
        </section>
      ))}
      {through.length > 0 && <ThroughOffers offers={through} query={query} opened={menu ?? ""} />}
    </>
  );
}

/** Directions by two models: as many as there are pairs of languages, and so only those that are looked for. @param {{offers: Offer[], query: string, opened: string}} props */
function ThroughOffers({ offers, query, opened }) {
  const { t, language } = useWords();
  const fitting = useMemo(
    () => (query.trim() ? grouped(found(offers, query), language).flatMap((one) => one.offers) : []),
    [offers, query, language],
  );
  const few = fitting.length <= FEW;
  const [open, setOpen] = useState(few);
  useEffect(() => setOpen(few), [few, query]);
  if (!query.trim()) return <p class="help">{t("throughHint")}</p>;
  if (fitting.length === 0) return null;
  return (
    <details class="part" data-part="through" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("throughTitle", { n: fitting.length })}</summary>
      {open && <OfferList offers={fitting} opened={opened} />}
    </details>
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
                one.halves ? t("byTwo") : one.registry ? makerOf(one) : "",
                one.bytes ? size(one.bytes, language) : "",
                isNonCommercial(one.licence) ? t("nonCommercial") : "",
              ]
                .filter(Boolean)
                .join(" · ")}
            </span>
            <button
              type="button"
              aria-label={`${t("useIt")}: ${pairName(one, language)}, ${one.halves ? t("byTwo") : makerOf(one)}`}
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
  const { engine } = useApp();
  const { t, language } = useWords();
  const { fetching } = useKeys("fetching");
  const [open, setOpen] = useState(opened);
  useEffect(() => setOpen(opened), [opened]);
  const box = useRef(/** @type {HTMLUListElement | null} */ (null));
  const roving = useRoving(".offer");
  const list = useCallback((/** @type {HTMLUListElement | null} */ element) => {
    roving(element);
    box.current = element;
  }, []);
  useLayoutEffect(() => {
    // Whatever the search leaves, one of them is a stop for the Tab key.
    if (!box.current?.querySelector('.offer[tabindex="0"]'))
      box.current?.querySelector(".offer")?.setAttribute("tabindex", "0");
  });
  return (
    <ul class="offers" ref={list}>
      {offers.map((one) => {
        const [first] = one.plans;
        const missing = missingOf(first);
        const mine = fetching?.source === one.source && fetching.target === one.target ? fetching : null;
        const shown = open === one.id || mine !== null;
        return (
          <li key={one.id}>
            <button
              type="button"
              class="offer"
              tabIndex={-1}
              data-offer={one.id}
              aria-expanded={shown}
              onClick={() => {
                if (mine && !mine.problem) return; // what is on its way is seen
                if (mine) engine.fetching.stop();
                setOpen(shown ? "" : one.id);
              }}
            >
              <span class="offer-name">{pairName(one, language)}</span>
              <span class="help">
                {one.plans.some(isHere) && `${t("onDeviceNow")} · `}
                {size(sumOf(missing.length > 0 ? missing : first.parts, "downloadBytes"), language)}
              </span>
            </button>
            {shown && <Choices offer={one} />}
          </li>
        );
      })}
    </ul>
  );
}

/** Whether all of it is on this device. @param {Plan} plan */
const isHere = ({ parts }) => parts.every((one) => one.here);

/** What fetching a direction means, and the choice. @param {{offer: Offer}} props */
function Choices({ offer }) {
  const { t, language } = useWords();
  const { fetching, models } = useKeys("fetching", "models");
  const mine = fetching?.source === offer.source && fetching.target === offer.target ? fetching : null;
  const [chosen, setChosen] = useState(mine?.id ?? "");
  const plan = offer.plans.find((one) => one.id === chosen) ?? offer.plans[0];
  const busy = mine !== null && mine.problem === null;
  const usable = isHere(plan) && models.some((one) => one.id === plan.id);
  const missing = missingOf(plan);
  return (
    <div class="offer-choices">
      {plan.parts.length > 1 && <p>{t("throughTells", { pair: pairName(offer, language) })}</p>}
      {offer.plans.length > 1 && (
        <fieldset class="variants">
          <legend>{t("whichModel")}</legend>
          {offer.plans.map((one) => (
            <label key={one.id} class="tick">
              <input
                type="radio"
                name={`variant-${offer.id}`}
                checked={one === plan}
                disabled={busy}
                onChange={() => setChosen(one.id)}
              />
              <span>
                {one.variant} <span class="help">{factsOf(one.parts[0])}</span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      {offer.plans.length === 1 &&
        plan.parts.map((one) => (
          <p class="help" key={one.id}>
            {[plan.parts.length > 1 ? `${nameOfPart(one)}:` : "", one.variant, factsOf(one)].filter(Boolean).join(" ")}
          </p>
        ))}
      {!usable && missing.length > 0 && (
        <p>
          {t("fetchTells", {
            ...hosts,
            size: size(sumOf(missing, "downloadBytes"), language),
            disk: size(sumOf(missing, "diskBytes"), language),
          })}
        </p>
      )}
      {!usable && missing.length === 0 && <p>{t("bothHere", hosts)}</p>}
      {plan.parts.map((one) => (
        <p key={one.id} class={isNonCommercial(one.licence) ? "warning" : "help"}>
          {plan.parts.length > 1 && `${nameOfPart(one)}: `}
          {t("licenceIs", { licence: one.licence || t("licenceUnknown"), origin: one.origin })}
          {isNonCommercial(one.licence) && ` ${t("nonCommercialLong")}`}
        </p>
      ))}
      {mine?.problem && <ProblemNote problem={mine.problem} host={hosts.files} />}
      <Actions {...{ offer, plan, usable }} />
    </div>
  );

  /** @param {AvailableModel} one */
  function nameOfPart({ sourceLanguages: [source], targetLanguages: [target] }) {
    return pairName({ source, target }, language);
  }

  /** @param {AvailableModel} one */
  function factsOf(one) {
    return [size(one.downloadBytes, language), qualityOf(one.quality), one.here ? t("onDeviceNow") : ""]
      .filter(Boolean)
      .join(" · ");
  }
}

/**
 * The one button, which stays while it changes, so that the focus stays on it: fetch, stop, use.
 * @param {{offer: Offer, plan: Plan, usable: boolean}} props `usable`: it is here
 */
function Actions({ offer, plan, usable }) {
  const { store, engine } = useApp();
  const { t, language } = useWords();
  const { fetching, pair } = useKeys("fetching", "pair");
  const [stopped, setStopped] = useState(false);
  const coming = fetching && !fetching.problem ? fetching : null;
  const busy = coming?.source === offer.source && coming.target === offer.target;
  const other = coming && !busy ? coming : null;
  const { id } = plan;
  const bytes = sumOf(missingOf(plan), "downloadBytes");
  const act = () => {
    if (busy) engine.fetching.stop();
    else if (usable) {
      store.set({ menu: null });
      if (id !== pair) engine.use(id);
    } else engine.fetching.start(plan);
    setStopped(busy);
  };
  const label = () => {
    if (busy) return t("stop");
    if (usable) return t(id === pair ? "inUse" : "useIt");
    return bytes > 0 ? t("fetchFrom", { size: size(bytes, language), host: hosts.files }) : t("useIt");
  };
  const said = () => {
    if (coming) return t(busy ? "fetchingNow" : "oneAtATime", { pair: pairName(coming, language) });
    return stopped ? t("fetchStopped") : "";
  };
  return (
    <>
      <p class="actions">
        {busy && <progress value={coming.share} max={1} aria-label={said()} />}
        {busy && <span class="help share-of">{Math.round(100 * coming.share)} %</span>}
        <button
          type="button"
          class={busy ? "" : "action"}
          disabled={other !== null && !usable}
          onClick={(event) => event.detail < 2 && act()} // the second of two quick clicks would stop what the first began
        >
          {label()}
        </button>
      </p>
      <p class="help" role="status">
        {said()}
      </p>
    </>
  );
}

/** @param {{problem: Problem, host: string}} props `host`: that was asked; empty: nobody */
function ProblemNote({ problem, host }) {
  const { t } = useWords();
  return (
    <div class="warning" role="alert">
      <p>{t(host ? problemOf(problem.name, navigator.onLine) : "problemOther", { host })}</p>
      <details>
        <summary>{t("problemDetails")}</summary>
        <p class="help">{problem.message}</p>
      </details>
    </div>
  );
}
