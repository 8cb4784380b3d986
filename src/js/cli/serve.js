// `glossa serve`: the built page on localhost.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { serveFolders } from "./server.js";

/**
 * @param {object} options
 * @param {string} options.root folder to serve
 * @param {number} [options.port] 0 or absent: any free one
 * @param {string} [options.models] folder to serve as /models/
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export const serve = ({ root, port, models }) =>
  serveFolders({ mounts: { "/": root, ...(models === undefined ? {} : { "/models/": models }) }, port });

const usage = `Usage: glossa serve [--port N] [--models FOLDER] [--root FOLDER]

Serves the page on localhost until it is interrupted.
  --port N         port (default 8080; 0: any free one)
  --models FOLDER  the models that the page offers: a folder with manifest.json, which "glossa models --index" writes
                   (default: those beside the page; the npm package brings none)
  --root FOLDER    what to serve (default: the built page)
`;

/** Whether a folder has a manifest and the files of one model of it. @param {string} folder */
function hasModels(folder) {
  try {
    /** @type {import("../manifest.js").Manifest} */
    const { models } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    return models.some(({ url }) => /^https?:/.test(url) || existsSync(join(folder, url)));
  } catch {
    return false;
  }
}

/**
 * @param {string[]} argv
 * @param {{stdout: {write(text: string): unknown}, stderr: {write(text: string): unknown}, signal?: AbortSignal}} io
 * @returns {Promise<number>} exit status
 */
export async function run(argv, io) {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        port: { type: "string" },
        models: { type: "string" },
        root: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    io.stderr.write(`glossa serve: ${/** @type {Error} */ (error).message}\n${usage}`);
    return 2;
  }
  if (values.help) {
    io.stdout.write(usage);
    return 0;
  }
  const port = Number(values.port ?? 8080);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    io.stderr.write(`glossa serve: --port ${values.port} is not a port (0 to 65535)\n`);
    return 2;
  }
  const root = values.root ?? fileURLToPath(new URL("../../../dist/site", import.meta.url));
  if (!existsSync(join(root, "index.html"))) {
    io.stderr.write(`glossa serve: there is no page in ${root}; "npm run build" makes it\n`);
    return 1;
  }
  if (values.models !== undefined && !hasModels(values.models)) {
    io.stderr.write(
      `glossa serve: ${values.models} has no manifest.json with a model; "glossa models --index ${values.models}" makes it\n`,
    );
    return 1;
  }
  if (values.root === undefined && values.models === undefined && !hasModels(join(root, "models")))
    io.stderr.write("glossa serve: there is no model beside the page: name a folder by --models, or open one there\n");
  let server;
  try {
    server = await serve({ root, port, models: values.models });
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    const what = code === "EADDRINUSE" ? `port ${port} is in use; choose one with --port` : message;
    io.stderr.write(`glossa serve: ${what}\n`);
    return 1;
  }
  io.stdout.write(`${server.url}\n`);
  await new Promise((resolve) => {
    const stop = () => resolve(undefined);
    if (io.signal) io.signal.addEventListener("abort", stop, { once: true });
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  });
  await server.close();
  return 0;
}
