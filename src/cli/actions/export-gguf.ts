import { fuseAdapters } from "../../convert/fuse.ts";
import { exportAdapter } from "../../convert/gguf/export-adapter.ts";
import { type ExportedFiles, exportGguf as exportModel, requireOutput } from "../../convert/gguf/export-gguf.ts";
import { readImportance } from "../../convert/gguf/imatrix-file.ts";
import { type ImportanceMatrix, measureImportance } from "../../convert/gguf/importance.ts";
import { dequantizeModel } from "../../convert/quantize-model.ts";
import { peakMemory } from "../../core/memory.ts";
import { cutRows, requireRows, tokensOfFile } from "../../evaluate/token-rows.ts";
import { loadModel } from "../../models/load.ts";
import { say } from "../../protocol/language.ts";
import { UserError } from "../../protocol/user-error.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import type { ExportGgufConfig } from "../commands/export-gguf.ts";
import { modelFolder } from "../model-folder.ts";
import { StatusLine } from "../status-line.ts";
import type { Ui } from "../ui.ts";
import { version } from "../version.ts";

/** Tokens of a row, and rows at most, that the importance of weights is measured on. */
const measured = { rowLength: 512, rows: 64 };

export async function exportGguf(config: ExportGgufConfig, ui: Ui): Promise<number> {
  const { model: name, adapter_path: adapter, output, type, force } = config;
  const shardBytes = config.split_max_size === undefined ? undefined : shardSize(config.split_max_size);
  const uses = !["f32", "f16", "bf16", "q8_0"].includes(type);
  if (config.imatrix !== undefined && !uses) throw new UserError("gguf/imatrix-unused", { type });
  if (config.adapter_only && adapter === undefined) throw new UserError("gguf/adapter-only-without", {});
  requireOutput(output, force);
  const source = await modelFolder(config, ui);
  const shared = { source, name, output, force, version: version() };
  const line = new StatusLine(ui);
  const onProgress = (done: number, total: number) => line.draw(say("export/progress", { done, total }));
  const files = await ui.interruptible(async (signal) => {
    if (config.adapter_only && adapter !== undefined) return exportAdapter({ ...shared, adapter, signal });
    const importance =
      config.imatrix === undefined ? undefined : await importanceOf(config.imatrix, source, adapter, ui, signal);
    ui.say("export/working", { source: name, output, type });
    const options = { ...shared, adapter, type, importance, shardBytes, preTokenizer: config.pre_tokenizer };
    return exportModel({ ...options, onProgress, signal });
  });
  line.end();
  if (!files) {
    ui.say("export/stopped", { output });
    return 130;
  }
  tell(files, config, ui);
  return 0;
}

function tell(
  { paths, bytes, tensors, bitsPerWeight }: ExportedFiles,
  { type, adapter_only }: ExportGgufConfig,
  ui: Ui,
): void {
  const peakBytes = peakMemory();
  ui.emit({
    files: paths,
    type: adapter_only ? "f32" : type,
    bytes,
    tensors,
    bits_per_weight: bitsPerWeight,
    peak_memory_bytes: peakBytes,
  });
  ui.say("export/saved", { paths, bytes, bits: bitsPerWeight, peakBytes });
}

/** Read from the file, or measured on its text with the model and its adapter. */
async function importanceOf(
  path: string,
  source: string,
  adapter: string | undefined,
  ui: Ui,
  signal: AbortSignal,
): Promise<ImportanceMatrix> {
  const read = readImportance(path);
  if (read) return read;
  const rows = cutRows(await tokensOfFile(path, await Tokenizer.load(source)), measured.rowLength, measured.rows);
  const model = loadModel(source);
  try {
    requireRows(rows, model.config.vocab_size, path);
    ui.say("export/measuring", { path, rows: rows.length });
    if (adapter !== undefined) {
      loadAdapter(model, adapter);
      fuseAdapters(model, { dequantize: true });
    }
    dequantizeModel(model);
    return await measureImportance(model.train(false), rows, signal);
  } finally {
    model.dispose();
  }
}

function shardSize(text: string): number {
  const [, count, unit = ""] = /^(\d+)([MG])$/i.exec(text) ?? [];
  if (count === undefined || Number(count) === 0) throw new UserError("gguf/shard-size", { text });
  return Number(count) * (unit.toUpperCase() === "M" ? 1e6 : 1e9);
}
