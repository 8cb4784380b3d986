// The C library as installed: found by CMake and by pkg-config, its example compiled against it and run.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const model = join(root, "models/en-de.gguf");
const built = existsSync(join(root, "build/native/libglossa.a")) ? false : "build/native is not built";

/** @param {string} command @param {string[]} args @param {object} [options] */
const run = (command, args, options) => execFileSync(command, args, { encoding: "utf8", stdio: "pipe", ...options });

describe("the installed C library", { skip: built }, () => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-c-"));
  const prefix = join(folder, "prefix");
  const example = join(root, "src/cli/example.c");

  before(() => run("cmake", ["--install", join(root, "build/native"), "--prefix", prefix]));
  after(() => rmSync(folder, { recursive: true }));

  /** @param {string} program */
  function check(program) {
    assert.throws(
      () => run(program, [example, "A dog runs."]),
      (/** @type {any} */ error) => error.status === 1 && /not a GGUF checkpoint/.test(error.stderr),
    );
    if (!existsSync(model)) return;
    const [sentence, ...tokens] = run(program, [model, "A dog runs."]).trimEnd().split("\n");
    assert.match(sentence, /Hund/);
    assert.equal(tokens.map((line) => line.slice(10)).join(""), sentence);
  }

  test("find_package gives a target that links", () => {
    const source = join(folder, "consumer");
    run("mkdir", [source]);
    writeFileSync(
      join(source, "CMakeLists.txt"),
      `cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C)
find_package(glossa 0.1 REQUIRED)
add_executable(example ${example})
target_link_libraries(example PRIVATE glossa::glossa)
`,
    );
    const build = join(folder, "build");
    run("cmake", ["-G", "Ninja", "-S", source, "-B", build, `-DCMAKE_PREFIX_PATH=${prefix}`]);
    run("cmake", ["--build", build]);
    check(join(build, "example"));
  });

  test("pkg-config gives flags that compile and link", () => {
    const pc = readPkgConfig();
    const program = join(folder, "example");
    run("cc", ["-std=c11", "-Wall", "-Wextra", "-Werror", example, ...pc, "-o", program]);
    check(program);
  });

  test("a C++ program can include the header", () => {
    const source = join(folder, "version.cc");
    writeFileSync(source, "#include <glossa.h>\nint main() { return glossa_version()[0] == 0; }\n");
    run("clang++-19", [
      "-std=c++17",
      "-Wall",
      "-Wextra",
      "-Wpedantic",
      "-Werror",
      "-fsyntax-only",
      `-I${prefix}/include`,
      source,
    ]);
  });

  function readPkgConfig() {
    const [pc] = run("find", [prefix, "-name", "glossa.pc"]).trim().split("\n");
    assert.ok(pc, "glossa.pc is installed");
    const env = { ...process.env, PKG_CONFIG_PATH: join(pc, "..") };
    // pkg-config moves the prefix to where the file lies, so that an installed tree can be moved
    return run("pkg-config", ["--define-prefix", "--cflags", "--libs", "glossa"], { env }).trim().split(/\s+/);
  }
});
