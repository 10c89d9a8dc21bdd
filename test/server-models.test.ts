import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Ollama } from "ollama";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { folderWith } from "./command-line.ts";
import { type StartedServer, startServer, tinyModel } from "./started-server.ts";

const cache = folderWith({ "models--some--broken/refs/main": "0123" });
const snapshot = join(cache, "models--some--tiny/snapshots/0123");

let server: StartedServer;
let ollama: Ollama;
beforeAll(async () => {
  mkdirSync(snapshot, { recursive: true });
  cpSync(tinyModel, snapshot, { recursive: true });
  mkdirSync(join(cache, "models--some--tiny/refs"), { recursive: true });
  cpSync(join(cache, "models--some--broken/refs/main"), join(cache, "models--some--tiny/refs/main"));
  server = await startServer(["--ttl", "1"], { HF_HUB_CACHE: cache, MODELSCOPE_CACHE: join(cache, "none") });
  ollama = new Ollama({ host: server.url });
});
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

const loaded = async () => (await ollama.ps()).models;
const ask = async (model: string) =>
  (await ollama.chat({ model, messages: [{ role: "user", content: "hello" }] })).message.content;

describe("models", () => {
  test("in the hubs' caches are listed when they are whole, and loaded when they are named", async () => {
    const Models = z.object({ data: z.array(z.object({ id: z.string() })) });
    const { data } = Models.parse(await (await fetch(`${server.url}/v1/models`)).json());
    expect(data.map(({ id }) => id)).toEqual([tinyModel, "some/tiny"]);
    expect((await ollama.list()).models.map(({ name }) => name)).toEqual([tinyModel, "some/tiny"]);
    expect(await ask("some/tiny")).toBe(await ask("base"));
    expect((await loaded()).map(({ name }) => name).sort()).toEqual([tinyModel, "some/tiny"].sort());
    await expect(ask("some/broken")).rejects.toThrow(/no model some\/broken/);
  });

  test("are unloaded when nobody used them for --ttl seconds, and loaded again when they are asked for", async () => {
    const before = await ask("base");
    const [{ expires_at } = {}] = await loaded();
    expect(new Date(expires_at ?? 0).getTime()).toBeLessThan(Date.now() + 2000);
    await expect.poll(loaded, { timeout: 10_000 }).toEqual([]);
    expect(await ask("base")).toBe(before);
    expect(await loaded()).toHaveLength(1);
  });

  test("are not unloaded while they answer", async () => {
    const prompt = ["hello", "你好", "a swan"];
    const body = { model: "base", prompt, max_tokens: 1000, ignore_eos: true, temperature: 1 };
    const response = await fetch(`${server.url}/v1/completions`, { method: "POST", body: JSON.stringify(body) });
    expect(Usage.parse(await response.json()).usage.completion_tokens).toBe(3000);
    expect(await loaded()).toHaveLength(1);
  });
});

const Usage = z.object({ usage: z.object({ completion_tokens: z.number() }) });
