// The page in WebKit, Safari's engine, served plainly: there it may keep nothing, and has to do without.

import assert from "node:assert/strict";
import { test } from "node:test";
import { noWebKit, openWebKit } from "../package/webkit.js";
import { noSite, openSite } from "./site.js";

test("the page in WebKit", { skip: noSite || noWebKit }, async () => {
  const site = await openSite();
  const browser = await openWebKit();
  try {
    for (const [place, selector] of [
      ["translate", ".output .word"],
      ["translate", ".threads .thread"],
      ["inside", ".large svg rect[data-value]"],
      ["inside/4-scores", ".stage .number"],
      ["inside/14-beam", ".beam .branch"],
      ["zoo/scores", ".zoo .bar"],
      ["train", ".map canvas"],
    ]) {
      await browser.goto(`${site.url}#/${place}?t=A+dog+runs.`); // the first loads the page, the others lead it on
      const found = await browser.ask(`const reply = arguments[0];
        const end = Date.now() + 60000;
        addEventListener("error", (event) => reply("error: " + event.message));
        const look = () => document.querySelector(${JSON.stringify(selector)}) ? reply("there")
          : Date.now() > end ? reply(document.body.innerText.slice(0, 500)) : setTimeout(look, 50);
        look();`);
      assert.equal(found, "there", place);
    }
  } finally {
    await browser.close();
    await site.close();
  }
});
