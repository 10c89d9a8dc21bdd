import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { setDefaultDevice } from "../core/device.ts";
import { liveTensors } from "../core/memory.ts";
import { loadModel } from "../models/load.ts";
import type { ChatMessage } from "../tokenizer/messages.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Answer, ChatSession } from "./chat-session.ts";
import { greedy } from "./sampler.ts";

const folder = fileURLToPath(new URL("../../assets/cygnet-tiny", import.meta.url));
const tokenizer = await Tokenizer.load(folder);
const model = loadModel(folder);
afterAll(() => model.dispose());

async function answer(session: ChatSession, messages: readonly ChatMessage[], maxTokens = 40): Promise<Answer> {
  const pieces = session.answer(messages, { sampling: greedy, maxTokens });
  let step = await pieces.next();
  for (; !step.done; step = await pieces.next());
  return step.value;
}

const user = (content: string): ChatMessage => ({ role: "user", content });
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });

describe("ChatSession", () => {
  test("a turn computes only what the cache does not have, and answers as without a cache", async () => {
    const before = liveTensors();
    const session = new ChatSession(model, tokenizer);
    const messages = [user("hello")];
    const first = await answer(session, messages);
    expect(first).toMatchObject({ cachedTokens: 0, finishReason: "stop" });
    messages.push(assistant(first.answer), user("who are you?"));
    const second = await answer(session, messages);
    expect(second.cachedTokens).toBeGreaterThanOrEqual(first.promptTokens + first.tokenIds.length - 2);
    const fresh = new ChatSession(model, tokenizer);
    expect((await answer(fresh, messages)).tokenIds).toEqual(second.tokenIds);
    const again = await answer(session, messages);
    expect(again.tokenIds).toEqual(second.tokenIds);
    expect(again.cachedTokens).toBe(again.promptTokens - 1);
    session.dispose();
    fresh.dispose();
    expect(liveTensors()).toBe(before);
  });

  test("after an answer that was left or cut the next one is right", async () => {
    const session = new ChatSession(model, tokenizer);
    for await (const _ of session.answer([user("hello")], { sampling: greedy, maxTokens: 40 })) break;
    await answer(session, [user("hello")], 3);
    const fresh = new ChatSession(model, tokenizer);
    const question = [user("who are you?")];
    expect((await answer(session, question)).tokenIds).toEqual((await answer(fresh, question)).tokenIds);
    session.dispose();
    fresh.dispose();
  });

  test("after a prompt that was stopped amid the next answer is right, and nothing of it is in the cache", async () => {
    setDefaultDevice("cpu"); // a GPU computes so few tokens at once
    const session = new ChatSession(model, tokenizer);
    const first = await answer(session, [user("hello")]);
    const said = [user("hello"), assistant(first.answer)];
    const controller = new AbortController();
    const stopped = session.answer([...said, user("something long, ".repeat(20))], {
      sampling: greedy,
      maxTokens: 40,
      signal: controller.signal,
      onPrompt: () => controller.abort(),
    });
    expect(await stopped.next()).toMatchObject({ done: true, value: { tokenIds: [], answer: "" } });
    const second = await answer(session, [...said, user("who are you?")]);
    expect(second.cachedTokens).toBeGreaterThanOrEqual(first.promptTokens);
    const fresh = new ChatSession(model, tokenizer);
    expect((await answer(fresh, [...said, user("who are you?")])).tokenIds).toEqual(second.tokenIds);
    session.dispose();
    fresh.dispose();
  });

  test("a bounded context starts again when it cannot go back", async () => {
    const session = new ChatSession(model, tokenizer, { maxSize: 16 });
    await answer(session, [user("hello")]);
    const second = await answer(session, [user("something else altogether, please")]);
    expect(second.cachedTokens).toBe(0);
    session.dispose();
  });
});
