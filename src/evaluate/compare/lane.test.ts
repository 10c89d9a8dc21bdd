import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { tinyModel as tiny, tinyAdapters } from "../../../test/started-server.ts";
import { liveTensors } from "../../core/memory.ts";
import { generateTexts } from "../../generate/generate-texts.ts";
import { greedy } from "../../generate/sampler.ts";
import { loadModel } from "../../models/load.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import { evaluatePerplexity } from "../perplexity.ts";
import { GeneralTexts } from "./general-texts.ts";
import { Lane, type LaneAnswer, planLanes } from "./lane.ts";
import { typedQuestion } from "./questions.ts";

const adapter = join(tinyAdapters(["tuned"]), "tuned");
const texts = ["hello", "who are you?", "你是谁？", "一加一等于几？", "what can you do?"];
const answering = {
  sampling: () => greedy,
  maxTokens: 24,
  seed: 0,
  batchSize: 2,
};

async function answersOf(lane: Lane): Promise<LaneAnswer[]> {
  const answers: LaneAnswer[] = [];
  for await (const answer of lane.answers(texts.map(typedQuestion), answering)) answers.push(answer);
  return answers;
}

test("two sides on one set of weights answer as each does alone", async () => {
  const plans = planLanes({ base: { model: tiny, adapter: undefined }, tuned: { model: tiny, adapter } });
  expect(plans).toHaveLength(1);
  const alone: Record<string, string[]> = {};
  const tokenizer = await Tokenizer.load(tiny);
  const prompts = await Promise.all(
    texts.map((content) => tokenizer.encodeChat([{ role: "user", content }], { addGenerationPrompt: true })),
  );
  for (const side of ["base", "tuned"]) {
    const model = loadModel(tiny, { dtype: "float32" });
    if (side === "tuned") loadAdapter(model, adapter);
    alone[side] = [];
    const options = { sampling: greedy, maxTokens: 24, seed: 0, batchSize: 1 };
    for await (const { text } of generateTexts(model, tokenizer, prompts, options)) alone[side].push(text.trim());
    model.dispose();
  }
  const before = liveTensors();
  const [plan] = plans;
  if (!plan) throw new Error("no plan");
  const lane = await Lane.open(plan, { dtype: "float32" });
  const answers = await answersOf(lane);
  const text = "a text that both measure";
  const ids = await tokenizer.encode(text);
  const likelihoods = [lane.likelihood("base", { ids, first: 1 }), lane.likelihood("tuned", { ids, first: 1 })];
  lane.dispose();
  expect(liveTensors()).toBe(before);
  expect(answers.map(({ index, side }) => `${index} ${side}`)).toEqual(
    texts.flatMap((_, i) => [`${i} base`, `${i} tuned`]),
  );
  for (const side of ["base", "tuned"]) {
    expect(answers.filter((each) => each.side === side).map(({ answer }) => answer.answer)).toEqual(alone[side]);
  }
  expect(alone.base).not.toEqual(alone.tuned);
  expect(likelihoods[0]?.log_likelihood).not.toBeCloseTo(likelihoods[1]?.log_likelihood ?? 0, 3);

  const model = loadModel(tiny, { dtype: "float32" });
  const { loss, tokens } = await evaluatePerplexity(model, [ids], { batchSize: 1 });
  expect(likelihoods[0]?.tokens).toBe(tokens);
  expect(likelihoods[0]?.log_likelihood).toBeCloseTo(-loss * tokens, 3);
  model.dispose();
});

test("models that have no weights in common are loaded one after the other", () => {
  const other = join(mkdtempSync(join(tmpdir(), "cygnet-lane-")), "copy");
  cpSync(tiny, other, { recursive: true });
  const plans = planLanes({ base: { model: tiny, adapter: undefined }, tuned: { model: other, adapter } });
  expect(plans).toEqual([
    { model: tiny, sides: [{ name: "base", adapter: undefined }] },
    { model: other, sides: [{ name: "tuned", adapter }] },
  ]);
});

const Predicted = z.object({ log_likelihood_per_token: z.number(), tokens: z.int() });

test("forgetting is the loss of likelihood on texts that nobody trained on, and none against itself", async () => {
  const measured = async (tuned: string | undefined) => {
    const general = await GeneralTexts.read(undefined);
    const sides = { base: { model: tiny, adapter: undefined }, tuned: { model: tiny, adapter: tuned } };
    for (const plan of planLanes(sides)) {
      const lane = await Lane.open(plan);
      await general.measure(lane);
      lane.dispose();
    }
    return general.result(true);
  };
  expect(await measured(undefined)).toMatchObject({ texts: 80, loss: 0, interval: [0, 0], per: "token" });
  const { base, tuned, loss, interval } = z
    .looseObject({ loss: z.number(), interval: z.tuple([z.number(), z.number()]), base: Predicted, tuned: Predicted })
    .parse(await measured(adapter));
  expect(loss).toBeCloseTo(base.log_likelihood_per_token - tuned.log_likelihood_per_token, 10);
  expect(tuned.tokens).toBe(base.tokens);
  expect(interval[0]).toBeLessThan(loss);
  expect(interval[1]).toBeGreaterThan(loss);
});
