// Many texts for several engines.

/** Texts that one message to an engine carries at most. */
const MESSAGE_TEXTS = 64;

/**
 * Works through many items in groups, a group more at a time than there are workers, so that none of them waits. Items of
 * like length go together, for a batch takes as long as the longest sentence in it.
 * @param {number[]} lengths of the items
 * @param {number} workers
 * @param {(indices: number[], failed: AbortSignal) => Promise<void>} work `failed`: aborted when another group fails
 */
export async function inGroups(lengths, workers, work) {
  const order = Array.from(lengths.keys()).sort((a, b) => lengths[b] - lengths[a]);
  const failed = new AbortController();
  let next = 0;
  const lane = async () => {
    while (next < order.length) {
      const indices = order.slice(next, next + MESSAGE_TEXTS);
      next += MESSAGE_TEXTS;
      await work(indices, failed.signal);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, workers) + 1 }, lane));
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}
