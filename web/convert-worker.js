// Turns a dropped model folder into a checkpoint, away from the page's thread.

import { convertToBlob } from "../src/js/convert/index.js";

self.onmessage = async (/** @type {MessageEvent<File[]>} */ event) => {
  try {
    const files = event.data.map((file) => /** @type {[string, File]} */ ([file.name, file]));
    self.postMessage(await convertToBlob(files));
  } catch (error) {
    self.postMessage({ problem: error instanceof Error ? error.message : String(error) });
  }
};
