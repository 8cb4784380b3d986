// A clean folder with the packed package in it, the tools of those who use it, and a server with switches.

import { execFile, spawn } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const MODEL = join(ROOT, "models/en-de.gguf");

const execute = promisify(execFile);

/**
 * Runs a command; its output is in the error's message if it fails.
 * @param {string} command @param {string[]} args @param {import("node:child_process").ExecFileOptions} [options]
 * @returns {Promise<string>} stdout
 */
export async function run(command, args, options) {
  try {
    const { stdout } = await execute(command, args, { encoding: "utf8", maxBuffer: 1 << 26, ...options });
    return String(stdout);
  } catch (error) {
    const { stdout = "", stderr = "" } = /** @type {any} */ (error);
    throw new Error(`${command} ${args.join(" ")}: ${/** @type {Error} */ (error).message}\n${stdout}${stderr}`);
  }
}

/** @type {Promise<string> | undefined} */
let packed;

/** The packed project: that of GLOSSA_PACKED, which tests/run.js makes for all files of tests, else made once. */
async function pack() {
  if (process.env.GLOSSA_PACKED) return process.env.GLOSSA_PACKED;
  const folder = mkdtempSync(join(tmpdir(), "glossa-packed-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const [{ filename }] = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: ROOT }));
  return join(folder, filename);
}

/**
 * Puts the packed project into a new folder.
 * @param {string[]} [packages] from npm, to be there too: then npm installs it
 */
export async function makeConsumer(packages = []) {
  const folder = mkdtempSync(join(tmpdir(), "glossa-consumer-"));
  packed ??= pack();
  const manifest = { name: "consumer", private: true, type: "module" };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  if (packages.length) {
    const options = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["install", ...options, await packed, ...packages], { cwd: folder });
  } else {
    const place = join(folder, "node_modules/glossa");
    mkdirSync(place, { recursive: true });
    await run("tar", ["-xzf", await packed, "-C", place, "--strip-components=1"]);
  }
  return {
    folder,
    path: (/** @type {string[]} */ ...names) => join(folder, ...names),
    /** @param {string} name @param {string} content */
    write(name, content) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), content);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * A development tool that only these tests want, installed from npm into build/tools and kept there.
 * @param {string} name @param {string} version
 * @returns {Promise<string | null>} its folder; null where npm cannot get it
 */
export async function tool(name, version) {
  const folder = join(ROOT, "build/tools", `${name}-${version}`);
  const installed = join(folder, "node_modules", name);
  if (existsSync(join(installed, "package.json"))) return installed;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, allowScripts: { [name]: true } }));
  try {
    await run("npm", ["install", "--no-audit", "--no-fund", `${name}@${version}`], { cwd: folder });
    return installed;
  } catch {
    return null;
  }
}

/** A port that is free now. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts a server and waits until it answers.
 * @param {string} command @param {string[]} args @param {string} url
 * @param {import("node:child_process").SpawnOptions} options
 */
export async function startServer(command, args, url, options) {
  // a process group of its own, since such servers have children
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (/** @type {Buffer} */ text) => (output += text));
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = () => {
    try {
      process.kill(-Number(child.pid), "SIGKILL");
    } catch {
      // it has ended
    }
    return ended;
  };
  for (let wait = 0; wait < 600 && child.exitCode === null; wait++) {
    try {
      await fetch(url);
      return { url, stop, output: () => output };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  await stop();
  throw new Error(`${command} ${args.join(" ")} does not answer at ${url}\n${output}`);
}

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/**
 * Serves a folder, and the model at /model.gguf.
 * @param {string} folder
 * @param {Record<string, string>} [headers] for every answer
 * @param {Record<string, string>} [pages] by path
 * @param {{key: Buffer, cert: Buffer}} [tls] for HTTPS
 */
export async function serve(folder, headers = {}, pages = {}, tls) {
  /** @type {import("node:http").RequestListener} */
  const answer = (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    if (pages[path] !== undefined)
      return void response.writeHead(200, { "content-type": TYPES[".html"] }).end(pages[path]);
    const file = path === "/model.gguf" ? MODEL : join(folder, path);
    if (path.includes("..") || !existsSync(file) || !statSync(file).isFile())
      return void response.writeHead(path === "/favicon.ico" ? 204 : 404).end();
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-length": statSync(file).size,
    });
    createReadStream(file).pipe(response);
  };
  const server = tls ? createSecureServer(tls, answer) : createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `${tls ? "https" : "http"}://localhost:${port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Bundles entries by esbuild, each into one file, as where nothing tells it to share.
 * @param {{ folder: string, path: (name: string) => string }} consumer
 * @param {Record<string, string>} entries by the names of their files in es/dist/js
 */
export async function bundleApart(consumer, entries) {
  for (const [name, entry] of Object.entries(entries))
    await build({
      absWorkingDir: consumer.folder,
      entryPoints: { [name]: entry },
      bundle: true,
      minify: true,
      format: "esm",
      outdir: consumer.path("es/dist/js"),
      logLevel: "error",
    });
}
