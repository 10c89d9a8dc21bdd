import { z } from "zod";

// What `cygnet compare` writes: a row for each prompt (`--output`, and events of `--json`), and the summary of all.

const perSide = <Value extends z.ZodType>(value: Value) => z.object({ base: value, tuned: value });

/** The likelihood of a text that was given: the sum of its tokens' log-probabilities, in nats. */
export const Likelihood = z.object({ log_likelihood: z.number(), tokens: z.int() });
export type Likelihood = z.infer<typeof Likelihood>;

export const SideAnswer = z.object({
  /** Without thoughts, blanks at both ends left out. */
  answer: z.string(),
  /** What the model thought before. */
  thinking: z.string().optional(),
  tokens: z.int(),
  finish_reason: z.enum(["stop", "length"]),
  /** Of the reference; null where there is none, or where it cannot be found in what the chat template makes of the row. */
  reference: Likelihood.nullable(),
});
export type SideAnswer = z.infer<typeof SideAnswer>;

/** What a judge said when asked in one order, and in the other. */
export const Verdict = z.enum(["base", "tuned", "tie"]);
export type Verdict = z.infer<typeof Verdict>;

export const Judgement = z.object({
  /** Null where an answer of the judge was malformed or failed. */
  verdict: Verdict.nullable(),
  /** With the base model's answer first, and with the tuned one's; both null where identical answers were not shown to the judge. */
  base_first: Verdict.nullable(),
  tuned_first: Verdict.nullable(),
  /** What was malformed, or why a request failed. */
  problem: z.object({ kind: z.enum(["malformed", "failed"]), text: z.string() }).optional(),
});
export type Judgement = z.infer<typeof Judgement>;

export const ComparedRow = z.object({
  type: z.literal("row"),
  /** Counted from 1. */
  row: z.int(),
  /** Where the prompt stands; null for one that was typed. */
  file: z.string().nullable(),
  line: z.int().nullable(),
  /** The last question, or the text to go on with. */
  prompt: z.string(),
  /** The whole conversation, where it is more than one question. */
  messages: z.array(z.unknown()).optional(),
  reference: z.string().nullable(),
  base: SideAnswer,
  tuned: SideAnswer,
  /** By the name of the score; higher is better. */
  scores: z.record(z.string(), perSide(z.number())),
  judge: Judgement.optional(),
});
export type ComparedRow = z.infer<typeof ComparedRow>;

/** One score over all rows that have it. */
export const ScoreSummary = z.object({
  rows: z.int(),
  /** Means; null where it only says which side is better. */
  base: z.number().nullable(),
  tuned: z.number().nullable(),
  wins: z.int(),
  losses: z.int(),
  ties: z.int(),
  /** Of the tuned side: wins and half of the ties. */
  win_rate: z.number(),
  win_rate_interval: z.tuple([z.number(), z.number()]),
  p_value: z.number(),
});
export type ScoreSummary = z.infer<typeof ScoreSummary>;

/** How well a side predicts texts that were given. */
export const PredictedTexts = z.object({
  log_likelihood: z.number(),
  tokens: z.int(),
  /** Mean of a token, in nats. */
  log_likelihood_per_token: z.number(),
  perplexity: z.number(),
});
export type PredictedTexts = z.infer<typeof PredictedTexts>;

/** What tuning did to texts that it was not about. */
export const Forgetting = perSide(PredictedTexts).extend({
  /** Of the texts; null for the set that comes with Cygnet. */
  file: z.string().nullable(),
  texts: z.int(),
  /** How much less likely the tuned side finds a token, or a byte, in nats, with its 95 % interval over texts. */
  loss: z.number(),
  interval: z.tuple([z.number(), z.number()]),
  /** Bytes where the sides' tokenizers differ. */
  per: z.enum(["token", "byte"]),
});
export type Forgetting = z.infer<typeof Forgetting>;

export const SideSummary = z.object({
  model: z.string(),
  adapter: z.string().nullable(),
  /** Means over answers. */
  tokens_per_answer: z.number(),
  /** Answers that ended at max_tokens, and of these such as were still thinking. */
  cut: z.int(),
  only_thoughts: z.int(),
});
export type SideSummary = z.infer<typeof SideSummary>;

export const JudgeSummary = z.object({
  model: z.string(),
  /** Verdicts that changed with the order, counted as ties. */
  contradictory: z.int(),
  /** Rows without a verdict. */
  malformed: z.int(),
  failed: z.int(),
  first_failure: z.string().nullable(),
});
export type JudgeSummary = z.infer<typeof JudgeSummary>;

export const ComparisonSummary = z.object({
  type: z.literal("summary"),
  version: z.string(),
  /** ISO 8601. */
  started_at: z.string(),
  /** Where the prompts came from: a file, or null for typed ones. */
  prompts: z.string().nullable(),
  rows: z.int(),
  /** Rows of the file that --limit left out. */
  left_out: z.int(),
  with_reference: z.int(),
  /** References whose likelihood was not measured. */
  unmeasured: z.int(),
  interrupted: z.boolean(),
  identical: z.int(),
  base: SideSummary,
  tuned: SideSummary,
  scores: z.record(z.string(), ScoreSummary),
  /** Of the references, by each side. */
  likelihood: perSide(PredictedTexts).nullable(),
  /** Whether tokens of both sides are the same, so that their means can be compared. */
  same_tokens: z.boolean(),
  judge: JudgeSummary.nullable(),
  forgetting: Forgetting.nullable(),
  settings: z.record(z.string(), z.unknown()),
});
export type ComparisonSummary = z.infer<typeof ComparisonSummary>;

export const sideNames = ["base", "tuned"] as const;
export type SideName = (typeof sideNames)[number];
/** One value for each side. */
export type PerSide<T> = Record<SideName, T>;
