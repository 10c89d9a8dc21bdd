import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { BenchResult, LevelResult } from "../src/protocol/bench-result.ts";
import { cygnet, folderWith } from "./command-line.ts";
import { type StartedServer, startServer, tinyModel } from "./started-server.ts";

const folder = folderWith({
  "prompts.jsonl":
    '{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]}\n{"prompt":"你好"}\n',
  "broken.jsonl": '{"prompt":"a"}\n{"text":"b"}\n',
});
let server: StartedServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const Printed = z.object({ levels: z.array(LevelResult.omit({ records: true })) });
const exact = ["--max-tokens", "12", "--min-tokens", "12", "--extra-args", '{"ignore_eos": true}'];

/** A load test of the embedded model on a real server. */
function bench(...args: readonly string[]) {
  return cygnet(["bench", "serve", "--url", server.url, ...args]);
}

function levels(stdout: string) {
  return Printed.parse(JSON.parse(stdout)).levels;
}

test("levels of clients, with prompts of exact length, as table, JSON file and page", { timeout: 120_000 }, () => {
  const [output, html] = [join(folder, "a.json"), join(folder, "a.html")];
  const lengths = ["--min-prompt-length", "40", "--max-prompt-length", "40", "--tokenizer-path", tinyModel];
  const load = ["--parallel", "1", "4", "--number", "4", "12", "--name", "before"];
  const ran = bench(...load, ...exact, ...lengths, "--output", output, "--html", html);
  expect(ran.stderr).not.toMatch(/failed|another number of tokens/);
  expect(ran.status).toBe(0);
  expect(ran.stdout).toMatch(/clients +requests +success/);
  const result = BenchResult.parse(JSON.parse(readFileSync(output, "utf8")));
  expect(result).toMatchObject({ name: "before", settings: { api: "chat", max_tokens: 12 } });
  expect(result.levels.map(({ parallel, requests, succeeded }) => [parallel, requests, succeeded])).toEqual([
    [1, 4, 4],
    [4, 12, 12],
  ]);
  for (const level of result.levels) {
    expect(level).toMatchObject({ prompt_tokens: 40 * level.requests, completion_tokens: 12 * level.requests });
    expect(level.records.every(({ tokens_from }) => tokens_from === "usage")).toBe(true);
    expect(level.ttft_ms?.max).toBeLessThan(level.latency_ms?.max ?? 0);
  }
  expect(readFileSync(html, "utf8")).toContain("<svg");

  const compared = cygnet(["bench", "compare", output, output, "--lang", "zh"]);
  expect(compared).toMatchObject({ status: 0, stderr: "" });
  expect(compared.stdout).toMatch(/输出词元\/s.*0\.0 %/);
});

test("without a tokenizer the server's count makes prompts of exact length, in an open loop too", {
  timeout: 120_000,
}, () => {
  const ran = bench("--rate", "20", "--number", "10", "--min-prompt-length", "33", ...exact, "--json");
  expect(ran.status).toBe(0);
  expect(levels(ran.stdout)).toMatchObject([
    { parallel: null, rate: 20, requests: 10, succeeded: 10, prompt_tokens: 330, other_prompt_lengths: 0 },
  ]);
});

test("prompts of a file go to chat, and whole answers need no stream", { timeout: 120_000 }, () => {
  const path = join(folder, "prompts.jsonl");
  const ran = bench("--dataset-path", path, "--number", "4", "--no-stream", "--max-tokens", "4", "--json");
  expect(ran.status).toBe(0);
  expect(levels(ran.stdout)).toMatchObject([{ succeeded: 4, ttft_ms: null }]);
});

test("what cannot be tested is told before anything is sent", { timeout: 120_000 }, () => {
  const told = (...args: readonly string[]) => {
    const { status, stderr } = bench(...args);
    expect(status).toBe(2);
    return stderr;
  };
  expect(told("--parallel", "1", "--rate", "1")).toMatch(/cannot go together/);
  expect(told("--parallel", "1", "2", "3", "--number", "4", "5")).toMatch(/3 levels, but --number has 2 values/);
  expect(told("--dataset-path", join(folder, "broken.jsonl"))).toMatch(/without a prompt, on line 2/);
  expect(told("--model", "nowhere", "--tokenizer-path", tinyModel)).toMatch(
    /does not answer: HTTP 404: There is no model/,
  );
  const gone = cygnet(["bench", "serve", "--url", "http://127.0.0.1:9", "--model", "m", "--tokenizer-path", tinyModel]);
  expect(gone.stderr).toMatch(/does not answer: connection refused/);
  expect(gone.status).toBe(2);
});

test("a file that is no result is not compared", () => {
  const { status, stderr } = cygnet([
    "bench",
    "compare",
    join(tinyModel, "config.json"),
    join(tinyModel, "config.json"),
  ]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/config\.json is no result of cygnet bench serve --output/);
});
