import { evaluatePerplexity, type Perplexity } from "../../evaluate/perplexity.ts";
import { cutRows, requireRows, tokensOfFile } from "../../evaluate/token-rows.ts";
import { loadModel } from "../../models/load.ts";
import { say } from "../../protocol/language.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import type { PerplexityConfig } from "../commands/eval-perplexity.ts";
import { dataFile } from "../data-file.ts";
import { modelFolder } from "../model-folder.ts";
import type { Ui } from "../ui.ts";

export async function evalPerplexity(config: PerplexityConfig, ui: Ui): Promise<void> {
  const { adapter_path, sequence_length, num_samples } = config;
  const data = await dataFile(config.data, config, ui);
  const folder = await modelFolder(config, ui);
  const tokenizer = await Tokenizer.load(folder);
  const rows = cutRows(await tokensOfFile(data, tokenizer), sequence_length, num_samples);
  const model = loadModel(folder);
  requireRows(rows, model.config.vocab_size, data);
  const started = performance.now();
  const base = await evaluatePerplexity(model, rows, { batchSize: config.batch_size });
  const seconds = (performance.now() - started) / 1000;
  print(config, undefined, base, ui);
  if (adapter_path !== undefined) loadAdapter(model, adapter_path);
  const tuned = adapter_path && (await evaluatePerplexity(model.train(false), rows, { batchSize: config.batch_size }));
  if (tuned) print(config, adapter_path, tuned, ui);
  ui.say("evaluate/tokens", { tokens: base.tokens, rows: rows.length, path: data, seconds });
  ui.emit({
    model: config.model,
    data,
    rows: rows.length,
    sequence_length,
    ...plain(base),
    adapter: tuned ? { adapter_path, ...plain(tuned) } : undefined,
  });
}

function print({ model }: PerplexityConfig, adapter: string | undefined, measured: Perplexity, ui: Ui): void {
  const { perplexity, standardError, loss } = measured;
  ui.print(`${say("evaluate/perplexity", { model, adapter, perplexity, standardError, loss })}\n`);
}

function plain({ perplexity, standardError, loss, tokens }: Perplexity) {
  return { perplexity, standard_error: standardError, loss, tokens };
}
