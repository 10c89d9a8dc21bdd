import { z } from "zod";
import { loadSafetensors, saveSafetensors } from "../core/safetensors.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import { UserError } from "../protocol/user-error.ts";
import { KVCache } from "./cache.ts";
import type { LanguageModel } from "./language-model.ts";

/** What a model has computed of a text: its tokens, and the keys and values of each layer. */
export interface PromptCache {
  tokens: number[];
  layers: KVCache[];
}

const Metadata = z.object({
  format: z.literal("cygnet-prompt-cache"),
  model: z.string(),
  tokens: z.string().transform((text) => z.array(z.int()).parse(JSON.parse(text))),
});

/**
 * Writes a prompt cache as safetensors, `layers.N.keys` and `layers.N.values` [1, K, S, E]. model: what identifies the weights;
 * `loadPromptCache` asks for the same.
 */
export function savePromptCache(path: string, { tokens, layers }: PromptCache, model: string): void {
  scope(() => {
    const tensors = Object.fromEntries(
      layers.flatMap((layer, i) => {
        const [keys, values] = layer.read();
        return [
          [`layers.${i}.keys`, keys],
          [`layers.${i}.values`, values],
        ];
      }),
    );
    evaluate(tensors);
    saveSafetensors(path, tensors, { format: "cygnet-prompt-cache", model, tokens: JSON.stringify(tokens) });
  });
}

/** @throws UserError when the file is no prompt cache, or one of another model. */
export function loadPromptCache(path: string, model: LanguageModel, identity: string): PromptCache {
  return scope(() => {
    const { tensors, metadata } = loadSafetensors(path);
    const known = Metadata.safeParse(metadata);
    if (!known.success) throw new UserError("cache/not-a-prompt-cache", { path });
    if (known.data.model !== identity) throw new UserError("cache/other-model", { path });
    const layers = model.blocks.map((_, i) => {
      const [keys, values] = [tensors[`layers.${i}.keys`], tensors[`layers.${i}.values`]];
      if (keys?.dim(2) !== known.data.tokens.length || !values)
        throw new UserError("cache/not-a-prompt-cache", { path });
      const layer = new KVCache();
      layer.replace(keys, values, keys.dim(2));
      return layer;
    });
    evaluate(layers.flatMap((layer) => layer.state));
    return { tokens: known.data.tokens, layers };
  });
}
