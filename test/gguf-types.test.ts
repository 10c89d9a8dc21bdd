import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { exportGguf } from "../src/convert/gguf/export-gguf.ts";
import { type FileType, fileTypeNames } from "../src/convert/gguf/file-types.ts";
import { readImportance } from "../src/convert/gguf/imatrix-file.ts";
import type { ImportanceMatrix } from "../src/convert/gguf/importance.ts";
import { type Metadata, text, texts, uint32 } from "../src/convert/gguf/metadata.ts";
import { readBytes, readGguf } from "../src/convert/gguf/reader.ts";
import { bytesOf } from "../src/convert/gguf/tensor-types.ts";
import { type GgufTensor, writeGgufFiles } from "../src/convert/gguf/writer.ts";
import { tensor } from "../src/core/ops.ts";
import { saveSafetensors } from "../src/core/safetensors.ts";
import { toyConfig, toyModel } from "./toys.ts";

// What llama.cpp's quantizer makes of the F32 file: each tensor's type and a hash of its bytes.
// CYGNET_LLAMA_QUANTIZE=…/llama-quantize npx vitest run test/gguf-types.test.ts writes the expected values again.

const quantizer = process.env.CYGNET_LLAMA_QUANTIZE;
const fixture = resolve(import.meta.dirname, "fixtures/gguf/llama-quantize.json");
const tiny = resolve(import.meta.dirname, "../assets/cygnet-tiny");

/** A folder with a model of weights that are the same everywhere. */
function modelFolder(type: string, changes: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-gguf-"));
  const config = { hidden_size: 256, intermediate_size: 256, head_dim: 64, vocab_size: 4096, ...changes };
  const model = toyModel(type, config);
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  for (const [path, weight] of Object.entries(model.parameters())) {
    const values = Float32Array.from({ length: weight.size }, () => next() + next() * next() * 4);
    model.update({ [path]: tensor(values, weight.shape) });
  }
  saveSafetensors(join(folder, "model.safetensors"), model.parameters());
  model.dispose();
  writeFileSync(join(folder, "config.json"), JSON.stringify(toyConfig(type, config)));
  copyFileSync(join(tiny, "tokenizer.json"), join(folder, "tokenizer.json"));
  return folder;
}

const models: [string, string, Record<string, unknown>][] = [
  ["nine layers, four heads of one value", "llama", { num_hidden_layers: 9, num_key_value_heads: 1 }],
  ["columns that fill no block of 256", "qwen2", { head_dim: undefined, intermediate_size: 96, hidden_size: 160 }],
  ["eight experts, untied", "mixtral", { num_local_experts: 8, num_experts_per_tok: 2, tie_word_embeddings: false }],
];

const Fixture = z.record(z.string(), z.record(z.string(), z.string()));
const expected = existsSync(fixture) ? Fixture.parse(JSON.parse(readFileSync(fixture, "utf8"))) : {};

/** Each tensor's name, type and a hash of its bytes. */
function digests(path: string): string[] {
  const { tensors } = readGguf(path);
  const lines = [...tensors.values()].map((stored) => {
    const bytes = readBytes(stored, 0, bytesOf(stored.type, stored.shape));
    return `${stored.name} ${stored.type} ${createHash("sha256").update(bytes).digest("hex")}`;
  });
  return lines.sort();
}

/** What llama.cpp makes of an F32 file, where it is at hand; what it made is kept under `name`. */
function compare(
  name: string,
  { plain, ours, type, imatrix }: Record<"plain" | "ours" | "type", string> & { imatrix?: string },
) {
  const key = imatrix ? `${type} with importance` : type;
  const digest = (lines: string[]) => createHash("sha256").update(lines.join("\n")).digest("hex");
  if (quantizer) {
    const output = `${plain}.${key}`;
    const flags = imatrix ? ["--imatrix", imatrix] : [];
    const args = [...flags, plain, output, type.toUpperCase(), "2"];
    const { status, stderr } = spawnSync(quantizer, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    expect(digests(ours), key).toEqual(digests(output));
    expected[name] = { ...expected[name], [key]: digest(digests(output)) };
    mkdirSync(resolve(fixture, ".."), { recursive: true });
    writeFileSync(fixture, `${JSON.stringify(expected, null, 2)}\n`);
  }
  expect(digest(digests(ours)), key).toBe(expected[name]?.[key]);
}

async function written(source: string, type: FileType, importance?: ImportanceMatrix): Promise<string> {
  const output = join(source, `${type}-${importance ? "with" : "without"}.gguf`);
  await exportGguf({ source, name: source, output, type, importance, force: false, version: "0" });
  return output;
}

test.each(models)("%s: every type has llama.cpp's bytes", async (name, type, changes) => {
  const source = modelFolder(type, changes);
  const plain = await written(source, "f32");
  for (const file of fileTypeNames) {
    if (file !== "f32") compare(name, { plain, ours: await written(source, file), type: file });
  }
});

/** A file as llama-imatrix writes it, for every matrix in the blocks of a model. */
async function imatrixFile(plain: string): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), "cygnet-gguf-")), "imatrix.gguf");
  const vector = (name: string, values: number[], rows: number): GgufTensor => ({
    name,
    shape: [rows, values.length / rows],
    type: "f32",
    pieces: () => [new Uint8Array(Float32Array.from(values).buffer)],
  });
  const matrices = [...readGguf(plain).tensors.values()].filter(
    ({ name, shape }) => name.startsWith("blk.") && shape.length > 1 && !name.includes("gate_inp"),
  );
  const tensors = matrices.flatMap(({ name, shape }) => {
    const experts = shape.length === 3 ? (shape[0] ?? 1) : 1;
    const columns = shape.at(-1) ?? 0;
    const sums = Array.from({ length: experts * columns }, (_, i) => ((i * 37) % 101) ** 2 + 1);
    const counts = Array.from({ length: experts }, (_, i) => (i === 3 ? 0 : 10 + i));
    return [vector(`${name}.in_sum2`, sums, experts), vector(`${name}.counts`, counts, experts)];
  });
  const metadata: Metadata = new Map([
    ["general.type", text("imatrix")],
    ["imatrix.datasets", texts(["a text"])],
    ["imatrix.chunk_count", uint32(1)],
    ["imatrix.chunk_size", uint32(512)],
  ]);
  await writeGgufFiles([{ path, metadata, tensors }]);
  return path;
}

test.each(models)("%s: with llama-imatrix's file too", async (name, type, changes) => {
  const source = modelFolder(type, changes);
  const plain = await written(source, "f32");
  const imatrix = await imatrixFile(plain);
  const importance = readImportance(imatrix);
  for (const file of ["q5_0", "q4_0", "iq4_nl", "q4_k_m", "q2_k"] as const) {
    compare(name, { plain, ours: await written(source, file, importance), type: file, imatrix });
  }
});
