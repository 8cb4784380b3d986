// WebKit, Safari's engine: WebKitGTK through its WebDriver (Debian: webkit2gtk-driver, xvfb), spoken to directly, for it
// takes three commands.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort, startServer } from "./consumer.js";

const folders = (process.env.PATH ?? "").split(delimiter);
/** @param {string} name @returns {string | undefined} */
export const onPath = (name) => folders.map((folder) => join(folder, name)).find(existsSync);
const driver = onPath("WebKitWebDriver");
const screen = onPath("Xvfb");

/** Why tests in WebKit cannot run here; false where they can. */
export const noWebKit = driver && screen && miniBrowser() ? false : "no WebKitWebDriver, Xvfb or MiniBrowser";

/** The plain browser that comes with the engine's library. */
function miniBrowser() {
  if (!existsSync("/usr/lib")) return undefined;
  const libraries = readdirSync("/usr/lib").map((name) => join("/usr/lib", name));
  const places = libraries.flatMap((folder) => ["4.1", "4.0"].map((v) => join(folder, `webkit2gtk-${v}/MiniBrowser`)));
  return places.find(existsSync);
}

/** @returns {Promise<{display: string, stop: () => void}>} a screen that nobody sees */
async function openScreen() {
  const child = spawn(String(screen), ["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [number] = await new Promise((resolve) =>
    child.stdout.once("data", (/** @type {Buffer} */ text) => resolve(String(text).split("\n"))),
  );
  return { display: `:${number}`, stop: () => child.kill() };
}

/** A script for `ask`: waits for `globalThis.done`; what comes of it as JSON, or the error. */
export const ANSWER = `const reply = arguments[0];
const wait = () => globalThis.done
  ? globalThis.done.then((result) => reply(JSON.stringify(result)), (error) => reply(error.name + ": " + error.message))
  : setTimeout(wait, 50);
wait();`;

/** Starts the browser on a screen of its own. */
export async function openWebKit() {
  const home = mkdtempSync(join(tmpdir(), "glossa-webkit-"));
  const display = await openScreen();
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    ...{ DISPLAY: display.display, HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home, XDG_RUNTIME_DIR: home },
    ...{ LIBGL_ALWAYS_SOFTWARE: "1", GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" },
  };
  const server = await startServer(String(driver), [`--port=${port}`], `${base}/status`, { env });
  /** @param {string} path @param {unknown} body */
  const command = async (path, body) => {
    const response = await fetch(`${base}/session${path}`, { method: "POST", body: JSON.stringify(body) });
    const { value } = /** @type {{value: any}} */ (await response.json());
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  const close = async () => {
    await server.stop();
    display.stop();
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const browserOptions = { binary: miniBrowser(), args: ["--automation"] };
    const timeouts = { script: 240_000 };
    const { sessionId } = await command("", {
      capabilities: {
        alwaysMatch: { "webkitgtk:browserOptions": browserOptions, acceptInsecureCerts: true, timeouts },
      },
    });
    return {
      close,
      /** @param {string} url */
      goto: (url) => command(`/${sessionId}/url`, { url }),
      /** What a script says that calls its first argument. @param {string} script */
      ask: (script) => command(`/${sessionId}/execute/async`, { script, args: [] }),
    };
  } catch (error) {
    await close();
    throw error;
  }
}
