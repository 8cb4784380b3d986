// Learns corrections one after the other, each alone and undone again, and prints what each took: processor time and time
// in milliseconds, steps, and the bytes by which the most that the process ever held has grown.

import { readFile } from "node:fs/promises";
import { Translator } from "../../../src/js/index.js";
import { corrected, kept, sources } from "../../js/corrections.js";

const [model, every] = process.argv.slice(2);
const translator = await Translator.create({ model: new Uint8Array(await readFile(model)) });
const translations = await translator.translateBatch(sources);
const before = process.resourceUsage().maxRSS;
const lessons = [];
for (let i = 0; i < sources.length; i += Number(every)) {
  const target = corrected(translations[i]);
  if (!target) continue;
  const start = performance.now();
  const cpu = process.cpuUsage();
  const { learned, steps, undo } = await translator.learn([{ source: sources[i], target }], { keep: kept });
  const { user, system } = process.cpuUsage(cpu);
  lessons.push({ learned, steps, cpuMs: (user + system) / 1000, ms: performance.now() - start });
  await undo();
  await translator.translate(sources[i]);
}
console.log(JSON.stringify({ lessons, addedBytes: 1024 * (process.resourceUsage().maxRSS - before) }));
translator.destroy();
