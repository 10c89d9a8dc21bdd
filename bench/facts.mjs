// Machine, versions and date, for the line below the tables.
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { median } from "./markdown.mjs";

const root = resolve(import.meta.dirname, "..");

export function factsOf(runs, rounds, load) {
  const one = (name) => runs.find((run) => run[name])?.[name];
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const openblas = versionOf(join(root, ".native/openblas"), "scipy_openblas32");
  const machine = `${cpus()[0].model.trim()}, ${availableParallelism()} threads, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const others = runs.map((run) => run.others).filter((share) => share !== undefined);
  const percent = (share) => `${Math.round(100 * share)} %`;
  const list = [
    new Date().toISOString().slice(0, 10),
    `${machine}, ${process.platform}`,
    `Cygnet ${version}, Node ${process.versions.node}, MLX ${one("mlx")}${openblas && `, OpenBLAS ${openblas}`}`,
    one("torch") && `PyTorch ${one("torch")}, transformers ${one("transformers")}, PEFT ${one("peft")}`,
    one("llamaCpp") && `llama.cpp ${one("llamaCpp")}`,
    one("mlxLm") && `mlx-lm ${one("mlxLm")}, Python ${one("python")}${one("blas") ? `, ${one("blas")}` : ""}`,
    `rounds: ${rounds}, load at the start: ${load.toFixed(1)}`,
    others.length > 0 &&
      `other programs took ${percent(median(others))} of the processor in the middle run, ${percent(Math.max(...others))} in the worst`,
  ];
  return `${list.filter(Boolean).join(" · ")}.`;
}

/** The version of a wheel unpacked in `folder`, empty when it is not there. */
function versionOf(folder, wheel) {
  try {
    const info = readdirSync(folder).find((name) => name.startsWith(`${wheel}-`)) ?? "";
    return /-([\d.]+)\.dist-info$/.exec(info)?.[1] ?? "";
  } catch {
    return "";
  }
}
