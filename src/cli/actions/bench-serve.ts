import { randomInt } from "node:crypto";
import { type Connections, Endpoint } from "../../bench/endpoint.ts";
import { FilePrompts } from "../../bench/file-prompts.ts";
import { type Level, type LevelStart, runLoadTest } from "../../bench/load-test.ts";
import { RandomNumbers } from "../../bench/random-numbers.ts";
import { type Prompt, type PromptSource, RandomPrompts, type Vocabulary } from "../../bench/random-prompts.ts";
import { htmlReport } from "../../bench/report/html-report.ts";
import { type RequestShape, requestBody } from "../../bench/request-body.ts";
import { levelsTable, remarks, timesTable } from "../../bench/result-tables.ts";
import { serverVocabulary, tokenizerVocabulary } from "../../bench/vocabularies.ts";
import { writeTextFile } from "../../core/text-file.ts";
import type { BenchResult, LevelResult } from "../../protocol/bench-result.ts";
import { say } from "../../protocol/language.ts";
import { UserError } from "../../protocol/user-error.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import type { BenchServeConfig } from "../commands/bench-serve.ts";
import { duration, StatusLine } from "../status-line.ts";
import { textTable } from "../text-table.ts";
import type { Ui } from "../ui.ts";
import { version } from "../version.ts";

const redrawMs = 250;
/** Flags that a result has elsewhere, or that are nobody's business. */
const notSettings = ["url", "model", "api_key", "output", "html"];

/** The flags, with the seed that this run has. */
type Config = BenchServeConfig & { seed: number };

export async function benchServe(flags: BenchServeConfig, ui: Ui): Promise<number> {
  const config = { ...flags, seed: flags.seed ?? randomInt(2 ** 32) };
  const levels = levelsOf(config);
  const endpoint = new Endpoint({
    url: config.url,
    api: config.api === "openai" ? undefined : config.api,
    apiKey: config.api_key ?? process.env.CYGNET_API_KEY,
    connectTimeoutMs: 1000 * config.connect_timeout,
    totalTimeoutMs: 1000 * config.total_timeout,
  });
  const measured: LevelResult[] = [];
  const model = config.model ?? (await endpoint.firstModel());
  const startedAt = new Date().toISOString();
  const ended = await ui.interruptible(async (signal) => {
    ui.say("bench/start", { url: endpoint.url.href, model });
    const shape = shapeOf(config, endpoint, model);
    const prompts = await promptsOf(config, endpoint, shape, signal, ui);
    const line = new ProgressLine(levels.length, ui);
    const { warm_up: warmUp, seed } = config;
    const bodyOf = (prompt: Prompt) => requestBody(shape, prompt);
    const test = { endpoint, levels, prompts, bodyOf, warmUp, seed, signal };
    try {
      for await (const level of runLoadTest(test, (start) => line.begin(start))) {
        line.end();
        measured.push(level);
      }
    } finally {
      line.end();
    }
    return true;
  });
  const [first, ...rest] = measured;
  if (first) show(config, resultOf(config, endpoint, model, startedAt, [first, ...rest]), ui);
  if (!ended) return 130;
  if (measured.some(({ succeeded }) => succeeded > 0)) return 0;
  throw new UserError("bench/all-failed", { url: endpoint.url.href });
}

/** @throws UserError where flags contradict each other */
function levelsOf({ parallel, rate, number }: BenchServeConfig): Level[] {
  if (parallel && rate) throw new UserError("bench/parallel-and-rate", {});
  const loads = rate ? rate.map((each) => ({ rate: each })) : (parallel ?? [1]).map((each) => ({ parallel: each }));
  if (number && number.length > 1 && number.length !== loads.length) {
    const flag = rate ? "--rate" : "--parallel";
    throw new UserError("bench/levels-differ", { flag, levels: loads.length, numbers: number.length });
  }
  return loads.map((load, i) => {
    const twice = Math.max(10, 2 * Math.ceil("parallel" in load ? load.parallel : load.rate));
    return { ...load, requests: number?.[i] ?? number?.[0] ?? twice };
  });
}

function shapeOf(config: BenchServeConfig, { api }: Endpoint, model: string): RequestShape {
  const { stream, max_tokens: maxTokens, min_tokens: minTokens, temperature, extra_args: extra = {} } = config;
  return { api, model, stream, maxTokens, minTokens, temperature, extra };
}

async function promptsOf(
  config: Config,
  endpoint: Endpoint,
  shape: RequestShape,
  signal: AbortSignal,
  ui: Ui,
): Promise<PromptSource> {
  const { dataset_path: path, dataset = path === undefined ? "random" : "file" } = config;
  if (dataset === "file") {
    if (path === undefined) throw new UserError("bench/needs-file", {});
    return FilePrompts.load(path);
  }
  const max = config.max_prompt_length ?? Math.max(128, config.min_prompt_length ?? 0);
  const min = config.min_prompt_length ?? Math.min(128, max);
  const lengths = { min, max: config.max_prompt_length ?? min, prefix: config.prefix_length };
  if (lengths.min > lengths.max) throw new UserError("bench/prompt-range", lengths);
  const random = new RandomNumbers(config.seed);
  return new RandomPrompts(await vocabularyOf(config, endpoint, shape, random, signal, ui), lengths, random);
}

async function vocabularyOf(
  { tokenizer_path, extra_args }: Config,
  endpoint: Endpoint,
  shape: RequestShape,
  random: RandomNumbers,
  signal: AbortSignal,
  ui: Ui,
): Promise<Vocabulary> {
  if (tokenizer_path !== undefined) {
    const given = extra_args?.chat_template_kwargs;
    const variables = typeof given === "object" && given !== null ? { ...given } : {};
    return tokenizerVocabulary(await Tokenizer.load(tokenizer_path), shape.api, variables, random);
  }
  ui.say("bench/learning-words", {});
  const connections = endpoint.connect(1);
  const close = () => void connections.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    return await serverVocabulary((text) => tokensOnServer(text, connections, shape, endpoint, signal));
  } finally {
    signal.removeEventListener("abort", close);
    await connections.close();
  }
}

async function tokensOnServer(
  text: string,
  connections: Connections,
  shape: RequestShape,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<number> {
  const prompt = { text, tokens: undefined };
  const extra = { ...shape.extra, max_tokens: 1, min_tokens: undefined };
  const { failure, prompt_tokens } = await connections.send(requestBody({ ...shape, extra }, prompt));
  signal.throwIfAborted();
  if (failure) throw new UserError("bench/no-answer", { url: endpoint.url.href, failure });
  if (prompt_tokens === null) throw new UserError("bench/no-usage", {});
  return prompt_tokens;
}

function resultOf(
  config: Config,
  endpoint: Endpoint,
  model: string,
  startedAt: string,
  levels: [LevelResult, ...LevelResult[]],
): BenchResult {
  const { name, ...flags } = config;
  const settings = Object.entries(flags).filter(([flag, value]) => value !== undefined && !notSettings.includes(flag));
  return {
    kind: "cygnet bench serve",
    version: version(),
    name: name ?? model,
    url: endpoint.url.href,
    model,
    started_at: startedAt,
    settings: { ...Object.fromEntries(settings), api: endpoint.api },
    levels,
  };
}

function show({ output, html }: BenchServeConfig, result: BenchResult, ui: Ui): void {
  const [heads = [], ...rows] = timesTable(result);
  const times = rows.length > 0 ? `\n${textTable([heads, ...rows], 2)}` : "";
  ui.print(`\n${textTable(levelsTable(result))}${times}\n`);
  for (const remark of remarks(result)) ui.tell(`${remark}\n`);
  if (output !== undefined) {
    writeTextFile(output, `${JSON.stringify(result, rounded)}\n`);
    ui.say("bench/saved", { path: output });
  }
  if (html !== undefined) {
    writeTextFile(html, htmlReport([result]));
    ui.say("bench/saved", { path: html });
  }
  ui.emit({ ...result, levels: result.levels.map(({ records: _, ...level }) => level) });
}

/** Microseconds are as fine as the clock means anything. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toFixed(6)) : value;
}

/** How far a level is, on a terminal. */
class ProgressLine {
  readonly #line: StatusLine;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly levels: number,
    ui: Ui,
  ) {
    this.#line = new StatusLine(ui);
  }

  begin({ level, index, connections: { progress } }: LevelStart): void {
    const begun = performance.now();
    const load = { parallel: null, rate: null, ...level };
    this.#timer = setInterval(() => {
      const seconds = (performance.now() - begun) / 1000;
      this.#line.draw(
        say("bench/progress", {
          level: say("bench/level", load),
          index: index + 1,
          levels: this.levels,
          done: progress.answered,
          requests: level.requests,
          failed: progress.failed,
          chunksPerSecond: progress.chunks / seconds,
          seconds: duration(seconds),
        }),
      );
    }, redrawMs);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#line.end();
  }
}
