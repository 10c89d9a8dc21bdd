// One measurement of Cygnet in a process of its own: the task is the JSON of the first argument, the result one line of
// JSON. mlx-lm.py and pytorch.py do the same with those, step for step.
import { mlxVersion } from "../../dist/core/device.js";
import { peakMemory } from "../../dist/core/memory.js";
import { cpuSeconds, memory } from "./process.mjs";

const task = JSON.parse(process.argv[2]);
// Only what the task needs: imports are part of the time to a first token.
const { measure } = await import(`./ours/${task.kind}.mjs`);
const importedRss = memory("VmRSS");
const measured = await measure(task);
const facts = { mlx: mlxVersion(), peakMemory: peakMemory(), importedRss, peakRss: memory("VmHWM") };
process.stdout.write(`${JSON.stringify({ ...facts, ...measured, cpuSeconds: cpuSeconds() })}\n`);
