// What a process tells of itself.
import { existsSync, readFileSync } from "node:fs";

/** Bytes that this process holds (VmRSS) or held at most (VmHWM). */
export function memory(field) {
  if (existsSync("/proc/self/status")) {
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
  }
  return field === "VmRSS" ? process.memoryUsage.rss() : process.resourceUsage().maxRSS * 1024;
}

/** Processor time of this process and its threads. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
