import { existsSync } from "node:fs";
import { KVCache } from "../../models/cache.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { modelIdentity } from "../../models/model-identity.ts";
import { loadPromptCache, savePromptCache } from "../../models/prompt-cache.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { GenerateConfig } from "../commands/generate.ts";
import type { Ui } from "../ui.ts";
import { flagOf } from "../values.ts";

interface KeptPrompt {
  layers: KVCache[];
  /** Tokens at the prompt's beginning that the file had. */
  common: number;
  /** Writes the whole prompt's part of the cache, where the file has not all of it; for the end of generation. */
  save(ui: Ui): void;
}

/** The cache of `--prompt-cache-file`, trimmed to what the prompt shares with it, or an empty one. */
export function promptCacheFor(
  { prompt_cache_file: path = "", adapter_path, dtype, max_kv_size, kv_bits }: GenerateConfig,
  folder: string,
  model: LanguageModel,
  prompt: readonly number[],
): KeptPrompt {
  const [other] = Object.entries({ max_kv_size, kv_bits }).find(([, value]) => value !== undefined) ?? [];
  if (other) throw new UserError("generate/cache-file-with", { flag: flagOf(other) });
  const identity = `${modelIdentity(adapter_path ? [folder, adapter_path] : [folder])} ${dtype ?? "default"}`;
  const { tokens, layers } = existsSync(path)
    ? loadPromptCache(path, model, identity)
    : { tokens: [], layers: model.blocks.map(() => new KVCache()) };
  const differs = prompt.findIndex((id, i) => id !== tokens[i]);
  const shared = differs < 0 ? prompt.length : differs;
  const common = Math.min(shared, prompt.length - 1); // the last token gives the first answer
  for (const layer of layers) layer.trim(tokens.length - common);
  return {
    layers,
    common,
    save(ui) {
      if (common > 0) ui.say("generate/cached", { tokens: common, path });
      if (shared === prompt.length) return;
      for (const layer of layers) layer.trim(layer.offset - prompt.length);
      savePromptCache(path, { tokens: [...prompt], layers }, identity);
    },
  };
}
