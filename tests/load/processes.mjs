// The processor time of a workerd, from /proc.
import { readdirSync, readFileSync } from "node:fs";

function isWorkerd(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat);
    return name.startsWith("workerd") && Number(rest.split(" ")[1]) === process.pid;
  } catch {
    // It ended meanwhile.
    return false;
  }
}

/** The workerd processes that this one has started. */
export function workerdProcesses() {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && isWorkerd(pid));
}

/** What a process has used of the processors in all its threads, in µs. */
export function processorTime(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) => {
    try {
      return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      return 0;
    }
  });
  return nanoseconds.reduce((sum, time) => sum + time, 0) / 1000;
}
