import type { z } from "zod";
import { UserError } from "../protocol/user-error.ts";
import type { LanguageModel } from "./language-model.ts";
import { Llama, LlamaConfig } from "./llama.ts";
import { Mistral, MistralConfig } from "./mistral.ts";
import { Mixtral, MixtralConfig } from "./mixtral.ts";
import { Qwen2, Qwen2Config } from "./qwen2.ts";
import { Qwen3, Qwen3Config } from "./qwen3.ts";
import { Qwen3Moe, Qwen3MoeConfig } from "./qwen3-moe.ts";

interface Family {
  /** A model with random weights for the text of a config.json. */
  build(config: unknown, source: string): LanguageModel;
}

function family<C>(schema: z.ZodType<C>, model: new (config: C) => LanguageModel): Family {
  return {
    build(config, source) {
      const parsed = schema.safeParse(config);
      if (parsed.success) return new model(parsed.data);
      const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
      throw new UserError("model/bad-config", { source, problems });
    },
  };
}

/** Every architecture, by the `model_type` of config.json. */
export const families: Record<string, Family> = {
  llama: family(LlamaConfig, Llama),
  mistral: family(MistralConfig, Mistral),
  mixtral: family(MixtralConfig, Mixtral),
  qwen2: family(Qwen2Config, Qwen2),
  qwen3: family(Qwen3Config, Qwen3),
  qwen3_moe: family(Qwen3MoeConfig, Qwen3Moe),
};
