// What html-time.test.js measures: families of documents that have cost more than by their length elsewhere. Prints a line
// of JSON for each: microseconds of a document, of one four times as long, and how many those may be. Runs with
// --expose-gc and a young generation in which all that one translation makes has room, for the collector of garbage has a
// time of its own: a short document can be done before it comes, a long one cannot.
import { translateHTML } from "../../src/js/html.js";
import { ANSWERS, standIn } from "./html-documents.js";

const FLOOR = 4000; // µs; what is done in no time has no ratio

/** What is repeated, up to the length; with what before and behind. @type {Record<string, string | [string, string, string]>} */
const FAMILIES = {
  "tags without end": "<a-",
  "a tag without end": ["<a ", "b=c ", ""],
  quotes: ["<a ", "'\"", ""],
  "end tags": "</a",
  "lesser than": "<",
  ampersands: "&",
  "references without end": "&amp",
  "names of references": "&unknown; ",
  nested: "<b>",
  "nested blocks": "<div>",
  "nested with text": "<i>a ",
  "nested spans with text": ["", "<span>dog ", ""],
  "end tags alone": "</b>",
  misnested: "<b><p></b>",
  "formatting with attributes": ["<p>", "<b a>x<p>", ""],
  paragraphs: "<p>a dog",
  "unclosed formatting": ["<p><b><i><u>", "<p>x", ""],
  tables: "<table><td>",
  "text in tables": ["<table>", "a<tr>", ""],
  lists: "<ul><li>",
  comments: "<!-- ",
  "short comments": "a<!-->",
  scripts: "<script ",
  "raw text": ["<textarea>", "</textare", ""],
  noscript: "<noscript>a</noscript>b ",
  code: "<?php ",
  "code without end": ["", "<?php a>", "?>"],
  points: ["A dog ", "<br>", " runs."],
  "comments in a sentence": ["A dog ", "<!---->", " runs."],
  "images between words": "a <img> ",
  "links side by side": "<a>dog</a>",
  "marks of footnotes": "dog<sup>1</sup>",
  sentences: "<b>A dog runs. </b>",
  "one long sentence": "<b>dog</b> ",
  "kept in one sentence": "a <code>a</code> ",
  "protected and not": "<i translate=no>a<i translate=yes>b",
  readings: "<ruby>a<rt>b",
  "white space": ["a", " \n", "b"],
  "white space that counts": ['<p style="white-space:pre">', "a  \n", ""],
  breaks: "dog<br>",
  attributes: '<p title="A dog">',
  select: "<select><option>a",
  svg: "<svg><a>",
};

/** @param {string} family @param {number} length */
function documentOf(family, length) {
  const form = FAMILIES[family];
  const [before, part, behind] = typeof form === "string" ? ["", form, ""] : form;
  return before + part.repeat(Math.ceil(length / part.length)) + behind;
}

/** Processor time of one translation, in microseconds. @param {string} html */
async function timeOf(html) {
  if (!globalThis.gc) throw new Error("run this with --expose-gc");
  globalThis.gc({ type: "minor" });
  const start = process.cpuUsage();
  await translateHTML(html, {
    attributes: ["title"],
    sourceLanguage: "en",
    targetLanguage: "de",
    check() {},
    align: standIn(ANSWERS.same),
  });
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

/** @param {string} family @param {number} length of the shorter of two documents; the longer one is four times as long */
async function compare(family, length) {
  let [small, large, most] = [Infinity, Infinity, 0]; // the best of five; of more where something was in the way
  for (let i = 0; i < 5 || (i < 15 && large > most); i++) {
    small = Math.min(small, await timeOf(documentOf(family, length)));
    large = Math.min(large, await timeOf(documentOf(family, 4 * length)));
    most = 8 * Math.max(small, FLOOR);
  }
  console.log(JSON.stringify({ family, length, small, large, most }));
}

for (const family of Object.keys(FAMILIES)) await compare(family, 40_000);
// Copying a text once for each of its sentences is fast until it no longer fits into the processor's cache.
await compare("sentences", 160_000);
