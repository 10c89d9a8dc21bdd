import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cygnetStarted, folderWith, toys } from "./command-line.ts";
import { type HubRepository, HubServer } from "./hub-server.ts";
import { onSmallDisk } from "./small-disk.ts";

let server: HubServer;
let home = "";

beforeEach(async () => {
  server = await HubServer.start();
  home = folderWith({});
  server.repositories.push(toy("org/Toy-Instruct"));
});
afterEach(() => server.stop());

function toy(name: string): HubRepository {
  const folder = join(toys, "qwen3");
  const names = readdirSync(folder).filter((file) => statSync(join(folder, file)).isFile());
  const files = Object.fromEntries(names.map((file) => [file, readFileSync(join(folder, file))]));
  return { name, files: { ...files, "README.md": Buffer.from("---\nlicense: llama3.1\n---\n") } };
}

const run = (...args: string[]) => cygnetStarted(args, { cwd: home, env: server.environment(home) }).finished;

test.each(["hf", "modelscope"])("info of a model on %s reads its small files and headers, no weights", async (hub) => {
  const { status, stdout, stderr } = await run("models", "info", "org/Toy-Instruct", "--hub", hub, "--json");
  expect(status, stderr).toBe(0);
  const facts = JSON.parse(stdout);
  expect(facts).toMatchObject({
    hub,
    folder: null,
    model_type: "qwen3",
    supported: true,
    tuning: "instruct",
    licence: { id: "llama3.1", commercial_use: "conditions" },
  });
  expect(facts.parameters).toBeGreaterThan(1000);
  expect(facts.memory[0]).toMatchObject({ what: "run", fits: true });
  expect(server.fileRequests("model.safetensors").every(({ range }) => range?.startsWith("bytes="))).toBe(true);

  const pulled = await run("pull", "org/Toy-Instruct", "--hub", hub);
  expect(pulled.status).toBe(0);
  server.forget();
  const here = await run("models", "info", "org/Toy-Instruct", "--json");
  const { folder: _one, hub: _two, ...rest } = facts;
  expect(JSON.parse(here.stdout)).toMatchObject(rest);
  expect(server.requests).toEqual([]);
});

test("info of a gated model ends at once and says what to do", async () => {
  server.repositories.push({ ...toy("meta/gated"), gated: true });
  const start = Date.now();
  const { status, stderr } = await run("models", "info", "meta/gated");
  expect(status).toBe(2);
  expect(stderr).toContain("https://huggingface.co/meta/gated");
  expect(Date.now() - start).toBeLessThan(10_000);
});

test("info of a model of many files warns of nothing", async () => {
  const { files } = toy("org/x");
  const weights = files["model.safetensors"] ?? "";
  const shards = Array.from({ length: 30 }, (_, i) => [`model-${i}.safetensors`, weights]);
  server.repositories.push({ name: "org/shards", files: { ...files, ...Object.fromEntries(shards) } });
  const { status, stderr } = await run("models", "info", "org/shards");
  expect(status).toBe(0);
  expect(stderr.trim().split("\n")).toHaveLength(1); // how to get it
});

test("info says in words whether it fits", async () => {
  const { stdout, stderr } = await run("models", "info", "org/Toy-Instruct");
  expect(stdout).toMatch(/fits, \d+\.\d GB to spare/);
  expect(stdout).toContain("Built with Llama");
  expect(stderr).toContain("pull org/Toy-Instruct");
  const chinese = await run("models", "info", "org/Toy-Instruct", "--lang", "zh");
  expect(chinese.stdout).toMatch(/放得下，还剩 \d+\.\d GB/);
});

test("list shows both hubs and what is not complete; remove asks, says what it frees, and frees it", async () => {
  await run("pull", "org/Toy-Instruct");
  await run("pull", "org/Toy-Instruct", "--hub", "modelscope");
  const half = join(home, "huggingface/hub/models--org--half/blobs");
  mkdirSync(half, { recursive: true });
  writeFileSync(join(half, "abc.1-00000000.incomplete"), "x".repeat(5000));
  const listed = await run("models", "list", "--json");
  const entries: { name: string; hub: string; complete: boolean; bytes: number }[] = JSON.parse(listed.stdout);
  expect(entries.map(({ name, hub, complete }) => [name, hub, complete])).toEqual([
    ["org/half", "hf", false],
    ["org/Toy-Instruct", "hf", true],
    ["org/Toy-Instruct", "modelscope", true],
  ]);
  expect((await run("models", "list")).stdout).toMatch(/org\/half +Hugging Face +5 kB +not complete/);

  const unasked = await run("models", "remove", "org/half");
  expect(unasked.status).toBe(2);
  expect(unasked.stderr).toContain("--yes");
  const removed = await run("models", "remove", "org/toy-instruct", "--hub", "hf", "--yes", "--json");
  expect(JSON.parse(removed.stdout)).toMatchObject({ freed_bytes: entries[1]?.bytes });
  expect(existsSync(join(home, "huggingface/hub/models--org--Toy-Instruct"))).toBe(false);
  expect(existsSync(join(home, "modelscope/models/org--Toy-Instruct"))).toBe(true);
  const wrong = await run("models", "remove", "org/Toy-Instruckt", "--yes");
  expect(wrong.stderr).toContain("Did you mean org/Toy-Instruct?");
});

test("recommend gives a command for each model", async () => {
  const { stdout } = await run("models", "recommend", "--memory", "16GB", "--task", "chinese", "--json");
  const { models } = JSON.parse(stdout);
  expect(models.length).toBeGreaterThan(2);
  for (const { name, command } of models) expect(command).toContain(`pull ${name}`);
  const none = await run("models", "recommend", "--memory", "2GB");
  expect(none.stdout).toContain("models recommend --task small --memory 2GB");
});

onSmallDisk("a disk that fills up while a file comes is told, and the same command goes on", async (disk) => {
  server.repositories.push({
    name: "org/big",
    files: {
      "config.json": '{"model_type":"qwen3"}',
      "tokenizer.json": "{}",
      "model.safetensors": Buffer.alloc(800e3),
    },
  });
  server.bytesPerSecond = 800e3;
  const env = { ...server.environment(home), HF_HOME: disk };
  const pull = () => cygnetStarted(["pull", "org/big"], { cwd: home, env });
  const first = pull();
  while (server.fileRequests("model.safetensors").length === 0) await sleep(20);
  writeFileSync(join(disk, "other"), Buffer.alloc(500e3));
  const { status, stderr } = await first.finished;
  expect(status).toBe(2);
  expect(stderr).toMatch(/org\/big needs \d+ kB more/);
  expect(stderr).not.toMatch(/^\s+at /m);
  rmSync(join(disk, "other"));
  const second = await pull().finished;
  expect(second.status, second.stderr).toBe(0);
});

onSmallDisk("a disk without room is told before anything is downloaded", async (disk) => {
  server.repositories.push({ name: "org/big", files: { "config.json": "{}", "model.safetensors": Buffer.alloc(3e6) } });
  const env = { ...server.environment(home), HF_HOME: disk };
  const { status, stderr } = await cygnetStarted(["pull", "org/big"], { cwd: home, env }).finished;
  expect(status).toBe(2);
  expect(stderr).toContain("3.0 MB");
  expect(stderr).toContain("HF_HOME");
  expect(server.fileRequests("model.safetensors")).toEqual([]);
});
