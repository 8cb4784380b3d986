// The package's worker, but it dies when it is to translate "CRASH NOW".
import { parentPort } from "node:worker_threads";
import "../../src/js/worker.js";

parentPort?.on("message", (message) => {
  if (message.texts?.includes("CRASH NOW")) process.exit(3);
});
