// A multilingual MarianMT folder, converted and run with each of its target languages, against the transformers library
// (tests/golden/marianmt), where the language's token stands before the text.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { convertToBlob } from "../../src/js/convert/index.js";
import { Translator } from "../../src/js/index.js";
import { multilingualFolder } from "./marianmt-folder.js";

const { multilingual, length } = JSON.parse(
  readFileSync(new URL("../golden/marianmt/reference.json", import.meta.url), "utf8"),
);
/** @type {Record<string, string>} */
const LANGUAGES = { ">>deu<<": "de", ">>nob<<": "nb", ">>zh_Hans<<": "zh-Hans" };
const cases = multilingual.map((/** @type {any} */ { text, ...rest }) => {
  const [token] = text.split(" ", 1);
  return { ...rest, text: text.slice(token.length + 1), targetLanguage: LANGUAGES[token] };
});

const { blob } = await convertToBlob(Object.entries(multilingualFolder()), { type: "f32" });
const model = await blob.arrayBuffer();
/** @type {import("../../src/js/types.js").TranslateOptions} */
const OPTIONS = { split: false, preserve: false, search: "huggingface", maxLength: length - 1 };
const folder = mkdtempSync(join(tmpdir(), "glossa-multilingual-"));
after(() => rmSync(folder, { recursive: true }));

/** @param {Partial<import("../../src/js/types.js").CreateOptions>} [options] */
const create = (options) => Translator.create({ model, worker: false, ...options });

for (const [source, target] of Object.entries(LANGUAGES))
  test(`${source}: source tokens, target tokens and text`, async () => {
    const translator = await create({ sourceLanguage: "en", targetLanguage: target });
    assert.equal(translator.info.model.targetLanguage, target);
    assert.deepEqual(translator.info.model.targetLanguages, Object.values(LANGUAGES));
    const own = cases.filter((/** @type {any} */ { targetLanguage }) => targetLanguage === target);
    assert.equal(own.length, 4);
    for (const { text, source_ids, greedy, decoded } of own) {
      const { sentences } = await translator.explain(text, OPTIONS);
      const [{ sourceTokens, targetTokens, alignment, cross }] = sentences;
      assert.deepEqual(
        sourceTokens.map(({ id }) => id),
        source_ids,
      );
      assert.deepEqual(
        targetTokens.map(({ id }) => id),
        greedy,
      );
      const { piece, start, end } = sourceTokens[0];
      assert.deepEqual([piece, start, end], [source, 0, 0], "a source token that stands for no text");
      assert.equal(cross.cols, source_ids.length);
      for (const link of alignment) assert.ok(link.source[1] > link.source[0]);
      assert.equal((await translator.translate(text, OPTIONS)).trim(), decoded.trim());
      assert.equal(await translator.countTokens(text), source_ids.length, "the quota counts it");
    }
    assert.deepEqual(
      (await translator.translateBatch([own[0].text, " ", own[1].text], OPTIONS)).map((text) => text.trim()),
      [own[0].decoded.trim(), "", own[1].decoded.trim()],
    );
    translator.destroy();
  });

test("languages match in every spelling; without one, the model's first; one it lacks is an error that lists them", async () => {
  for (const [asked, chosen] of /** @type {[string | undefined, string][]} */ ([
    ["de-AT", "de"],
    ["zh", "zh-Hans"],
    ["zh-CN", "zh-Hans"],
    [undefined, "de"],
  ])) {
    const translator = await create(asked ? { sourceLanguage: "en", targetLanguage: asked } : {});
    assert.equal(translator.info.model.targetLanguage, chosen);
    assert.equal(translator.targetLanguage, asked ?? chosen);
    const { text, decoded } = cases.find((/** @type {any} */ one) => one.targetLanguage === chosen);
    assert.equal((await translator.translate(text, OPTIONS)).trim(), decoded.trim());
    translator.destroy();
  }
  for (const worker of [false, true])
    for (const targetLanguage of ["fr", "zh-TW"])
      await assert.rejects(create({ sourceLanguage: "en", targetLanguage, worker }), {
        name: "NotSupportedError",
        message: new RegExp(`from en to de, nb, zh-Hans, not from en to ${targetLanguage}`),
      });
  await assert.rejects(create({ sourceLanguage: "fr", targetLanguage: "de" }), { name: "NotSupportedError" });
});

test("a model converted for one language only is used for it", async () => {
  const { blob: one } = await convertToBlob(Object.entries(multilingualFolder()), { type: "f32", target: ["nb"] });
  const translator = await Translator.create({ model: await one.arrayBuffer(), worker: false });
  const { text, decoded } = cases.find((/** @type {any} */ { targetLanguage }) => targetLanguage === "nb");
  assert.equal((await translator.translate(text, OPTIONS)).trim(), decoded.trim());
  translator.destroy();
});

test("a manifest lists its languages, and glossa translate --target takes them", async () => {
  const file = join(folder, "mul.gguf");
  writeFileSync(file, new Uint8Array(model));
  const bytes = model.byteLength;
  /** @type {import("../../src/js/manifest.js").Manifest} */
  const manifest = {
    version: 1,
    models: [{ id: "en-mul", source: "en", target: ["de", "nb", "zh-Hans"], url: file, bytes, sha256: "" }],
  };
  const { text, decoded } = cases.find((/** @type {any} */ { targetLanguage }) => targetLanguage === "nb");
  assert.equal(await Translator.availability({ sourceLanguage: "en", targetLanguage: "nb", manifest }), "available");
  assert.equal(await Translator.availability({ sourceLanguage: "en", targetLanguage: "fr", manifest }), "unavailable");
  const translator = await Translator.create({ sourceLanguage: "en", targetLanguage: "nb", manifest, worker: false });
  assert.equal((await translator.translate(text, OPTIONS)).trim(), decoded.trim());
  translator.destroy();

  const command = fileURLToPath(new URL("../../src/js/cli/glossa.js", import.meta.url));
  const run = promisify(execFile)(process.execPath, [
    command,
    "explain",
    "-m",
    file,
    "--source",
    "en",
    "--target",
    "nb",
    text,
  ]);
  assert.match((await run).stdout, /^source: >>nob<< /m);
  await assert.rejects(
    promisify(execFile)(process.execPath, [command, "translate", "-m", file, "--source", "en", "--target", "fr"]),
    { code: 1, stderr: /de, nb, zh-Hans/ },
  );
});

test("broken language tokens are refused by name", async () => {
  const bytes = Buffer.from(model);
  const key = bytes.indexOf("glossa.target_language_tokens");
  const at = key + "glossa.target_language_tokens".length + 4 + 4; // type, element type
  for (const [offset, value, message] of /** @type {[number, number, RegExp][]} */ ([
    [8, 30, /'glossa\.target_language_tokens' element 0 is 30, beyond the vocabulary of 30/],
    [12, -2, /element 1 is -2/],
  ])) {
    const broken = Buffer.from(bytes);
    broken.writeInt32LE(value, at + offset);
    await assert.rejects(create({ model: broken }), { name: "DataError", message });
  }
});
