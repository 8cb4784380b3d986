// The processor time of HTML grows with its length alone: families of documents that have cost more elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { translateHTML } from "../../src/js/html.js";
import { ANSWERS, standIn } from "./html-documents.js";

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
async function isLinear(family, length) {
  const floor = 4000; // what is done in no time has no ratio
  let [small, large] = [Infinity, Infinity]; // the best of five; of more where the collector of garbage was in the way
  for (let i = 0; i < 5 || (i < 15 && large > 8 * Math.max(small, floor)); i++) {
    small = Math.min(small, await timeOf(documentOf(family, length)));
    large = Math.min(large, await timeOf(documentOf(family, 4 * length)));
  }
  assert.ok(large <= 8 * Math.max(small, floor), `${small} µs for ${length} characters, ${large} µs for ${4 * length}`);
}

// Long enough that the collector of garbage mostly comes into both.
for (const family of Object.keys(FAMILIES)) test(`linear: ${family}`, () => isLinear(family, 40_000));

// Copying a text once for each of its sentences is fast until it no longer fits into the processor's cache.
test("linear: sentences of one long paragraph", () => isLinear("sentences", 160_000));
