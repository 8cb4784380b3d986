// The package's worker beside another script that talks through the same port.
import { parentPort } from "node:worker_threads";
import "../../src/js/worker.js";

const NOISE = [null, undefined, 3, "text", [], {}, { id: 1 }, { type: "result" }, { id: 1, type: "webpackOk" }];
const talk = () => {
  for (const message of NOISE) parentPort?.postMessage(message);
};
talk();
parentPort?.on("message", talk);
