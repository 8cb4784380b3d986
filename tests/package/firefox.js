// Firefox: GLOSSA_FIREFOX or firefox-esr on the PATH, driven by puppeteer-core.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { tool } from "./consumer.js";

function findFirefox() {
  if (process.env.GLOSSA_FIREFOX) return process.env.GLOSSA_FIREFOX;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.flatMap((folder) => ["firefox-esr", "firefox"].map((name) => join(folder, name))).find(existsSync);
}

const firefox = findFirefox();

/** Why tests in Firefox cannot run here; false where they can. */
export const noFirefox = firefox ? false : "no Firefox: set GLOSSA_FIREFOX or install it";

/** A browser of puppeteer, or null where npm cannot get that. */
export async function launchFirefox() {
  const folder = await tool("puppeteer-core", "24");
  if (!folder) return null;
  const { default: puppeteer } = await import(pathToFileURL(join(folder, "lib/esm/puppeteer/puppeteer-core.js")).href);
  return puppeteer.launch({ browser: "firefox", executablePath: firefox, headless: true });
}
