// What version 0.1 left behind goes on working: its cache, and the checkpoints that it shipped with.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Translator } from "../../src/js/index.js";

const folder = mkdtempSync(join(tmpdir(), "glossa-upgrade-"));
after(() => rmSync(folder, { recursive: true }));
const model = (/** @type {string} */ name) => new URL(`../../models/${name}.gguf`, import.meta.url);

test("a cache that version 0.1 wrote is read, without a server", async () => {
  // The name of the files and the members of the record as that version wrote them for this address.
  const url = "http://127.0.0.1:18765/en-de.gguf";
  const file = join(folder, "005a871375f456f6d625ee20c17a3576");
  copyFileSync(model("en-de"), `${file}.gguf`);
  const sha256 = createHash("sha256")
    .update(readFileSync(`${file}.gguf`))
    .digest("hex");
  const record = { url, bytes: statSync(`${file}.gguf`).size, etag: '"v1"', sha256, complete: true };
  writeFileSync(`${file}.json`, JSON.stringify(record));
  process.env.GLOSSA_CACHE = folder;
  const translator = await Translator.create({ model: url, worker: false });
  assert.equal(await translator.translate("A dog runs."), "Ein Hund rennt.");
  translator.destroy();
});

for (const [name, text] of [
  ["en-de", "A dog runs."],
  ["en-zh", "A dog runs."],
  ["zh-en", "一只狗在跑。"],
  ["lzh-zh", "鱼，我所欲也。"],
])
  test(`${name}.gguf opens, with or without the keys that came after 0.1`, async () => {
    const translator = await Translator.create({ model: readFileSync(model(name)), worker: false });
    const { sentences, translation } = await translator.explain(text);
    assert.equal(sentences.length, 1);
    assert.ok(translation.length > 2);
    translator.destroy();
  });
