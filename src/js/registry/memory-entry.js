// An entry of no cache: where nothing may be kept, a model lies in memory while it is made.

/**
 * @returns {import("../cache-entry.js").CacheEntry}
 */
export function memoryEntry() {
  /** @type {Blob[]} */
  let parts = [];
  /** @type {import("../cache-entry.js").CacheEntry} */
  const entry = {
    record: null,
    async *read() {
      for (const part of parts) yield new Uint8Array(await part.arrayBuffer());
    },
    content: async () => new Blob(parts),
    async append(chunk) {
      parts.push(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (chunk)]));
    },
    async save(record) {
      entry.record = record;
    },
    async note(record) {
      entry.record = record;
    },
    async remove() {
      parts = [];
      entry.record = null;
    },
    claim: async () => true,
    close: async () => {},
  };
  return entry;
}
