import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { patterned } from "../../test/gradients.ts";
import { parity, read, relativeDifference } from "../../test/parity/fixtures.ts";
import { toyModel } from "../../test/toys.ts";
import { integers, tensor } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import { loadDataset } from "../data/dataset.ts";
import { tokenizeRows } from "../data/sample.ts";
import { loadModel } from "../models/load.ts";
import { SwitchLinear } from "../nn/switch-linear.ts";
import { UserError } from "../protocol/user-error.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type AdapterSettings, loadTrainable, makeTrainable } from "./adapters.ts";
import { makeBatch } from "./batches.ts";
import { evaluateLoss } from "./evaluate-loss.ts";
import { loadAdapter } from "./load-adapter.ts";
import { LoRASwitchLinear } from "./lora-switch.ts";
import { countParameters } from "./parameter-count.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-adapters-"));
afterAll(() => rmSync(folder, { recursive: true }));

function rejection(body: () => unknown): UserError {
  try {
    body();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("nothing was rejected");
}

type Changes = { num_layers?: number; fine_tune_type?: "lora" | "dora" | "full" };
const lora = (changes: Changes = {}, keys?: string[]): AdapterSettings => ({
  fine_tune_type: "lora",
  num_layers: -1,
  lora_parameters: { rank: 2, scale: 3, dropout: 0, keys },
  ...changes,
});

const Expected = z.object({
  losses: z.object({ valid: z.number(), test: z.number() }),
  answers: z.array(z.object({ prompt: z.string(), text: z.string(), logits: z.array(z.number()) })),
});
const Config = z.looseObject({ model: z.string(), data: z.string(), mask_prompt: z.boolean().default(false) });

const kept = [
  "adam-mistral-completions",
  "adamw-chat-masked",
  "dora",
  "full",
  "qlora-4bit",
  "lora-mixtral",
  "qlora-qwen3-moe",
];
describe.each(kept)("mlx-lm's adapter of %s", (name) => {
  const config = Config.parse(parse(readFileSync(join(parity, "curves", name, "config.yaml"), "utf8")));
  const expected = read(join("curves", name, "adapter", "expected.json"), Expected);
  const model = loadModel(join(parity, config.model));
  loadAdapter(model, join(parity, "curves", name, "adapter"));
  const tokenizer = Tokenizer.load(join(parity, config.model));

  test("gives its losses on other rows", async () => {
    const data = await loadDataset(join(parity, config.data), config);
    for (const part of ["valid", "test"] as const) {
      const options = { maskPrompt: config.mask_prompt, compat: true, maxSeqLength: 256 };
      const { samples } = await tokenizeRows(data[part], await tokenizer, options);
      const loss = await evaluateLoss(
        model,
        samples.map((sample) => makeBatch([sample], 256, true)),
      );
      expect(relativeDifference([loss], [expected.losses[part]]), part).toBeLessThan(1e-4);
    }
  });

  test("gives its logits and greedy answers", async () => {
    const { encode, render, decode, eosTokenIds } = bound(await tokenizer);
    for (const { prompt, text, logits } of expected.answers) {
      const ids = [
        ...(await encode(render([{ role: "user", content: prompt }], { addGenerationPrompt: true }), {
          addSpecialTokens: false,
        })),
      ];
      const answer: number[] = [];
      for (let step = 0; step < 24; step++) {
        const last = scope(() => model.forward(integers(ids, [1, ids.length])).at(1, -1)).toArray();
        if (step === 0) expect(relativeDifference(last, logits), prompt).toBeLessThan(1e-3);
        const next = last.indexOf(Math.max(...last));
        if (eosTokenIds.includes(next)) break;
        ids.push(next);
        answer.push(next);
      }
      // mlx-lm's detokenizer drops the blank before the first word and leaves byte 0 as the vocabulary spells it.
      expect((await decode(answer)).trimStart().replaceAll("\0", "Ā"), prompt).toBe(text.trimStart());
    }
  });

  test("leaves nothing to train", () => {
    expect(model.trainableParameters()).toEqual({});
  });
});

function bound(tokenizer: Tokenizer) {
  return {
    encode: tokenizer.encode.bind(tokenizer),
    render: tokenizer.render.bind(tokenizer),
    decode: async (ids: number[]) => tokenizer.decode(ids),
    eosTokenIds: [...tokenizer.eosTokenIds],
  };
}

describe("makeTrainable", () => {
  const trained = (settings: AdapterSettings) => {
    const model = toyModel("qwen3", { num_hidden_layers: 3, tie_word_embeddings: false });
    makeTrainable(model, settings);
    return Object.keys(model.trainableParameters());
  };

  test("adapts every linear layer of the last blocks, all blocks for 0 and less", () => {
    const layers = (paths: string[]) => [...new Set(paths.map((path) => path.split(".")[2]))];
    expect(layers(trained(lora({ num_layers: 2 })))).toEqual(["1", "2"]);
    expect(layers(trained(lora({ num_layers: 0 })))).toEqual(["0", "1", "2"]);
    expect(trained(lora({ num_layers: 1 })).length).toBe(7 * 2);
    expect(trained(lora({ num_layers: 1, fine_tune_type: "dora" })).length).toBe(7 * 3);
    expect(
      trained(lora({ num_layers: 1, fine_tune_type: "full" })).every((path) => path.startsWith("model.layers.2.")),
    ).toBe(true);
  });

  test("keys name layers of a block or of the model", () => {
    const paths = trained(lora({ num_layers: 1 }, ["self_attn.q_proj", "lm_head", "model.embed_tokens"]));
    expect(paths.sort()).toEqual([
      "lm_head.lora_a",
      "lm_head.lora_b",
      "model.embed_tokens.lora_a",
      "model.embed_tokens.lora_b",
      "model.layers.2.self_attn.q_proj.lora_a",
      "model.layers.2.self_attn.q_proj.lora_b",
    ]);
  });

  test("a fresh adapter changes nothing", () => {
    const tokens = integers([1, 2, 3], [1, 3]);
    const plain = toyModel("qwen3").forward(tokens).toArray();
    for (const settings of [lora(), lora({}, ["model.embed_tokens"]), lora({ fine_tune_type: "dora" })]) {
      const model = toyModel("qwen3");
      makeTrainable(model, settings);
      expect(relativeDifference(model.forward(tokens).toArray(), plain)).toBeLessThan(1e-5);
    }
  });

  test("more layers than there are, unknown keys and DoRA on an embedding are told", () => {
    const error = rejection(() => trained(lora({ num_layers: 4 })));
    expect(error).toMatchObject({ code: "adapter/too-many-layers", facts: { asked: 4, available: 3 } });
    const unknown = rejection(() => trained(lora({}, ["self_attn.q_proj", "attn.c_attn"])));
    expect(unknown).toMatchObject({ code: "adapter/unknown-keys", facts: { unknown: ["attn.c_attn"] } });
    expect(unknown.message).toMatch(/self_attn\.v_proj.*lm_head/);
    expect(unknown.message).not.toMatch(/\.linear/);
    const dora = lora({ fine_tune_type: "dora" }, ["model.embed_tokens"]);
    expect(rejection(() => trained(dora)).code).toBe("adapter/dora-embedding");
  });
});

describe("experts", () => {
  const changes = { num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 6, norm_topk_prob: true };
  const tokens = integers([1, 2, 3, 4, 5], [1, 5]);

  test("take adapters of their own, which start at the base model and train", () => {
    const model = toyModel("qwen3_moe", changes);
    const plain = model.forward(tokens).toArray();
    makeTrainable(model, lora({}, ["mlp.switch_mlp.gate_proj", "mlp.switch_mlp.down_proj"]));
    const shapes = Object.entries(model.trainableParameters()).map(([path, x]) => [path.split(".mlp.")[1], x.shape]);
    expect(Object.fromEntries(shapes)).toEqual({
      "switch_mlp.gate_proj.lora_a": [4, 2, 8],
      "switch_mlp.gate_proj.lora_b": [4, 6, 2],
      "switch_mlp.down_proj.lora_a": [4, 2, 6],
      "switch_mlp.down_proj.lora_b": [4, 8, 2],
    });
    expect(relativeDifference(model.forward(tokens).toArray(), plain)).toBeLessThan(1e-5);
  });

  test("without keys, the router is adapted too, as mlx-lm does", () => {
    const model = toyModel("mixtral", { num_local_experts: 4 });
    makeTrainable(model, lora());
    const paths = Object.keys(model.trainableParameters()).map((path) => path.replace(/^model\.layers\.0\./, ""));
    expect(paths).toContain("block_sparse_moe.gate.lora_a");
    expect(paths.filter((path) => path.includes("switch_mlp")).length).toBe(6);
  });

  test("an update is what merging it into the weights gives", () => {
    const x = patterned([5, 1, 8]);
    const routing = { indices: integers([0, 1, 2, 3, 0, 1, 3, 2, 1, 0], [5, 2]), sorted: false };
    const layer = new LoRASwitchLinear(new SwitchLinear(8, 6, 4), { rank: 2, scale: 3, dropout: 0 });
    layer.update({ lora_b: patterned([4, 6, 2]) });
    const merged = SwitchLinear.of(layer.denseWeight());
    const [found, expected] = [layer, merged].map((each) => each.forward(x, routing).toArray());
    expect(relativeDifference(found ?? [], expected ?? [])).toBeLessThan(1e-5);
  });

  test("are counted unpacked, and refuse DoRA", () => {
    const packed = loadModel(join(parity, "models", "qwen3-moe-4bit-g32"));
    const plain = loadModel(join(parity, "models", "qwen3-moe"));
    expect(countParameters(packed).total_parameters).toBe(countParameters(plain).total_parameters);
    const dora = () => makeTrainable(toyModel("qwen3_moe", changes), lora({ fine_tune_type: "dora" }));
    expect(rejection(dora).code).toBe("adapter/dora-experts");
  });
});

describe("loading an adapter", () => {
  const source = join(parity, "curves", "dora", "adapter");
  const changed = (change: (copy: string) => void) => {
    const copy = mkdtempSync(join(folder, "a-"));
    cpSync(source, copy, { recursive: true });
    change(copy);
    return copy;
  };
  const load = (path: string) => () => loadAdapter(loadModel(join(parity, "models", "qwen3-untied")), path);

  test("missing files are told", () => {
    for (const file of ["adapter_config.json", "adapters.safetensors"]) {
      const error = rejection(load(changed((copy) => rmSync(join(copy, file)))));
      expect(error.code).toBe("adapter/not-found");
      expect(error.message).toContain(file);
    }
    expect(rejection(load(join(folder, "nowhere"))).code).toBe("adapter/not-found");
  });

  test("a config that is not one, or no JSON, is told", () => {
    const write = (text: string) => changed((copy) => writeFileSync(join(copy, "adapter_config.json"), text));
    const error = rejection(load(write('{"peft_type": "LORA", "r": 8}')));
    expect(error.code).toBe("adapter/bad-config");
    expect(error.message).toMatch(/num_layers.*lora_parameters/);
    expect(rejection(load(write("{"))).code).toBe("file/not-json");
  });

  test("an adapter of another model, or of other settings, is told", () => {
    const other = rejection(() => loadAdapter(toyModel("qwen3", { num_hidden_layers: 2 }), source));
    expect(other.code).toBe("adapter/mismatch");
    const shallow = rejection(() => loadAdapter(toyModel("qwen3"), source));
    expect(shallow.code).toBe("adapter/too-many-layers");
    const model = toyModel("qwen3");
    makeTrainable(model, lora());
    const error = rejection(() => loadTrainable(model, { "model.layers.9.x": tensor([1]) }, "here"));
    expect(error).toMatchObject({ code: "adapter/mismatch", facts: { count: 1, examples: ["model.layers.9.x"] } });
    expect(rejection(() => loadTrainable(model, {}, "here")).code).toBe("adapter/mismatch");
  });
});
