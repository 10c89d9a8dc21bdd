import { existsSync } from "node:fs";
import { limitCache } from "../../core/memory.ts";
import { loadModel, readModelConfig } from "../../models/load.ts";
import { UserError } from "../../protocol/user-error.ts";
import { readTokenizerFiles } from "../../tokenizer/model-folder.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import { fuseAdapters } from "../fuse.ts";
import { dequantizeModel } from "../quantize-model.ts";
import { requireRoom } from "../target-folder.ts";
import { architectureMetadata, type ExportedModel, exportedModel } from "./architecture.ts";
import { type FileType, fileTypes } from "./file-types.ts";
import type { ImportanceMatrix } from "./importance.ts";
import { type Metadata, text, uint32 } from "./metadata.ts";
import { encodedTensor, modelTensors } from "./model-tensors.ts";
import { provenanceMetadata } from "./provenance.ts";
import { intoShards, shardNames } from "./shards.ts";
import { tensorType } from "./tensor-mixture.ts";
import { bytesOf } from "./tensor-types.ts";
import { vocabularyMetadata } from "./vocabulary.ts";
import { fileSize, type GgufContent, type GgufTensor, writeGgufFiles } from "./writer.ts";

export interface ExportOptions {
  /** The model's folder, and what the user called it. */
  source: string;
  name: string;
  /** A run folder whose adapter is merged. */
  adapter?: string | undefined;
  output: string;
  type: FileType;
  force: boolean;
  preTokenizer?: string | undefined;
  /** What packing heeds: measured, or read from a file. */
  importance?: ImportanceMatrix | undefined;
  /** Most bytes of one file's tensors. */
  shardBytes?: number | undefined;
  version: string;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface ExportedFiles {
  paths: string[];
  bytes: number;
  tensors: number;
  bitsPerWeight: number;
}

/**
 * Writes a model folder as a GGUF file that llama.cpp runs. One tensor at a time is computed.
 * @throws UserError when source or target cannot be used; the target is then as it was.
 */
export async function exportGguf(options: ExportOptions): Promise<ExportedFiles> {
  const { source, adapter, output, force, signal } = options;
  requireOutput(output, force);
  const config = readModelConfig(source);
  const files = await readTokenizerFiles(source);
  const model = loadModel(source, { dtype: "keep", lazy: true });
  try {
    const exported = exportedModel(model, config, source);
    const vocabulary = vocabularyMetadata(files, {
      size: exported.config.vocab_size,
      bosId: exported.config.bos_token_id ?? undefined,
      preTokenizer: options.preTokenizer,
    });
    if (adapter !== undefined) {
      loadAdapter(model, adapter);
      fuseAdapters(model, { dequantize: true });
    }
    dequantizeModel(model);
    const metadata: Metadata = new Map([
      ["general.architecture", text(exported.architecture.name)],
      ["general.type", text("model")],
      ...(await provenanceMetadata(options)),
      ["general.file_type", uint32(fileTypes[options.type].id)],
      ["general.quantization_version", uint32(2)],
      ...architectureMetadata(exported),
      ...vocabulary,
    ]);
    const contents = contentsOf(metadata, tensorsOf(exported, options), options);
    for (const { path } of contents) requireOutput(path, force);
    const bytes = contents.reduce((sum, content) => sum + fileSize(content), 0);
    requireRoom(output, bytes);
    const total = contents.reduce((sum, { tensors }) => sum + tensors.length, 0);
    let done = 0;
    const onTensor = () => {
      limitCache();
      options.onProgress?.(++done, total);
    };
    await writeGgufFiles(contents, { onTensor, signal });
    return { paths: contents.map(({ path }) => path), bytes, tensors: total, bitsPerWeight: bitsOf(contents) };
  } finally {
    model.dispose();
  }
}

function bitsOf(contents: readonly GgufContent[]): number {
  const tensors = contents.flatMap((content) => content.tensors);
  const bytes = tensors.reduce((sum, { type, shape }) => sum + bytesOf(type, shape), 0);
  return (8 * bytes) / tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** @throws UserError when a GGUF file cannot be written to `output`. */
export function requireOutput(output: string, force: boolean): void {
  if (!output.endsWith(".gguf")) throw new UserError("gguf/output-name", { path: output });
  if (existsSync(output) && !force) throw new UserError("gguf/output-exists", { path: output });
}

function tensorsOf(exported: ExportedModel, { type, importance }: ExportOptions): GgufTensor[] {
  const tensors = modelTensors(exported);
  const { heads, kvHeads, experts, architecture } = exported;
  const mixture = {
    layers: exported.config.num_hidden_layers,
    heads,
    kvHeads,
    experts,
    architecture: architecture.name,
    tied: !tensors.some(({ name }) => name === "output.weight"),
    hasImportance: importance !== undefined,
  };
  return tensors.map((tensor) => {
    const { name, shape } = tensor;
    return encodedTensor(tensor, tensorType(name, shape, type, mixture), importance?.get(name));
  });
}

/** The files: one, or as many as the limit asks for. All but the first have the tensors only. */
function contentsOf(
  metadata: Metadata,
  tensors: GgufTensor[],
  { output, shardBytes = Number.POSITIVE_INFINITY }: ExportOptions,
): GgufContent[] {
  const shards = intoShards(tensors, shardBytes);
  if (shards.length === 1) return [{ path: output, metadata, tensors }];
  return shardNames(output, shards.length).map((path, i) => {
    const place: Metadata = new Map([
      ["split.no", { type: "uint16", value: i }],
      ["split.count", { type: "uint16", value: shards.length }],
      ["split.tensors.count", { type: "int32", value: tensors.length }],
    ]);
    return { path, metadata: i === 0 ? new Map([...metadata, ...place]) : place, tensors: shards[i] ?? [] };
  });
}
