// Where attention should look, for tasks whose answer is made of the source's own characters.

/**
 * Columns of the source that hold what a row of the target needs; empty where the task has no such rule.
 * @param {import("./settings.js").Task} task
 * @param {string[]} source characters, without the end
 * @param {string[]} target
 * @param {number} row
 * @returns {number[]}
 */
export function rightColumns(task, source, target, row) {
  if (row >= target.length) return [];
  if (task === "copy") return [row];
  if (task === "reverse") return [source.length - 1 - row];
  if (task !== "sort") return [];
  return source.flatMap((one, at) => (one === target[row] ? [at] : []));
}

/** @param {import("./settings.js").Task} task */
export const hasRule = (task) => task === "copy" || task === "reverse" || task === "sort";

/**
 * The mean weight on the right columns, for each head.
 * @param {import("./settings.js").Task} task
 * @param {{source: string[], target: string[], heads: number, data: ArrayLike<number>, most: number}} map tokens with the
 *     end of each; data (heads, target, source), `most` standing for 1
 * @returns {number[]}
 */
export function rightWeights(task, { source, target, heads, data, most }) {
  const [rows, columns] = [target.length, source.length];
  const [from, to] = [source.slice(0, -1), target.slice(0, -1)];
  return Array.from({ length: heads }, (_, head) => {
    let sum = 0;
    for (let row = 0; row < to.length; row++)
      for (const column of rightColumns(task, from, to, row)) sum += data[(head * rows + row) * columns + column];
    return sum / most / Math.max(1, to.length);
  });
}
