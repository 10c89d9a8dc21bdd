import { z } from "zod";

// What the engine's two processes say to each other.

/** What the process that computes is started with, as JSON. */
export const EngineOptions = z.object({
  /** What models and caches may take together. */
  memoryBytes: z.number(),
  /** What is kept of earlier texts may take so much for each model. */
  prefixBytes: z.number().optional(),
  /** See `LoadOptions`. */
  dtype: z.enum(["float32", "float16", "bfloat16"]).optional(),
  /** See `SchedulerOptions`. */
  maxTexts: z.int().optional(),
  prefillStepSize: z.int().optional(),
});
export type EngineOptions = z.infer<typeof EngineOptions>;

const count = z.int().min(0);
const ids = z.array(z.int()).readonly();
const Penalty = z.object({ value: z.number(), context: z.int() }).optional();

/** `Sampling` as it travels. */
const SamplingMessage = z.object({
  temperature: z.number(),
  topP: z.number(),
  minP: z.number(),
  topK: z.number(),
  logitBias: z.map(z.number(), z.number()).readonly(),
  minTokensToKeep: z.number().optional(),
  xtc: z.object({ probability: z.number(), threshold: z.number(), exempt: ids }).optional(),
  penalties: z.object({ repetition: Penalty, presence: Penalty, frequency: Penalty }).optional(),
  topLogprobs: z.number().optional(),
});

/** A text to continue. */
export const GenerateRequest = z.object({
  prompt: ids,
  sampling: SamplingMessage,
  seed: z.number(),
  maxTokens: z.int().min(1),
  /** "" is the base model. */
  adapter: z.string(),
  /** Tokens that end the answer, and how many there are before one may. */
  endIds: ids,
  minTokens: count,
  /** What the answer is written by, as EBNF; see `schemaGrammar`. */
  grammar: z
    .object({
      text: z.string(),
      /** The prompt ends in thoughts, or the answer may begin with some, which the grammar does not rule. */
      thoughts: z.enum(["inside", "possible"]).optional(),
    })
    .optional(),
});
export type GenerateRequest = z.infer<typeof GenerateRequest>;

/** call: the number under which the answers come. */
export const Command = z.discriminatedUnion("type", [
  z.object({ type: z.literal("open"), call: count, model: z.string(), folder: z.string() }),
  z.object({ type: z.literal("close"), call: count, model: z.string() }),
  z.object({ type: z.literal("add adapter"), call: count, model: z.string(), adapter: z.string(), folder: z.string() }),
  z.object({ type: z.literal("remove adapter"), call: count, model: z.string(), adapter: z.string() }),
  z.object({ type: z.literal("generate"), call: count, model: z.string(), request: GenerateRequest }),
  z.object({ type: z.literal("cancel"), call: count }),
  z.object({
    type: z.literal("score"),
    call: count,
    model: z.string(),
    adapter: z.string(),
    tokens: ids,
    topLogprobs: count,
  }),
  z.object({ type: z.literal("embed"), call: count, model: z.string(), adapter: z.string(), tokens: ids }),
]);
export type Command = z.infer<typeof Command>;

const TopLogprobs = z.array(z.object({ id: z.int(), logprob: z.number() }));

/** A token of an answer. */
export const EngineToken = z.object({
  id: z.int(),
  logprob: z.number(),
  top: TopLogprobs.optional(),
  /** With the first token: tokens of the prompt that were known from before. */
  cachedTokens: count.optional(),
  /** No more come. */
  isLast: z.boolean(),
});
export type EngineToken = z.infer<typeof EngineToken>;

/** How likely a token was after those before it. */
export const TokenScore = z.object({ logprob: z.number(), top: TopLogprobs });
export type TokenScore = z.infer<typeof TokenScore>;

/** What a model in memory does and holds. */
export const ModelStatus = z.object({
  model: z.string(),
  adapters: z.array(z.string()),
  weightBytes: z.number(),
  cacheBytes: z.number(),
  runningTexts: count,
  waitingTexts: count,
  promptTokens: count,
  cachedTokens: count,
  generatedTokens: count,
});
export type ModelStatus = z.infer<typeof ModelStatus>;

export const EngineStatus = z.object({ models: z.array(ModelStatus), activeBytes: z.number(), peakBytes: z.number() });
export type EngineStatus = z.infer<typeof EngineStatus>;

export const Report = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("tokens"), tokens: z.array(EngineToken.extend({ call: count })) }),
  z.object({ type: z.literal("done"), call: count }),
  z.object({ type: z.literal("scores"), call: count, scores: z.array(TokenScore) }),
  z.object({ type: z.literal("embedding"), call: count, values: z.array(z.number()) }),
  /** A UserError with its texts, or the stack of what else went wrong. */
  z.object({ type: z.literal("failed"), call: count, code: z.string(), en: z.string(), zh: z.string() }),
  z.object({ type: z.literal("broken"), call: count, stack: z.string() }),
  z.object({ type: z.literal("status"), status: EngineStatus }),
]);
export type Report = z.infer<typeof Report>;
