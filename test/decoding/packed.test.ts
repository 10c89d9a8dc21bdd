import { afterAll, describe, expect, test } from "vitest";
import type { KeyValueStore } from "../../src/core/head-attention.ts";
import { concatenate, dequantize, type Quantization, quantize } from "../../src/core/ops.ts";
import { keep, scope } from "../../src/core/scope.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { generateTokens } from "../../src/generate/generate.ts";
import { greedy } from "../../src/generate/sampler.ts";
import type { Cache } from "../../src/models/cache.ts";
import { loadModel } from "../../src/models/load.ts";
import { RotatingKVCache } from "../../src/models/rotating-cache.ts";
import { affineBits, affineGroupSizes } from "../../src/nn/quantization.ts";
import { relativeDifference } from "../parity/fixtures.ts";
import { familyToys, toyModel } from "../toys.ts";
import { onEachPath, someIds, tiny } from "./decoding-models.ts";
import { fullForward, inParts, singles } from "./logits.ts";

/** The same numbers by the same operations: 0 was seen. */
const exact = 1e-6;
/** In one pass float32 gives keys a little otherwise, and one between two steps packs to the other: 2e-4 was seen in 8 bits. */
const otherParts = 2e-3;
/** Half a step is 1/510 of a group's range in 8 bits, 1/30 in 4, and two layers add theirs up: 8e-3 and 0.16 were seen. */
const lossy = new Map([
  [8, 2e-2],
  [4, 0.3],
]);
/** The same of the logits of a trained model with six layers: 7e-3 and 0.14 were seen. */
const lossyTrained: [bits: number, bound: number][] = [
  [8, 2e-2],
  [4, 0.3],
];

const total = 20;
const parts = [9, 1, 1, 6, 1, 1, 1];
/** Heads of 128 elements, which divide into groups of every size. */
const wide = { hidden_size: 64, head_dim: 128, num_attention_heads: 2, num_key_value_heads: 1, num_hidden_layers: 2 };

/** Keys and values in floating point that went through packing: what a packed cache holds, by other means. */
class RoundedStore implements KeyValueStore {
  readonly inPlace = false;
  offset = 0;
  #stored: Tensor[] = [];
  #rounding: Quantization | undefined;

  append(k: Tensor, v: Tensor): [keys: Tensor, values: Tensor] {
    this.#stored = keep([k, v].map((x, i) => concatenate([...this.#stored.slice(i, i + 1), this.#rounded(x)], 2)));
    this.offset += k.dim(2);
    const [keys, values] = this.#stored;
    if (!keys || !values) throw new Error("keys and values are two");
    return [keys, values];
  }

  get isRounding(): boolean {
    return this.#rounding !== undefined;
  }

  /** From here on, and what is there too. */
  round(quantization: Quantization): void {
    this.#rounding = quantization;
    this.#stored = keep(this.#stored.map((x) => this.#rounded(x)));
  }

  #rounded(x: Tensor): Tensor {
    if (!this.#rounding) return x;
    const [weight, scales, biases] = quantize(x, this.#rounding);
    if (!weight || !scales) throw new Error("packing gives weights and scales");
    return dequantize({ weight, scales, biases }, this.#rounding, x.dtype);
  }
}

/** Every width for one architecture, the usual two for the others. */
function settingsFor(type: string): [bits: number, groupSize: number][] {
  const widths = type === "qwen3" ? affineBits : [4, 8];
  return affineGroupSizes.flatMap((groupSize) => widths.map((bits): [number, number] => [bits, groupSize]));
}

describe.each(familyToys)("packed keys and values of %s", (_, type, changes) => {
  const model = toyModel(type, { ...changes, ...wide });
  const ids = someIds(model, total);
  afterAll(() => model.dispose());

  /** Logits over caches that are packed after the first `start` parts. */
  function packed(caches: Cache[], quantization: Quantization, start: number): number[] {
    const pack = (part: number) => {
      if (part + 1 === start) scope(() => caches.forEach((layer) => void layer.pack(quantization)));
    };
    pack(-1);
    const logits = inParts(model, ids, parts, caches, pack);
    expect(caches.every(({ isPacked }) => isPacked)).toBe(true);
    for (const layer of caches) layer.dispose();
    return logits;
  }

  /** The same over floating-point copies of what is packed. */
  function rounded(sizes: readonly number[], quantization: Quantization, start: number): number[] {
    const stores = model.blocks.map(() => new RoundedStore());
    const round = (part: number) => {
      if (part + 1 === start) for (const store of stores) store.round(quantization);
    };
    round(-1);
    return inParts(model, ids, sizes, stores, round);
  }

  onEachPath(() => {
    test.each(settingsFor(type))(
      "%i bits in groups of %i: as the full forward over rounded ones",
      (bits, groupSize) => {
        const quantization: Quantization = { mode: "affine", bits, group_size: groupSize };
        const found = packed(model.makeCache(), quantization, 0);
        expect(relativeDifference(found, rounded(parts, quantization, 0))).toBeLessThan(exact);
        if (bits === 8) expect(relativeDifference(found, rounded([total], quantization, 0))).toBeLessThan(otherParts);
        const bound = lossy.get(bits);
        if (bound) expect(relativeDifference(found, fullForward(model, ids))).toBeLessThan(bound);
      },
    );

    test.each([1, 3, 5])("packed after %i parts, what came before included", (start) => {
      const quantization: Quantization = { mode: "affine", bits: 4, group_size: 64 };
      const found = packed(model.makeCache(), quantization, start);
      expect(relativeDifference(found, rounded(parts, quantization, start))).toBeLessThan(exact);
      const before = parts.slice(0, start).reduce((sum, size) => sum + size, 0) * model.config.vocab_size;
      const plain = fullForward(model, ids);
      expect(relativeDifference(found.slice(0, before), plain.slice(0, before))).toBeLessThan(exact);
    });

    // --quantized-kv-start: at once, amid the prompt, and amid the answer
    test.each([0, 4, 14])(
      "generation packs once there are more than %i tokens, and goes on from there",
      async (from) => {
        const quantization: Quantization = { mode: "affine", bits: 4, group_size: 64 };
        const [prompt, stepSize, maxTokens] = [ids.slice(0, 11), 3, 8];
        const found: number[] = [];
        const options = { sampling: greedy, maxTokens, prefillStepSize: stepSize, packing: { quantization, from } };
        for await (const { id } of generateTokens(model, prompt, options)) found.push(id);
        const stores = model.blocks.map(() => new RoundedStore());
        const sizes = [stepSize, stepSize, stepSize, 2, ...singles(maxTokens - 1)];
        const logits = inParts(model, [...prompt, ...found], sizes, stores, () => {
          for (const store of stores) if (store.offset > from && !store.isRounding) store.round(quantization);
        });
        const { vocab_size } = model.config;
        const choices = found.map((_, i) => {
          const row = logits.slice((prompt.length - 1 + i) * vocab_size, (prompt.length + i) * vocab_size);
          return row.indexOf(Math.max(...row));
        });
        expect(found).toEqual(choices);
      },
    );

    test("a rotating cache packs what a growing one does, while nothing is dropped", () => {
      const quantization: Quantization = { mode: "affine", bits: 4, group_size: 32 };
      const rotating = model.blocks.map(() => new RotatingKVCache({ maxSize: total }));
      const found = packed(rotating, quantization, 2);
      expect(relativeDifference(found, rounded(parts, quantization, 2))).toBeLessThan(exact);
    });
  });
});

onEachPath(() => {
  test.each(lossyTrained)("the embedded model over %i bits stays within a bound of itself", (bits, bound) => {
    const model = loadModel(tiny, { dtype: "float32" });
    const ids = someIds(model, total);
    const caches = model.makeCache();
    for (const layer of caches) layer.pack({ mode: "affine", bits, group_size: 32 });
    const found = inParts(model, ids, parts, caches);
    expect(relativeDifference(found, fullForward(model, ids))).toBeLessThan(bound);
    for (const layer of caches) layer.dispose();
    model.dispose();
  });
});
