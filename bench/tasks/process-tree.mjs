// What a process and its children take, seen from outside. Only where there is /proc.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const lookMs = 200;
const ticksPerSecond = 100;

/** Looks at a process, and at all children of this one, until this one ends. */
export class ProcessTree {
  #seen = new Map();
  #root;

  constructor(root) {
    this.#root = root;
    if (existsSync("/proc/self/stat")) setInterval(() => this.#look(), lookMs).unref();
  }

  /** The most bytes that the process and its children held, each at its own time; undefined where nothing can be seen. */
  get peakRss() {
    const sizes = [...this.#seen.values()].filter(({ isServer }) => isServer).map(({ peakRss }) => peakRss);
    return sizes.length > 0 ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
  }

  /** Processor time of this process and all that it started, the last look before an end standing for all. */
  get cpuSeconds() {
    if (this.#seen.size === 0) return undefined;
    const { user, system } = process.cpuUsage();
    return [...this.#seen.values()].reduce((sum, each) => sum + each.cpuSeconds, (user + system) / 1e6);
  }

  #look() {
    const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const all = new Map(processes.flatMap((pid) => stateOf(Number(pid))));
    for (const [pid, state] of all) {
      if (!isBelow(process.pid, pid, all)) continue;
      this.#seen.set(pid, { ...state, isServer: pid === this.#root || isBelow(this.#root, pid, all) });
    }
  }
}

function isBelow(root, pid, all) {
  for (let parent = all.get(pid)?.parent; parent !== undefined; parent = all.get(parent)?.parent) {
    if (parent === root) return true;
  }
  return false;
}

/** In a list that is empty when the process has ended. */
function stateOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
    const [parent, user, system] = [1, 11, 12].map((i) => Number(fields[i]));
    const peakRss = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    return [[pid, { parent, peakRss, cpuSeconds: (user + system) / ticksPerSecond }]];
  } catch {
    return [];
  }
}
