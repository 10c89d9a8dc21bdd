import { expect, test } from "vitest";
import type { Failure, RequestRecord } from "../protocol/bench-result.ts";
import { levelFigures } from "./level-figures.ts";

function record(values: Partial<RequestRecord>): RequestRecord {
  return {
    start_ms: 0,
    latency_ms: 0,
    chunk_ms: [],
    prompt_tokens: 10,
    completion_tokens: 0,
    tokens_from: "usage",
    failure: null,
    lateness_ms: null,
    ...values,
  };
}

const busy: Failure = { kind: "status", status: 429, message: "come back", retry_after_s: 1 };

test("figures of known requests are those of their definitions", () => {
  const records = [
    record({ start_ms: 100, latency_ms: 500, chunk_ms: [100, 200, 400], completion_tokens: 5 }),
    record({ start_ms: 200, latency_ms: 1000, chunk_ms: [300, 600], completion_tokens: 8 }),
    record({ start_ms: 2000, latency_ms: 100, failure: busy, prompt_tokens: null, completion_tokens: null }),
    record({ start_ms: 2050, latency_ms: 50, failure: { ...busy, retry_after_s: 3 } }),
  ];
  const level = levelFigures({ load: { parallel: 2 }, records, wantedPromptTokens: [10, 12], testerBusy: 0.1 });
  expect(level).toMatchObject({ parallel: 2, rate: null, requests: 4, succeeded: 2, success_rate: 0.5 });
  expect(level.duration_s).toBeCloseTo(2, 12); // 100 … 2100 ms
  expect(level.requests_per_second).toBeCloseTo(1, 12);
  expect(level.output_tokens_per_second).toBeCloseTo(13 / 2, 12);
  expect(level.total_tokens_per_second).toBeCloseTo(33 / 2, 12);
  expect(level.mean_concurrency).toBeCloseTo(1.65 / 2, 12);
  expect(level.ttft_ms?.mean).toBe(200);
  expect(level.tpot_ms?.mean).toBe(100); // 400/4 and 700/7
  expect(level.itl_ms).toMatchObject({ mean: 200, min: 100, max: 300 });
  expect(level.latency_ms?.p50).toBe(750);
  expect(level.other_prompt_lengths).toBe(1);
  expect(level.failures).toEqual([{ ...busy, retry_after_s: 3, count: 2 }]);
});

test("an answer of one token has no time per output token, and one that was not streamed no time to first token", () => {
  const records = [
    record({ latency_ms: 500, chunk_ms: [100], completion_tokens: 1 }),
    record({ latency_ms: 400, completion_tokens: 9 }),
  ];
  const level = levelFigures({ load: { rate: 1 }, records, wantedPromptTokens: [], testerBusy: 0 });
  expect(level.tpot_ms).toBeNull();
  expect(level.ttft_ms?.max).toBe(100);
  expect(level.latency_ms?.mean).toBe(450);
});

test("a level without one whole answer has figures of zero and no times", () => {
  const records = [record({ latency_ms: 10, failure: busy })];
  const level = levelFigures({ load: { parallel: 1 }, records, wantedPromptTokens: [], testerBusy: 0 });
  expect(level).toMatchObject({ success_rate: 0, output_tokens_per_second: 0, latency_ms: null, ttft_ms: null });
});
