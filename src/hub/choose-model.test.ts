import { expect, test } from "vitest";
import { chooseModels, smallestChoice } from "./choose-model.ts";

const mac = { activationBytes: 2, hasKernels: false };

test("what is recommended fits, the largest first, and whole where that fits too", () => {
  const choices = chooseModels("chinese", 12e9, "hf", mac);
  expect(choices.every(({ trainBytes }) => trainBytes <= 12e9)).toBe(true);
  const sizes = choices.map(({ parameters }) => parameters);
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  // The guides' own pair: 16 GB and a 7B model in 4 bits.
  expect(choices[0]).toMatchObject({ name: "mlx-community/Qwen2.5-7B-Instruct-4bit", method: "qlora" });
  expect(choices.at(-1)).toMatchObject({ method: "lora" });
});

test("more memory brings larger models, and names are those of the hub", () => {
  const names = chooseModels("general", 60e9, "modelscope", mac).map(({ name }) => name);
  expect(names[0]).toContain("32B");
  expect(names.join()).toContain("LLM-Research/Meta-Llama-3.1-8B-Instruct");
});

test("a model without a copy in 4 bits is recommended where it fits whole, and what is gated is said", () => {
  const codeNames = (limit: number) => chooseModels("code", limit, "hf", mac).map(({ name }) => name);
  expect(codeNames(12e9).join()).not.toContain("CodeLlama");
  expect(codeNames(25e9)).toContain("codellama/CodeLlama-7b-Instruct-hf");
  const gated = (limit: number, hub: "hf" | "modelscope") =>
    chooseModels("general", limit, hub, mac).find(({ name }) => name.includes("Llama-3.1"))?.isGated;
  expect([gated(25e9, "hf"), gated(12e9, "hf"), gated(25e9, "modelscope")]).toEqual([true, false, false]);
});

test("where nothing fits there is a least demanding one", () => {
  expect(chooseModels("code", 1e9, "hf", mac)).toEqual([]);
  expect(smallestChoice("code", "hf", mac)?.name).toContain("0.5B");
});
