import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { cygnet, cygnetStarted, folderWith } from "./command-line.ts";

const tiny = join(import.meta.dirname, "../assets/cygnet-tiny");
const Line = z.looseObject({ answer: z.string(), finish_reason: z.string() });
const Text = z.looseObject({ text: z.string() });
const Turn = z.object({ question: z.string(), answers: z.array(z.looseObject({ answer: z.string() })) });

const linesOf = (text: string): unknown[] =>
  text
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));

describe("cygnet generate", () => {
  test("answers a file of prompts, together as alone, and keeps what else a row says", () => {
    const folder = folderWith({
      "prompts.jsonl":
        '{"prompt": "hello", "id": 7}\n\n{"messages": [{"role": "user", "content": "你是谁？"}, {"role": "assistant", "content": "?"}]}\n{"prompt": "who are you?"}\n',
    });
    const common = ["generate", "--model", tiny, "--prompts", "prompts.jsonl"];
    const { status, stderr } = cygnet([...common, "--output", "answers.jsonl"], { cwd: folder });
    expect(status, stderr).toBe(0);
    const answers = linesOf(readFileSync(join(folder, "answers.jsonl"), "utf8")).map((line) => Line.parse(line));
    expect(answers.map(({ answer }) => answer)).toEqual([
      "Hello! How can I help you?",
      expect.stringContaining("Cygnet"),
      expect.stringContaining("Cygnet"),
    ]);
    expect(answers[0]).toMatchObject({ id: 7, finish_reason: "stop" });
    const single = cygnet([...common, "--batch-size", "1"], { cwd: folder });
    expect(linesOf(single.stdout)).toEqual(answers);
  });

  test("the same seed gives the same text among others and alone", () => {
    const questions = ["who are you?", "hello", "你是谁？"];
    const rows = questions.map((prompt) => `${JSON.stringify({ prompt })}\n`).join("");
    const folder = folderWith({ "prompts.jsonl": rows });
    const run = (...args: string[]) =>
      cygnet(["generate", "--model", tiny, "--dtype", "float32", "--temp", "1", "--seed", "3", "--json", ...args], {
        cwd: folder,
      });
    const together = linesOf(run("--prompts", "prompts.jsonl").stdout).map((line) => Line.parse(line).answer);
    const alone = questions.map((prompt) => Text.parse(JSON.parse(run("--prompt", prompt).stdout)).text);
    expect(together).toEqual(alone);
  });

  test("says which line is no prompt, and which flags do not go together", () => {
    const folder = folderWith({ "prompts.jsonl": '{"prompt": "a"}\n{"question": "b"}\n' });
    const bad = cygnet(["generate", "--model", tiny, "--prompts", "prompts.jsonl"], { cwd: folder });
    expect([bad.status, bad.stderr]).toEqual([2, expect.stringContaining("prompts.jsonl, line 2")]);
    for (const others of [
      ["--prompts", "prompts.jsonl", "--kv-bits", "4"],
      ["--draft-model", tiny, "--max-kv-size", "64"],
      ["--prompt-cache-file", "c", "--kv-bits", "8"],
    ]) {
      const { status, stderr } = cygnet(["generate", "--model", tiny, ...others], { cwd: folder });
      expect([status, stderr]).toEqual([2, expect.stringContaining("does not go with")]);
    }
  });

  test("reads a prompt from a pipe, and from a file that a shell gives", () => {
    const folder = folderWith({ "prompt.txt": "who are you?" });
    const program = join(import.meta.dirname, "../bin/cygnet.mjs");
    const through = (line: string) => {
      const script = line.replace("cygnet", `"${process.execPath}" "${program}" generate --model "${tiny}" --json`);
      const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { cwd: folder, encoding: "utf8" });
      expect(status, stderr).toBe(0);
      return Text.parse(JSON.parse(stdout)).text;
    };
    expect(through("cat prompt.txt | cygnet")).toContain("Cygnet");
    expect(through("cygnet < prompt.txt")).toContain("Cygnet");
    expect(through("cat prompt.txt | cygnet --prompt hello")).toContain("Hello");
    expect(through("cygnet < /dev/null")).toContain("Hello");
  });

  test.each(["on", "off"])("every way to decode gives the same answer, with our kernels %s", (kernels) => {
    const folder = folderWith({});
    const run = (...args: string[]) => {
      const all = ["generate", "--model", tiny, "--dtype", "float32", "--prompt", "who are you?", ...args];
      const { status, stdout, stderr } = cygnet(all, { cwd: folder, env: { CYGNET_CPU_KERNELS: kernels } });
      expect(status, stderr).toBe(0);
      return stdout;
    };
    const plain = run();
    expect(plain).toContain("Cygnet");
    for (const args of [
      ["--prefill-step-size", "3"],
      ["--max-kv-size", "256", "--prefill-step-size", "5"],
      ["--kv-bits", "8", "--kv-group-size", "32", "--quantized-kv-start", "12"],
      ["--draft-model", tiny],
      ["--prompt-cache-file", "kept"],
      ["--prompt-cache-file", "kept"],
    ]) {
      expect(run(...args), args.join(" ")).toBe(plain);
    }
  });

  test("goes on from a kept prompt, and takes no other model's", () => {
    const folder = folderWith({});
    const run = (...args: string[]) =>
      cygnet(["generate", "--model", tiny, "--prompt-cache-file", "kept.safetensors", ...args], { cwd: folder });
    const first = run("--prompt", "who are you?");
    const again = run("--prompt", "who are you?");
    expect(again.stdout).toBe(first.stdout);
    expect(again.stderr).toContain("came from kept.safetensors");
    const other = run("--prompt", "who are you?", "--dtype", "float16");
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining("another model")]);
  });
});

describe("an interrupt", () => {
  test("ends an answer with status 130", async () => {
    const { child, finished } = cygnetStarted([
      "generate",
      "--model",
      tiny,
      "--max-tokens",
      "1000000",
      "--logit-bias",
      '{"4095": -1000}',
    ]);
    child.stdout?.once("data", () => child.kill("SIGINT"));
    const { status, stdout, stderr } = await finished;
    expect([status, stderr]).toEqual([130, ""]);
    expect(stdout.endsWith("\n")).toBe(true);
  });

  test("ends a prompt that would take minutes, and keeps the answers of a file that were there", async () => {
    const folder = folderWith({
      "prompts.jsonl": `{"prompt": "hello"}\n${JSON.stringify({ prompt: "who are you? ".repeat(30_000) })}\n`,
    });
    const args = ["generate", "--model", tiny, "--prompts", "prompts.jsonl", "--batch-size", "1"];
    const { child, finished } = cygnetStarted(args, { cwd: folder });
    child.stdout?.once("data", () => child.kill("SIGINT"));
    const { status, stdout, stderr } = await finished;
    expect(status).toBe(130);
    expect(linesOf(stdout).map((line) => Line.parse(line).answer)).toEqual(["Hello! How can I help you?"]);
    expect(stderr).toContain("1 answers");
  });
});

describe("cygnet chat", () => {
  test("keeps a conversation, saves it, and takes it up again", () => {
    const folder = folderWith({});
    const input =
      "hello\nwho are you?\n/save talk.json\n/reset\n/load talk.json\n/regenerate\n/nonsense\n/exit\nnever\n";
    const { status, stdout, stderr } = cygnet(["chat", "--model", tiny, "--json"], { cwd: folder, input });
    expect(status, stderr).toBe(0);
    const turns = linesOf(stdout).map((line) => Turn.parse(line));
    expect(turns.map(({ question }) => question)).toEqual(["hello", "who are you?", "who are you?"]);
    expect(turns[2]?.answers).toEqual(turns[1]?.answers);
    expect(stderr).toContain("There is no command /nonsense");
    const saved = z.object({ messages: z.array(z.unknown()) });
    expect(saved.parse(JSON.parse(readFileSync(join(folder, "talk.json"), "utf8"))).messages).toHaveLength(4);
  });

  test("a question that cannot be put is not part of the conversation, and an edit that is not sent changes nothing", () => {
    const template =
      "{% if messages | length > 3 %}{{ raise_exception('too long') }}{% endif %}{{ messages[-1].content }}";
    const folder = folderWith({});
    cpSync(tiny, join(folder, "model"), { recursive: true });
    writeFileSync(join(folder, "model/chat_template.jinja"), template);
    const input = "one\ntwo\nthree\nfour\n/edit\n\n/save talk.json\n";
    const { status, stdout, stderr } = cygnet(["chat", "--model", "model", "-m", "2", "--json"], {
      cwd: folder,
      input,
    });
    expect(status, stderr).toBe(0);
    expect(linesOf(stdout).map((line) => Turn.parse(line).question)).toEqual(["one", "two"]);
    expect(stderr.match(/too long/g)).toHaveLength(2);
    const saved = z.object({ messages: z.array(z.looseObject({ role: z.string() })) });
    const { messages } = saved.parse(JSON.parse(readFileSync(join(folder, "talk.json"), "utf8")));
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
  });

  test("an answer that stays the same is explained", () => {
    const { stderr } = cygnet(["chat", "--model", tiny], { input: "hello\n/regenerate\n" });
    expect(stderr).toContain("With temp 0 the answer is always the same");
  });

  test("compares only what can be compared", () => {
    const { status, stderr } = cygnet(["chat", "--model", tiny, "--compare"], { input: "hello\n" });
    expect([status, stderr]).toEqual([2, expect.stringContaining("--adapter-path")]);
  });
});
