// The lab's WebAssembly file in Node: `lab-wasm.js BATCHES SETTINGS`.

import { openLab } from "../../js/lab-core.js";
import { readBatches } from "../lab-batches.js";
import { serve, timed } from "./serve.js";

const [file, settings] = process.argv.slice(2);
const batches = readBatches(file);
const lab = await openLab(JSON.parse(settings));
let at = 0;

await serve({
  about: () => ({ runtime: `Node ${process.versions.node}, ${lab.describe().kernels}` }),
  /** @param {{ steps: number }} options */
  async run({ steps }) {
    let tokens = 0;
    let loss = 0;
    const { ms, cpu } = await timed(async () => {
      for (let i = 0; i < steps; i++) {
        const report = lab.step(batches[at++ % batches.length]);
        tokens += report.tokens;
        loss = report.loss;
      }
    });
    return { ms, cpu, tokens, loss, bytes: lab.describe().bytes };
  },
});
