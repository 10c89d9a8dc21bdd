import { join, resolve } from "node:path";
import { afterAll, beforeEach, describe } from "vitest";
import type { DType } from "../../src/core/dtype.ts";
import { useCpuKernels } from "../../src/core/kernels.ts";
import type { LanguageModel } from "../../src/models/language-model.ts";
import { loadModel } from "../../src/models/load.ts";
import { restoreKernels } from "../cpu-kernels.ts";
import { hasSharedData, sharedData } from "../shared-data.ts";
import { familyToys, toyModel } from "../toys.ts";

export const tiny = resolve(import.meta.dirname, "../../assets/cygnet-tiny");
const stories = join(sharedData, "stories260K");
const dtype: DType = "float32";

type Load = () => LanguageModel;

/** A toy of every architecture, the embedded model and, where it lies beside the checkout, another trained one; in float32. */
export const decodingModels: [name: string, load: Load][] = [
  ...familyToys.map(([name, type, changes]): [string, Load] => [
    name,
    () => toyModel(type, { ...changes, num_hidden_layers: 2 }),
  ]),
  ["cygnet-tiny", () => loadModel(tiny, { dtype })],
];
if (hasSharedData) decodingModels.push(["stories260K", () => loadModel(stories, { dtype })]);

const paths: [name: string, kernels: boolean][] = [
  ["our kernels", true],
  ["MLX's operations", false], // CYGNET_CPU_KERNELS=off
];

/** Describes tests of every model, by our kernels and by MLX's operations. */
export function onEachModel(body: (model: LanguageModel, load: Load) => void): void {
  describe.each(decodingModels)("%s", (_, load) => {
    const model = load();
    afterAll(() => model.dispose());
    onEachPath(() => body(model, load));
  });
}

export function onEachPath(body: () => void): void {
  describe.each(paths)("by %s", (_, kernels) => {
    beforeEach(() => useCpuKernels(kernels));
    afterAll(restoreKernels);
    body();
  });
}

/** `count` tokens that look arbitrary. */
export function someIds(model: LanguageModel, count: number, start = 3): number[] {
  return Array.from({ length: count }, (_, i) => (i * i * 7 + i * 5 + start) % Math.min(model.config.vocab_size, 509));
}
