// Bodies that stop coming.

/**
 * The next chunk of a body.
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {number} time milliseconds without a byte after which it is given up
 * @param {() => Error} stalled what is thrown then
 * @returns {Promise<ReadableStreamReadResult<Uint8Array>>}
 */
export async function readWithin(reader, time, stalled) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(stalled()), time);
  });
  try {
    return /** @type {ReadableStreamReadResult<Uint8Array>} */ (await Promise.race([reader.read(), late]));
  } finally {
    clearTimeout(timer);
  }
}
