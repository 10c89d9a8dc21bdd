import { performance } from "node:perf_hooks";
import type { LevelResult, RequestRecord } from "../protocol/bench-result.ts";
import { UserError } from "../protocol/user-error.ts";
import { poissonArrivals } from "./arrivals.ts";
import type { Connections, Endpoint } from "./endpoint.ts";
import { levelFigures } from "./level-figures.ts";
import { RandomNumbers } from "./random-numbers.ts";
import type { Prompt, PromptSource } from "./random-prompts.ts";
import { runClosedLoop, runOpenLoop } from "./run-level.ts";

/** One load: so many requests by clients at a time, or at a rate. */
export type Level = { requests: number } & ({ parallel: number } | { rate: number });

export interface LoadTest {
  endpoint: Endpoint;
  levels: readonly Level[];
  prompts: PromptSource;
  bodyOf(prompt: Prompt): string;
  /** Requests before each level that do not count. */
  warmUp: number;
  /** Decides when requests of an open loop arrive. */
  seed: number;
  signal?: AbortSignal | undefined;
}

/** A level that begins; its connections say how far it is. */
export interface LevelStart {
  level: Level;
  index: number;
  connections: Connections;
}

/**
 * Runs the levels one after the other and yields each one's figures.
 * @throws UserError when no request of the first warm-up is answered: a test would count nothing but failures
 */
export async function* runLoadTest(test: LoadTest, onStart: (start: LevelStart) => void): AsyncGenerator<LevelResult> {
  const random = new RandomNumbers(test.seed);
  for (const [index, level] of test.levels.entries()) {
    const connections = test.endpoint.connect("parallel" in level ? level.parallel : undefined);
    const close = () => void connections.close();
    test.signal?.addEventListener("abort", close, { once: true });
    try {
      await warmUp(test, connections, level, index === 0);
      const prompts = await test.prompts.take(level.requests);
      const bodies = prompts.map(test.bodyOf);
      Object.assign(connections.progress, { answered: 0, failed: 0, chunks: 0 });
      onStart({ level, index, connections });
      const before = performance.eventLoopUtilization();
      const records = await runLevel(level, connections, bodies, random, test.signal);
      const { utilization } = performance.eventLoopUtilization(before);
      const wantedPromptTokens = prompts.map(({ tokens }) => tokens);
      yield levelFigures({ load: level, records, wantedPromptTokens, testerBusy: utilization });
    } finally {
      test.signal?.removeEventListener("abort", close);
      await connections.close();
    }
  }
}

async function runLevel(
  level: Level,
  connections: Connections,
  bodies: readonly string[],
  random: RandomNumbers,
  signal: AbortSignal | undefined,
): Promise<RequestRecord[]> {
  if ("parallel" in level) return runClosedLoop(connections, bodies, level.parallel, signal);
  return runOpenLoop(connections, bodies, poissonArrivals(bodies.length, level.rate, random), signal);
}

/** As many at a time as the level will have; the server's count of the first prompt corrects those that follow. */
async function warmUp(test: LoadTest, connections: Connections, level: Level, isFirst: boolean): Promise<void> {
  if (test.warmUp === 0) return;
  const prompts = await test.prompts.take(test.warmUp);
  const parallel = "parallel" in level ? level.parallel : 1;
  const records = await runClosedLoop(connections, prompts.map(test.bodyOf), parallel, test.signal);
  const [prompt] = prompts;
  const [record] = records;
  const failure = record?.failure;
  if (isFirst && failure && records.every((each) => each.failure)) {
    throw new UserError("bench/no-answer", { url: test.endpoint.url.href, failure });
  }
  const counted = record?.prompt_tokens;
  if (isFirst && prompt && typeof counted === "number") test.prompts.correct?.(prompt, counted);
}
