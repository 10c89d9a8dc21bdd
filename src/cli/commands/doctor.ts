import { statfsSync } from "node:fs";
import { z } from "zod";
import { getLanguage, say } from "../../protocol/language.ts";
import type { Code } from "../../protocol/messages/catalogue.ts";
import { command } from "../command.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { padEnd } from "../text-width.ts";
import { version } from "../version.ts";

type Mlx =
  | {
      found: true;
      version: string;
      device: string;
      device_name: string;
      cpu_kernels: { isa: string; threads: number } | undefined;
      /** What weights stored in half precision are computed in. */
      half_dtype: string;
    }
  | { found: false; reason: string };

/** `cygnet doctor`: what a report of a problem should contain, and what is missing. */
export const doctor = command({
  config: z.object({}),
  async run(_config, ui) {
    const machine = describeMachine();
    const mlx = await describeMlx();
    const disk = freeDiskBytes();
    const languages = { messages: getLanguage(), available: ["en", "zh"] };
    const ok = mlx.found;
    ui.emit({ ok, cygnet: version(), ...machine, disk_free_bytes: disk, mlx, languages });
    ui.print(`${table(rows(machine, mlx, disk))}\n${say(ok ? "doctor/ok" : "doctor/not-ok", {})}\n`);
    return ok ? 0 : 2;
  },
});

/** Loads the addon, which is what every command that computes does first. */
async function describeMlx(): Promise<Mlx> {
  try {
    const device = await import("../../core/device.ts");
    const kernels = await import("../../core/kernels.ts");
    const name = device.defaultDevice();
    const info = device.deviceInfo(name);
    return {
      found: true,
      version: device.mlxVersion(),
      device: name,
      device_name: String(info.device_name ?? ""),
      cpu_kernels: name === "cpu" ? kernels.cpuKernels() : undefined,
      half_dtype: kernels.computeDtype("bfloat16"),
    };
  } catch (error) {
    return { found: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Bytes that a run started here can write; undefined where the system does not tell. */
function freeDiskBytes(): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(process.cwd());
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

type Row = [Extract<Code, `doctor/row-${string}`>, string];

function rows(machine: Machine, mlx: Mlx, disk: number | undefined): Row[] {
  const { system, node, cpu, memory } = machine;
  const cores = say("doctor/cores", { total: cpu.total_cores, available: cpu.available_cores });
  const list: Row[] = [
    ["doctor/row-cygnet", version()],
    ["doctor/row-system", `${system.name} (${system.kernel}, ${system.arch})`],
    ["doctor/row-node", node],
    ["doctor/row-cpu", cpu.model ? `${cpu.model}, ${cores}` : cores],
    ["doctor/row-features", cpu.features.join(" ") || "–"],
    ["doctor/row-memory", say("doctor/memory", { total: gb(memory.total_bytes), free: gb(memory.free_bytes) })],
  ];
  if (disk !== undefined) list.push(["doctor/row-disk", say("doctor/free", { free: gb(disk) })]);
  if (mlx.found) {
    list.push(["doctor/row-mlx", mlx.version]);
    list.push(["doctor/row-device", mlx.device_name ? `${mlx.device} (${mlx.device_name})` : mlx.device]);
    if (mlx.cpu_kernels) list.push(["doctor/row-kernels", say("doctor/kernels", mlx.cpu_kernels)]);
    list.push(["doctor/row-dtype", say("doctor/dtype", { dtype: mlx.half_dtype })]);
  } else {
    list.push(["doctor/row-mlx", mlx.reason]);
  }
  list.push(["doctor/row-language", `${getLanguage()} (en, zh)`]);
  return list;
}

function table(list: readonly Row[]): string {
  return list.map(([code, value]) => `${padEnd(say(code, {}), 14)}${value}\n`).join("");
}

function gb(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
