// The child's side of the line protocol: a request and an answer are one line of JSON each. An answer tells the
// milliseconds of processor time that it took: other processes slow an engine down, but do not lengthen those.

import { createInterface } from "node:readline";

// Engines print what they like; only answers go to the standard output.
console.log = console.error;

/** Every memory that a WebAssembly module of this process has made, however it was instantiated. */
const memories = new Set();
for (const name of /** @type {const} */ (["instantiate", "instantiateStreaming"])) {
  const original = /** @type {(...args: any[]) => Promise<any>} */ (WebAssembly[name]);
  Object.assign(WebAssembly, {
    [name]: async (/** @type {any[]} */ ...args) => {
      const made = await original.apply(WebAssembly, args);
      const exports = (made.instance ?? made).exports ?? {};
      const imports = Object.values(args[1] ?? {}).flatMap((group) => Object.values(group));
      for (const value of [...Object.values(exports), ...imports])
        if (value instanceof WebAssembly.Memory) memories.add(value);
      return made;
    },
  });
}

/** Bytes: of all WebAssembly memories, of the process now, and of the process at its largest. */
export function memory() {
  const wasm = [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  return { wasm, resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 };
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<{ ms: number, cpu: number, value: T }>} `cpu`: of the processor, in milliseconds
 */
export async function timed(work) {
  const before = process.cpuUsage();
  const start = performance.now();
  const value = await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { ms, cpu: (user + system) / 1000, value };
}

/**
 * Answers requests until the standard input ends.
 * @param {Record<string, (options: any) => unknown>} verbs
 */
export async function serve(verbs) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { verb, options } = JSON.parse(line);
    let answer;
    try {
      if (!verbs[verb]) throw new Error(`it does not do "${verb}"`);
      const before = process.cpuUsage();
      const value = await verbs[verb](options);
      const { user, system } = process.cpuUsage(before);
      answer = { value, cpu: (user + system) / 1000 };
    } catch (error) {
      answer = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}
