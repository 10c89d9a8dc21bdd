// Writes the models that the sides need and that are not there yet.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { configs, forms, ggufFile, isWritten, modelFolder } from "./models.mjs";
import { writeTokenizer } from "./words.mjs";

/** @throws Error when one cannot be written. */
export function prepare(model, sides, tell) {
  // All other forms are made from float32; bfloat16 is what the bench converts.
  const needed = sides.flatMap(({ form, kinds }) => (kinds.includes("convert") ? ["bf16", form] : [form]));
  for (const form of new Set(["f32", ...needed])) {
    if (form in forms) {
      if (!isWritten(model, form)) writeForm(model, form, tell);
      writeTokenizer(modelFolder(model, form), configs[model].vocab_size);
    } else if (!existsSync(ggufFile(model, form))) {
      const { python, quantize } = sides.find((side) => side.form === form).writer;
      if (!existsSync(ggufFile(model, "F16"))) writeGguf(model, python, tell);
      if (form !== "F16") quantizeGguf(model, form, quantize, tell);
    }
  }
}

function writeForm(model, form, tell) {
  tell(`writing ${model} in ${form} with random weights`);
  run(process.execPath, [join(import.meta.dirname, "models.mjs"), model, form]);
}

function writeGguf(model, python, tell) {
  tell(`writing ${model} as GGUF`);
  const script = join(import.meta.dirname, "tasks/write-gguf.py");
  throughPartial(ggufFile(model, "F16"), (file) => run(python, [script, modelFolder(model, "f32"), file]));
}

function quantizeGguf(model, type, quantize, tell) {
  tell(`writing ${model} as GGUF in ${type}`);
  throughPartial(ggufFile(model, type), (file) => run(quantize, [ggufFile(model, "F16"), file, type]));
}

/** Writes beside and renames, so that a stopped run leaves no half file. */
function throughPartial(file, write) {
  mkdirSync(dirname(file), { recursive: true });
  write(`${file}.partial`);
  renameSync(`${file}.partial`, file);
}

function run(program, parameters) {
  const { status, stderr } = spawnSync(program, parameters, { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${program} ${parameters.join(" ")} ended with status ${status}:\n${stderr}`);
}
