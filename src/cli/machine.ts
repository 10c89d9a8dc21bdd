import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, freemem, release, type as systemType, totalmem } from "node:os";

export interface Machine {
  system: { name: string; kernel: string; arch: string };
  node: string;
  cpu: { model: string; total_cores: number; available_cores: number; features: string[] };
  memory: { total_bytes: number; free_bytes: number };
}

/** What of the processor decides how fast matrix products are. */
const x86Features = ["avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"];
const armFeatures = ["asimd", "asimddp", "fphp", "bf16", "i8mm", "sve", "sme"];
const appleFeatures = ["FEAT_DotProd", "FEAT_FP16", "FEAT_BF16", "FEAT_I8MM", "FEAT_SME"];

export function describeMachine(): Machine {
  const processors = cpus();
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  return {
    system: { name: systemName(), kernel: `${systemType()} ${release()}`, arch: arch() },
    node: process.versions.node,
    cpu: {
      model: processors[0]?.model.trim() ?? "",
      total_cores: processors.length,
      available_cores: availableParallelism(),
      features: cpuFeatures(),
    },
    memory: { total_bytes: total, free_bytes: Math.min(total, availableMemory()) },
  };
}

function systemName(): string {
  if (process.platform === "darwin") return `macOS ${outputOf("sw_vers", ["-productVersion"])}`;
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(textOf("/etc/os-release"))?.[1] ?? systemType();
}

function cpuFeatures(): string[] {
  if (process.platform === "darwin") {
    return appleFeatures.filter((name) => outputOf("sysctl", ["-n", `hw.optional.arm.${name}`]) === "1");
  }
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(textOf("/proc/cpuinfo"))?.[1]?.split(" ") ?? [];
  return (process.arch === "x64" ? x86Features : armFeatures).filter((name) => flags.includes(name));
}

/** On Linux, what a program can take without swapping: the page cache counts as free. */
function availableMemory(): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(textOf("/proc/meminfo"))?.[1];
  return kilobytes ? Number(kilobytes) * 1024 : freemem();
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // another system: the fact is left out
  }
}

function outputOf(program: string, args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}
