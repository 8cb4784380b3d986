// In the place of cache-folder.js in parts that are loaded on demand: the folder of the package itself, which lends it in
// Node. In browsers there is none.

import { shelved } from "../chunks.js";

/** @typedef {typeof import("../cache-folder.js")} Folder */

const lent = () => /** @type {Folder} */ (shelved("folder"));

/** @type {import("../cache-entry.js").Store} */
export const folderStore = {
  open: (url) => lent().folderStore.open(url),
  list: () => lent().folderStore.list(),
};

/** @type {Folder["folderDocuments"]} */
export const folderDocuments = {
  read: (key) => lent().folderDocuments.read(key),
  write: (key, text) => lent().folderDocuments.write(key, text),
};

export const cacheFolder = () => lent().cacheFolder();
