import type { Sampling } from "../../generate/sampler.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import type { SamplingConfig } from "../commands/sampling-fields.ts";

/** @throws UserError when a bias names a token that the vocabulary has not. */
export function samplingOf(config: SamplingConfig, tokenizer: Tokenizer, vocabulary: number): Sampling {
  const penalty = (value: number | undefined, none: number) =>
    value === undefined || value === none ? undefined : { value, context: config.penalty_context_size };
  const penalties = {
    repetition: penalty(config.repetition_penalty, 1),
    presence: penalty(config.presence_penalty, 0),
    frequency: penalty(config.frequency_penalty, 0),
  };
  return {
    temperature: config.temp,
    topP: config.top_p,
    topK: config.top_k,
    minP: config.min_p,
    minTokensToKeep: config.min_tokens_to_keep,
    logitBias: biasOf(config, vocabulary),
    xtc: {
      probability: config.xtc_probability,
      threshold: config.xtc_threshold,
      exempt: [...tokenizer.eosTokenIds],
    },
    penalties: Object.values(penalties).some((each) => each !== undefined) ? penalties : undefined,
  };
}

function biasOf({ logit_bias = {} }: SamplingConfig, vocabulary: number): Map<number, number> {
  const bias = new Map(Object.entries(logit_bias).map(([id, value]) => [Number(id), value]));
  for (const id of bias.keys()) if (id >= vocabulary) throw new UserError("generate/bias-outside", { id, vocabulary });
  return bias;
}
