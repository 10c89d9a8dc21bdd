import { z } from "zod";

// The file that `cygnet bench serve --output` writes. Times are milliseconds where a name says nothing else.

/** Mean, percentiles and ends of some values. */
export const Summary = z.object({
  mean: z.number(),
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  min: z.number(),
  max: z.number(),
});
export type Summary = z.infer<typeof Summary>;

export const failureKinds = ["refused", "unreachable", "closed", "timeout", "status", "stream", "answer"] as const;
export const FailureKind = z.enum(failureKinds);
export type FailureKind = z.infer<typeof FailureKind>;

/** Why a request failed. */
export const Failure = z.object({
  kind: FailureKind,
  /** The HTTP status, where there was an answer. */
  status: z.int().nullable(),
  /** The server's words, or the system's. */
  message: z.string(),
  /** Of the answer's Retry-After, in seconds. */
  retry_after_s: z.number().nullable(),
});
export type Failure = z.infer<typeof Failure>;

/** One request, measured. */
export const RequestRecord = z.object({
  /** When it was sent, after the start of its level. */
  start_ms: z.number(),
  /** From sending to the last byte of the answer, or to the failure. */
  latency_ms: z.number(),
  /** When each chunk that carried text arrived, after sending; the first is the time to first token. */
  chunk_ms: z.array(z.number()),
  prompt_tokens: z.int().nullable(),
  completion_tokens: z.int().nullable(),
  /** Where the counts of tokens come from: the server, or the number of chunks where the server gave none. */
  tokens_from: z.enum(["usage", "chunks", "none"]),
  failure: Failure.nullable(),
  /** Open loop: how much later than planned it was sent. */
  lateness_ms: z.number().nullable(),
});
export type RequestRecord = z.infer<typeof RequestRecord>;

/** Failures of one kind and status. */
export const FailureCount = Failure.extend({ count: z.int() });
export type FailureCount = z.infer<typeof FailureCount>;

/** What was measured at one load. */
export const LevelResult = z.object({
  /** Clients at a time; null in an open loop. */
  parallel: z.int().nullable(),
  /** Requests planned each second; null in a closed loop. */
  rate: z.number().nullable(),
  requests: z.int(),
  succeeded: z.int(),
  success_rate: z.number(),
  duration_s: z.number(),
  requests_per_second: z.number(),
  output_tokens_per_second: z.number(),
  total_tokens_per_second: z.number(),
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  /** Answers whose tokens are only counted by their chunks, since the server gave no usage. */
  counted_by_chunks: z.int(),
  /** Prompts whose length on the server is not the one asked for. */
  other_prompt_lengths: z.int(),
  mean_concurrency: z.number(),
  latency_ms: Summary.nullable(),
  ttft_ms: Summary.nullable(),
  tpot_ms: Summary.nullable(),
  itl_ms: Summary.nullable(),
  lateness_ms: Summary.nullable(),
  /** The share of the time in which the load tester itself was busy; near 1 it distorts what it measures. */
  tester_busy: z.number(),
  failures: z.array(FailureCount),
  records: z.array(RequestRecord),
});
export type LevelResult = z.infer<typeof LevelResult>;

/** One run of `cygnet bench serve`. */
export const BenchResult = z.object({
  kind: z.literal("cygnet bench serve"),
  version: z.string(),
  name: z.string(),
  url: z.string(),
  model: z.string(),
  /** ISO 8601. */
  started_at: z.string(),
  /** The flags that decided the load, by name. */
  settings: z.record(z.string(), z.unknown()),
  levels: z.array(LevelResult).min(1),
});
export type BenchResult = z.infer<typeof BenchResult>;
