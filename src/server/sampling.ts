import type { Penalty } from "../generate/penalties.ts";
import type { Sampling } from "../generate/sampler.ts";
import type { AnswerFields } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import type { ServedModel } from "./served-models.ts";

/** What a request that does not say gets: flags of the server. */
export interface AnswerDefaults {
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  maxTokens: number;
}

/** Recent tokens that penalties look at where a request does not say: mlx-lm's for repetition, all of most texts for OpenAI's. */
const repetitionContext = 20;
const wholeContext = 1024;

/** @throws UserError when a bias names a token that the vocabulary has not. */
export function samplingOf(
  request: AnswerFields,
  { tokenizer, vocabulary }: ServedModel,
  defaults: AnswerDefaults,
): Sampling {
  const repetition = request.repetition_context_size ?? repetitionContext;
  const penalties = {
    repetition: penalty(request.repetition_penalty, 1, repetition),
    presence: penalty(request.presence_penalty, 0, request.presence_context_size ?? wholeContext),
    frequency: penalty(request.frequency_penalty, 0, request.frequency_context_size ?? wholeContext),
  };
  const xtc = {
    probability: request.xtc_probability ?? 0,
    threshold: request.xtc_threshold ?? 0.1,
    exempt: [...tokenizer.eosTokenIds],
  };
  return {
    temperature: request.temperature ?? defaults.temperature,
    topP: request.top_p ?? defaults.topP,
    topK: Math.max(0, request.top_k ?? defaults.topK),
    minP: request.min_p ?? defaults.minP,
    logitBias: biasOf(request, vocabulary),
    xtc: xtc.probability > 0 ? xtc : undefined,
    penalties: Object.values(penalties).some((each) => each !== undefined) ? penalties : undefined,
  };
}

function penalty(value: number | null | undefined, none: number, context: number): Penalty | undefined {
  return value === undefined || value === null || value === none ? undefined : { value, context };
}

/** Finite also in float32, so that no token is ruled out by it. */
function clamped(value: number): number {
  return Math.min(Math.max(value, -1e6), 1e6);
}

function biasOf({ logit_bias }: AnswerFields, vocabulary: number): Map<number, number> {
  const bias = new Map(Object.entries(logit_bias ?? {}).map(([id, value]) => [Number(id), clamped(value)]));
  for (const id of bias.keys()) if (id >= vocabulary) throw new UserError("server/bias-outside", { id, vocabulary });
  return bias;
}
