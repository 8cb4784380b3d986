// The package's worker, but "EAT ALL MEMORY" makes it do so.
import { parentPort } from "node:worker_threads";
import "../../src/js/worker.js";

parentPort?.on("message", (message) => {
  if (!message.texts?.includes("EAT ALL MEMORY")) return;
  /** @type {number[][]} */
  const eaten = [];
  for (;;) eaten.push(new Array(10_000).fill(eaten.length));
});
