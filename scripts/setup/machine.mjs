import { readFileSync } from "node:fs";
import { SetupError } from "./messages.mjs";
import { output } from "./processes.mjs";

/** libmlx's wheels exist for Linux with glibc 2.35 or newer (x64, arm64) and for macOS 14 or newer on Apple Silicon. */
export function checkPlatform() {
  const machine = `${process.platform}-${process.arch}`;
  if (!["linux-x64", "linux-arm64", "darwin-arm64"].includes(machine)) throw new SetupError("platform", { machine });
  if (process.platform === "darwin") {
    const found = (output("sw_vers", ["-productVersion"]) ?? "").trim();
    if (found !== "" && Number.parseInt(found, 10) < 14) throw new SetupError("macos", { found });
    return;
  }
  process.report.excludeNetwork = true;
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  const [major = 0, minor = 0] = (glibc ?? "").split(".").map(Number);
  if (major < 2 || (major === 2 && minor < 35)) throw new SetupError("glibc", { found: glibc ?? "musl" });
}

/** Which libmlx to take: `CYGNET_MLX` if set, otherwise by the NVIDIA driver found. */
export function mlxVariant() {
  if (process.platform === "darwin") return "metal";
  const asked = process.env.CYGNET_MLX;
  if (asked) {
    const variants = { cpu: "cpu", cuda12: "cuda-12", cuda13: "cuda-13" };
    if (!(asked in variants)) throw new SetupError("variant", { asked });
    return variants[asked];
  }
  const driver = nvidiaDriver();
  if (driver >= 580) return "cuda-13";
  return driver >= 550 ? "cuda-12" : "cpu";
}

/** The major version of the NVIDIA kernel driver, 0 without one. */
function nvidiaDriver() {
  try {
    const text = readFileSync("/proc/driver/nvidia/version", "utf8");
    return Number(/Kernel Module(?: for \S+)?\s+(\d+)\./.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The C++20 compiler: `CXX`, or the first of the usual names that is g++ 11, clang 14 or newer. */
export function findCompiler() {
  const names = process.env.CXX ? [process.env.CXX] : ["c++", "g++", "g++-13", "g++-12", "g++-11", "clang++"];
  const found = [];
  for (const name of names) {
    const text = output(name, ["--version"]);
    if (text === undefined) continue;
    const clang = /clang version (\d+)/.exec(text);
    const version = Number(clang?.[1] ?? (output(name, ["-dumpversion"]) ?? "0").split(".")[0]);
    if (version >= (clang ? 14 : 11)) return name;
    found.push(`${name} ${version}`);
  }
  throw new SetupError(found.length === 0 ? "compiler" : "compiler-old", { found: found.join(", ") });
}

/** cmake 3.20 or newer with ninja or make, or undefined when one of them is missing. */
export function findBuildTools() {
  const version = /version (\d+)\.(\d+)/.exec(output("cmake", ["--version"]) ?? "");
  if (!version || Number(version[1]) * 100 + Number(version[2]) < 320) return undefined;
  if (output("ninja", ["--version"]) !== undefined) return { cmake: "cmake", generator: "Ninja" };
  if (output("make", ["--version"]) !== undefined) return { cmake: "cmake", generator: "Unix Makefiles" };
  return undefined;
}
