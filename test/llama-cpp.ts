import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";

// llama.cpp as node-llama-cpp carries it, which scripts/install-llama-cpp.mjs puts here.

const entry = resolve(import.meta.dirname, "../.native/node-llama-cpp/node_modules/node-llama-cpp/dist/index.js");
export const hasLlamaCpp = existsSync(entry);
if (!hasLlamaCpp)
  console.warn(`No llama.cpp: tests against it are skipped. "node scripts/install-llama-cpp.mjs" fetches it.`);

/** The little of node-llama-cpp's interface that is used here. */
interface Library {
  getLlama(options: object): Promise<{
    loadModel(options: { modelPath: string; gpuLayers: number }): Promise<{
      tokenize(text: string, specialTokens?: boolean): number[];
      tokens: { bos: number | null; eos: number | null; shouldPrependBosToken: boolean };
      createContext(options: object): Promise<{
        getSequence(): {
          controlledEvaluate(input: [number, object][]): Promise<Output[]>;
        };
      }>;
      dispose(): Promise<void>;
    }>;
  }>;
}
interface Output {
  next: { probabilities: Map<number, number> };
}
const isLibrary = z.custom<Library>((value) => typeof value === "object" && value !== null && "getLlama" in value);

/** A GGUF file in llama.cpp. */
export interface LoadedGguf {
  bos: number | null;
  eos: number | null;
  prependsBos: boolean;
  tokenize(text: string): number[];
  /** For each token the logarithms of the probabilities of all that may follow, by id. */
  logProbabilities(ids: readonly number[]): Promise<number[][]>;
  dispose(): Promise<void>;
}

export async function loadInLlamaCpp(modelPath: string, lora?: string): Promise<LoadedGguf> {
  const library = isLibrary.parse(await import(entry));
  const llama = await library.getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: 1 });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const adapters = lora === undefined ? {} : { lora: { adapters: [{ filePath: lora }] } };
  const nextToken = { generateNext: { probabilities: true, options: { temperature: 0 } } };
  return {
    bos: model.tokens.bos,
    eos: model.tokens.eos,
    prependsBos: model.tokens.shouldPrependBosToken,
    tokenize: (text) => [...model.tokenize(text)],
    async logProbabilities(ids) {
      const cache = { experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32" };
      const size = { contextSize: 256, batchSize: 256, flashAttention: false };
      const context = await model.createContext({ ...size, ...cache, ...adapters });
      const outputs = await context.getSequence().controlledEvaluate(ids.map((id) => [id, nextToken]));
      return outputs.map(({ next }) => {
        const sorted = [...next.probabilities].sort(([a], [b]) => a - b);
        return sorted.map(([, probability]) => Math.log(probability));
      });
    },
    dispose: () => model.dispose(),
  };
}
