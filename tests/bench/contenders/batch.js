/**
 * Sentences of one call where the length of the output is forced. A batch of the engine is as large, and in Marian too a
 * batch runs until its longest sentence has ended.
 */
export const BATCH = 16;
