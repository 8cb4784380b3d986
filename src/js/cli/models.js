// `glossa models`: what the cache of downloaded models holds.

import { modelCache } from "../index.js";
import { parse, withUsage } from "./arguments.js";

const usage = `Usage: glossa models [--delete URL | --clear]

Lists the downloaded models, or deletes one or all of them.
`;

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("models", usage, io, async () => {
    const { values } = parse({
      args: argv,
      options: {
        delete: { type: "string" },
        clear: { type: "boolean", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) io.stdout.write(usage);
    else if (values.clear) await modelCache.clear();
    else if (values.delete !== undefined) {
      if (!(await modelCache.delete(values.delete))) throw new Error(`there is no ${values.delete} in the cache`);
    } else {
      for (const { url, bytes, complete } of await modelCache.list())
        io.stdout.write(
          `${(bytes / 1e6).toFixed(1).padStart(8)} MB  ${complete ? "complete  " : "incomplete"}  ${url}\n`,
        );
    }
    return 0;
  });
}
