#!/usr/bin/env node
// The command `glossa`: one subcommand a module beside this one.

import { readFileSync } from "node:fs";
import process from "node:process";
import { harmless } from "./terminal.js";

/**
 * What a subcommand works with.
 * @typedef {object} IO
 * @property {NodeJS.ReadableStream} stdin
 * @property {NodeJS.WritableStream & {isTTY?: boolean}} stdout
 * @property {NodeJS.WritableStream & {isTTY?: boolean}} stderr
 */

/** @type {Record<string, {about: string, load: () => Promise<{run: (argv: string[], io: any) => Promise<number>}>}>} */
const COMMANDS = {
  translate: { about: "translate text, a line at a time", load: () => import("./translate.js") },
  explain: { about: "translate a sentence and show how", load: () => import("./explain.js") },
  train: { about: "train a small network and write a checkpoint", load: () => import("./train.js") },
  lab: { about: "run what the lab has trained: classifiers, networks for strings", load: () => import("./lab.js") },
  convert: { about: "make a Glossa checkpoint of a trained model", load: () => import("./convert.js") },
  inspect: { about: "show what a checkpoint holds", load: () => import("./inspect.js") },
  bench: { about: "measure the speed on this machine", load: () => import("./bench.js") },
  models: { about: "models from their homes: list, fetch, remove", load: () => import("./models.js") },
  serve: { about: "serve the page on localhost", load: () => import("./serve.js") },
};

const usage = `Usage: glossa COMMAND [options]

${Object.entries(COMMANDS)
  .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
  .join("\n")}

glossa COMMAND --help tells the options of each; glossa --version the version. Status: 0 done, 1 failed, 2 wrong usage.
`;

/**
 * @param {string[]} argv
 * @param {IO} io
 * @returns {Promise<number>} exit status
 */
export async function main([name, ...argv], io) {
  if (name === "--help" || name === "-h" || name === "help") {
    io.stdout.write(usage);
    return 0;
  }
  if (name === "--version" || name === "-V") {
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
    io.stdout.write(`${version}\n`);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  if (!command) {
    io.stderr.write(
      `glossa: ${name === undefined ? "a command is missing" : `there is no command "${harmless(name)}"`}\n${usage}`,
    );
    return 2;
  }
  try {
    return await (await command.load()).run(argv, io);
  } catch (error) {
    io.stderr.write(`glossa ${name}: ${harmless(error instanceof Error ? error.message : String(error))}\n`);
    return 1;
  }
}

// Whoever reads the output may stop early, as `head` does: then there is nothing more to do.
process.stdout.on("error", (error) => {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  if (code === "EPIPE") process.exit(0);
  process.stderr.write(`glossa: standard output cannot be written to: ${message}\n`);
  process.exit(1);
});
process.exitCode = await main(process.argv.slice(2), process);
