// What a trace of Chromium says of the page's main thread.

/**
 * Tasks of the page's main thread, in milliseconds: CPU time, and time in all, which other programs lengthen.
 * @param {{traceEvents: {name: string, pid: number, tid: number, dur?: number, tdur?: number, args: {name?: string}}[]}} trace
 */
export function mainThreadTasks({ traceEvents }) {
  const main = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const threads = new Set(main.map(({ pid, tid }) => `${pid}:${tid}`));
  return traceEvents
    .filter(({ name, pid, tid, tdur }) => /RunTask$/.test(name) && tdur && threads.has(`${pid}:${tid}`))
    .map(({ dur = 0, tdur = 0 }) => ({ cpu: tdur / 1000, wall: dur / 1000 }));
}

/** The one that took most CPU time. @param {ReturnType<typeof mainThreadTasks>} tasks */
export const longestOf = (tasks) => tasks.reduce((a, b) => (b.cpu > a.cpu ? b : a), { cpu: 0, wall: 0 });
