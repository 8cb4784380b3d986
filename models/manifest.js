// Writes manifest.json: what Translator.create() finds by languages. Run it after a model came, went or changed:
//
//     node models/manifest.js
import { fileURLToPath } from "node:url";
import { writeManifest } from "../src/js/cli/models.js";

console.log(await writeManifest(fileURLToPath(new URL("./", import.meta.url))));
