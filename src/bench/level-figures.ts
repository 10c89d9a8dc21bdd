import type { FailureCount, LevelResult, RequestRecord } from "../protocol/bench-result.ts";
import { summarize } from "./statistics.ts";

export interface LevelRun {
  /** Clients at a time in a closed loop, or requests a second in an open one. */
  load: { parallel: number } | { rate: number };
  records: readonly RequestRecord[];
  /** Tokens that each prompt should have, where that is known. */
  wantedPromptTokens: readonly (number | undefined)[];
  testerBusy: number;
}

/**
 * The figures of one level; only answers that came whole count, as in vLLM and evalscope.
 *
 *   duration             from sending the first request to the end of the last
 *   output tokens/s      completion tokens / duration
 *   total tokens/s       (prompt tokens + completion tokens) / duration
 *   requests/s           whole answers / duration
 *   success rate         whole answers / requests
 *   TTFT                 from sending to the first chunk with text
 *   TPOT                 (latency − TTFT) / (completion tokens − 1), one value for each answer of two tokens and more
 *   ITL                  between one chunk with text and the next, one value for each pair, over all answers
 *   latency              from sending to the end of the answer
 *   mean concurrency     sum of latencies / duration (Little's law)
 */
export function levelFigures({ load, records, wantedPromptTokens, testerBusy }: LevelRun): LevelResult {
  const whole = records.filter(({ failure }) => failure === null);
  const seconds = durationMs(records) / 1000;
  const rateOf = (count: number) => (seconds > 0 ? count / seconds : 0);
  const prompt = sum(whole.map(({ prompt_tokens }) => prompt_tokens ?? 0));
  const completion = sum(whole.map(({ completion_tokens }) => completion_tokens ?? 0));
  return {
    parallel: "parallel" in load ? load.parallel : null,
    rate: "rate" in load ? load.rate : null,
    requests: records.length,
    succeeded: whole.length,
    success_rate: records.length > 0 ? whole.length / records.length : 0,
    duration_s: seconds,
    requests_per_second: rateOf(whole.length),
    output_tokens_per_second: rateOf(completion),
    total_tokens_per_second: rateOf(prompt + completion),
    prompt_tokens: prompt,
    completion_tokens: completion,
    counted_by_chunks: whole.filter(({ tokens_from }) => tokens_from === "chunks").length,
    other_prompt_lengths: otherLengths(records, wantedPromptTokens),
    mean_concurrency: seconds > 0 ? sum(records.map(({ latency_ms }) => latency_ms)) / 1000 / seconds : 0,
    latency_ms: summarize(whole.map(({ latency_ms }) => latency_ms)),
    ttft_ms: summarize(whole.flatMap(timeToFirstToken)),
    tpot_ms: summarize(whole.flatMap(timePerOutputToken)),
    itl_ms: summarize(interTokenLatencies(whole)),
    lateness_ms: summarize(records.flatMap(({ lateness_ms }) => lateness_ms ?? [])),
    tester_busy: testerBusy,
    failures: countFailures(records),
    records: [...records],
  };
}

/** None for an answer that was not streamed, or had no text. */
export function timeToFirstToken({ chunk_ms: [first] }: RequestRecord): number[] {
  return first === undefined ? [] : [first];
}

/** None for an answer without a second token. */
export function timePerOutputToken(record: RequestRecord): number[] {
  const { latency_ms, completion_tokens: tokens } = record;
  return timeToFirstToken(record).flatMap((ttft) =>
    tokens !== null && tokens > 1 ? (latency_ms - ttft) / (tokens - 1) : [],
  );
}

export function interTokenLatencies(records: readonly RequestRecord[]): number[] {
  return records.flatMap(({ chunk_ms }) => chunk_ms.slice(1).map((time, i) => time - (chunk_ms[i] ?? time)));
}

function durationMs(records: readonly RequestRecord[]): number {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { start_ms, latency_ms } of records) {
    first = Math.min(first, start_ms);
    last = Math.max(last, start_ms + latency_ms);
  }
  return records.length > 0 ? last - first : 0;
}

function otherLengths(records: readonly RequestRecord[], wanted: readonly (number | undefined)[]): number {
  return records.filter(({ prompt_tokens }, i) => {
    return prompt_tokens !== null && wanted[i] !== undefined && wanted[i] !== prompt_tokens;
  }).length;
}

/** By kind and status, the most frequent first, each with the words of its first. */
function countFailures(records: readonly RequestRecord[]): FailureCount[] {
  const counts = new Map<string, FailureCount>();
  for (const { failure } of records) {
    if (!failure) continue;
    const key = `${failure.kind} ${failure.status}`;
    const known = counts.get(key);
    if (!known) {
      counts.set(key, { ...failure, count: 1 });
      continue;
    }
    known.count += 1;
    if (failure.retry_after_s !== null) {
      known.retry_after_s = Math.max(known.retry_after_s ?? 0, failure.retry_after_s);
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
