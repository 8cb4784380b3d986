// A contender: a child process that is asked to do one thing at a time, so that engines can be measured in turn.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export class Contender {
  #child;
  /** @type {{ resolve: (value: any) => void, reject: (error: Error) => void } | null} */
  #waiting = null;
  /** @type {string[]} */
  #said = [];

  /**
   * @param {string} name for the reader
   * @param {string} command
   * @param {string[]} args
   * @param {Record<string, string>} [env]
   */
  constructor(name, command, args, env = {}) {
    this.name = name;
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#receive(line));
    createInterface({ input: this.#child.stderr }).on("line", (line) => {
      this.#said = [...this.#said.slice(-15), line];
    });
    this.#child.on("error", (error) => this.#fail(error.message));
    this.#child.on("close", (code) => this.#fail(`it ended with status ${code}\n${this.#said.join("\n")}`));
    this.#child.stdin.on("error", () => {}); // its end is reported by "close"
  }

  /** @param {string} line */
  #receive(line) {
    const waiting = this.#waiting;
    this.#waiting = null;
    const { value, error, cpu } = JSON.parse(line);
    if (error === undefined) waiting?.resolve(value?.constructor === Object ? { cpu, ...value } : value);
    else waiting?.reject(new Error(`${this.name}: ${error}`));
  }

  /** @param {string} reason */
  #fail(reason) {
    this.#waiting?.reject(new Error(`${this.name}: ${reason}`));
    this.#waiting = null;
  }

  /**
   * @param {string} verb
   * @param {Record<string, unknown>} [options]
   * @returns {Promise<any>} its value; an object has the processor time that it took as `cpu`, in milliseconds
   */
  ask(verb, options = {}) {
    return new Promise((resolve, reject) => {
      if (this.#child.exitCode !== null) return reject(new Error(`${this.name} has ended`));
      this.#waiting = { resolve, reject };
      this.#child.stdin.write(`${JSON.stringify({ verb, options })}\n`);
    });
  }

  /** Ends the process. */
  async close() {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill(), 5000);
    await ended;
    clearTimeout(timer);
  }
}
