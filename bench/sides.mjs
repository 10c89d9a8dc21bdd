// What is raced: Cygnet and its rivals, each in one or more forms of the weights.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { forms, ggufFile, modelFolder } from "./models.mjs";

const root = resolve(import.meta.dirname, "..");
const tasks = join(import.meta.dirname, "tasks");

/** Clients that a server has to answer together, and the tokens that each may take of a server that reserves them. */
const mostClients = 50;
const contextOfClient = 512;

/**
 * `form`: how the weights are stored. `exact`: computes in float32, so losses and tokens must equal those of the others.
 * `main`: runs in every round; the others are not run again after a long run. `slow`: takes minutes where the others take
 * seconds. `place`: the files of a task of that kind.
 * @typedef {{
 *   name: string, title: string, form: string, kinds: string[], exact?: boolean, main?: boolean, slow?: boolean,
 *   program: string, script: string, env: object, place: (model: string, kind: string) => object,
 * }} Side
 */

/** The sides that can run here, and for each rival that cannot, how to install it. */
export function findSides({ quick }) {
  const found = [findPyTorch(), findLlamaCpp(), findMlxLm({ quick })];
  return { sides: [...cygnet(), ...found.flatMap(({ sides }) => sides)], notes: found.flatMap(({ notes }) => notes) };
}

function cygnet() {
  const side = { program: process.execPath, script: join(tasks, "ours.mjs"), env: {}, main: true };
  const sideOf = (form, title, more) => ({
    ...{ ...side, name: `ours-${form}`, title: `Cygnet ${title}`, form, place: placeIn(form, serverOf), ...more },
  });
  const serverOf = (folder) => ({
    program: process.execPath,
    parameters: [join(root, "bin/cygnet.mjs"), "serve", "--model", folder],
    facts: [process.execPath, side.script],
  });
  return [
    sideOf("f32", "f32", { kinds: ["train", "generate", "rows", "serve"], exact: true, main: false }),
    sideOf("bf16", "bf16", { kinds: ["train", "generate", "rows", "load", "serve"] }),
    sideOf("8bit", "8-bit", { kinds: ["generate", "convert"] }),
    sideOf("4bit", "4-bit", { kinds: ["train", "generate", "rows", "load", "convert"] }),
  ];
}

function findPyTorch() {
  const python = process.env.CYGNET_BENCH_TORCH;
  if (!python || !canImport(python, "torch, transformers, peft")) {
    return absent(
      "PyTorch + PEFT: python3 -m venv .bench/torch && .bench/torch/bin/pip install torch transformers peft gguf, then CYGNET_BENCH_TORCH=.bench/torch/bin/python",
    );
  }
  const side = { program: python, script: join(tasks, "pytorch.py"), env: {}, kinds: ["train", "generate"] };
  const sideOf = (form, more) => ({
    ...{ ...side, name: `torch-${form}`, title: `PyTorch + PEFT ${form}`, form },
    ...{ place: placeIn(form), ...more },
  });
  return present([sideOf("bf16", { main: true }), sideOf("f32", { exact: true })]);
}

function findLlamaCpp() {
  const folder = process.env.CYGNET_BENCH_LLAMA;
  const python = process.env.CYGNET_BENCH_TORCH;
  const isThere = ["llama-bench", "llama-quantize"].every((name) => folder && existsSync(join(folder, name)));
  if (!isThere || !python || !canImport(python, "gguf")) {
    return absent(
      "llama.cpp: build llama-bench and llama-quantize with cmake (bench/README.md) and name their folder in CYGNET_BENCH_LLAMA; the Python of CYGNET_BENCH_TORCH writes its models, with the package gguf",
    );
  }
  const sideOf = (type, kinds) => ({
    ...{ name: `llama-${type}`, title: `llama.cpp ${type}`, form: type, kinds, main: true },
    ...{ program: process.execPath, script: join(tasks, "llama.mjs"), env: {} },
    writer: { python, quantize: join(folder, "llama-quantize") },
    place: (model, kind) => ({
      programs: resolve(folder),
      ...(kind === "convert"
        ? { source: ggufFile(model, "F16"), target: convertedPath(`${model}-${type}.gguf`), type }
        : { model: ggufFile(model, type) }),
      ...(kind === "serve" && { tokenizer: modelFolder(model, "f32"), server: llamaServer(folder, model, type) }),
    }),
  });
  const kindsOf = { "llama-batched-bench": "rows", "llama-server": "serve" };
  const missing = Object.keys(kindsOf).filter((name) => !existsSync(join(folder, name)));
  const [rows, serve] = Object.entries(kindsOf).map(([name, kind]) => (missing.includes(name) ? [] : [kind]));
  const sides = [
    sideOf("F16", ["generate", "load", ...rows, ...serve]),
    sideOf("Q8_0", ["generate", "convert"]),
    sideOf("Q4_0", ["generate", "load", "convert", ...rows]),
    sideOf("Q4_K_M", ["generate"]),
  ];
  return { sides, notes: missing.map((name) => `not here: llama.cpp in the task ${kindsOf[name]}: build ${name} too`) };
}

function llamaServer(folder, model, type) {
  const slots = ["-np", `${mostClients}`, "-c", `${mostClients * contextOfClient}`];
  return {
    program: join(folder, "llama-server"),
    parameters: ["-m", ggufFile(model, type), ...slots, "-t", `${availableParallelism()}`],
    facts: [process.execPath, join(tasks, "llama.mjs")],
  };
}

function findMlxLm({ quick }) {
  const python = process.env.CYGNET_BENCH_PYTHON ?? "python3";
  if (!canImport(python, "mlx_lm")) {
    return absent(
      'mlx-lm: python3 -m venv .bench/python && .bench/python/bin/pip install "mlx[cpu]==0.32.4" mlx-lm==0.32.2 rich, then CYGNET_BENCH_PYTHON=.bench/python/bin/python',
    );
  }
  const side = { program: python, script: join(tasks, "mlx-lm.py"), env: {} };
  const sideOf = (name, form, title, more) => ({
    ...{ ...side, name, form, title: `mlx-lm ${title}`, ...more },
    place: placeIn(form, (folder) => serverOf(folder, more.env)),
  });
  // As many at a time as Cygnet and llama.cpp take: its default is 32.
  const serverOf = (folder, env) => ({
    program: python,
    parameters: ["-m", "mlx_lm", "server", "--model", folder, "--decode-concurrency", `${mostClients}`],
    env,
    facts: [python, side.script],
  });
  const exact = { kinds: ["train", "generate", "rows", "serve"], exact: true };
  const bf16 = { kinds: ["train", "generate", "rows", "load", "serve"] };
  const fourBit = { kinds: ["generate", "rows", "load", "convert"] };
  // Only the Linux wheel carries a slow BLAS, and slow half-precision and packed products.
  if (process.platform !== "linux")
    return present([
      sideOf("mlx-f32", "f32", "f32", exact),
      sideOf("mlx-bf16", "bf16", "bf16", bf16),
      sideOf("mlx-8bit", "8bit", "8-bit", { kinds: ["generate", "convert"] }),
      sideOf("mlx-4bit", "4bit", "4-bit", fourBit),
    ]);
  const slow = quick
    ? []
    : [
        sideOf("shipped-bf16", "bf16", "as shipped bf16", { ...bf16, slow: true }),
        sideOf("shipped-8bit", "8bit", "as shipped 8-bit", { kinds: ["convert"], slow: true }),
        sideOf("shipped-4bit", "4bit", "as shipped 4-bit", { ...fourBit, slow: true }),
      ];
  const library = findOpenBlas();
  if (!library) {
    const note =
      "mlx-lm with OpenBLAS: install libopenblas0-pthread and name its libopenblas.so.0 in CYGNET_BENCH_OPENBLAS";
    return { sides: slow, notes: [note] };
  }
  // libgfortran lies one folder above, where Debian's packages were unpacked rather than installed.
  const env = { LD_PRELOAD: library, LD_LIBRARY_PATH: dirname(dirname(library)) };
  return present([sideOf("openblas-f32", "f32", "+ OpenBLAS f32", { ...exact, env }), ...slow]);
}

/** The model in this form, what makes it of bfloat16, or what serves it. */
function placeIn(form, serverOf) {
  return (model, kind) => {
    const folder = modelFolder(model, form);
    if (kind === "convert") {
      return { source: modelFolder(model, "bf16"), target: convertedPath(`${model}-${form}`), bits: forms[form].bits };
    }
    if (kind === "serve") return { tokenizer: folder, server: serverOf(folder) };
    return { model: folder, dtype: forms[form].dtype };
  };
}

/** Where copies are written that are not kept. */
function convertedPath(name) {
  return join(root, ".bench/converted", name);
}

function canImport(python, modules) {
  return spawnSync(python, ["-c", `import ${modules}`]).status === 0;
}

function present(sides) {
  return { sides, notes: [] };
}

function absent(note) {
  return { sides: [], notes: [`not here: ${note}`] };
}

/** Debian's OpenBLAS: the one named, the one unpacked before, or one fetched and unpacked now. */
function findOpenBlas() {
  if (process.env.CYGNET_BENCH_OPENBLAS) return process.env.CYGNET_BENCH_OPENBLAS;
  const folder = join(root, ".bench/openblas");
  if (!existsSync(join(folder, "usr"))) unpackOpenBlas(folder);
  const found = readdirSync(folder, { recursive: true }).find((path) => path.endsWith("pthread/libopenblas.so.0"));
  return found && join(folder, found);
}

function unpackOpenBlas(folder) {
  mkdirSync(folder, { recursive: true });
  const packages = ["libopenblas0-pthread", "libgfortran5"];
  spawnSync("apt-get", ["download", ...packages], { cwd: folder });
  for (const file of readdirSync(folder)) spawnSync("dpkg", ["-x", file, "."], { cwd: folder });
}
