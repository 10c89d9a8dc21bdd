import type { ModelShape } from "../models/memory-estimate.ts";
import type { Text } from "../protocol/messages/catalogue.ts";
import type { HubName } from "./settings.ts";

export const tasks = ["general", "chinese", "code", "small"] as const;
export type Task = (typeof tasks)[number];

export interface Recommendation {
  /** In full precision, and the copy in 4 bits that QLoRA trains on, where there is one that loads. */
  name: string;
  quantized?: string;
  /** On ModelScope, where the names differ. */
  modelscope?: { name: string };
  /** Hugging Face gives it only to those who have accepted its terms; the copies elsewhere are open. */
  isGated?: boolean;
  tasks: readonly Task[];
  /** An id of `licences`. */
  licence: string;
  shape: ModelShape;
  why: Text;
}

const shape = (
  hidden: number,
  layers: number,
  intermediate: number,
  [heads, kvHeads, headSize]: readonly [number, number, number],
  vocabulary: number,
  isTied = false,
): ModelShape => {
  const dense = { experts: 1, usedExperts: 1 };
  return { hidden, layers, intermediate, ...dense, heads, kvHeads, headSize, vocabulary, isTied };
};

const shapes = {
  "0.5B": shape(896, 24, 4864, [14, 2, 64], 151936, true),
  "1.5B": shape(1536, 28, 8960, [12, 2, 128], 151936, true),
  "7B": shape(3584, 28, 18944, [28, 4, 128], 152064),
  "14B": shape(5120, 48, 13824, [40, 8, 128], 152064),
  "32B": shape(5120, 64, 27648, [40, 8, 128], 152064),
};

const light: Text = {
  en: "very light: classification, simple instructions, first tries",
  zh: "极其轻量：适合分类、简单指令和初次尝试",
};
const middle: Text = {
  en: "reasoning and memory in balance, enough for most special fields",
  zh: "能力与内存占用平衡，适合大多数垂直领域任务",
};
const large: Text = { en: "complex reasoning", zh: "适合复杂的逻辑推理" };
const coder: Text = {
  en: "knows programming already, so it needs less training",
  zh: "已具备编程能力，微调起来更省力",
};

const qwen = (size: string, words: Omit<Recommendation, "name" | "quantized" | "licence">): Recommendation => ({
  name: `Qwen/Qwen2.5-${size}-Instruct`,
  quantized: `mlx-community/Qwen2.5-${size}-Instruct-4bit`,
  licence: "apache-2.0",
  ...words,
});

/**
 * Instruct models to tune, the first guide's chapter three: dense Qwen2.5 before Qwen3, whose training is as tried and whose
 * memory is easier to foresee; Llama for general use, Qwen and DeepSeek for Chinese, Qwen2.5-Coder and CodeLlama for code. Shapes are
 * those of the models' config.json. Qwen2.5-3B is left out: its licence forbids commercial use.
 */
export const recommendations: readonly Recommendation[] = [
  qwen("0.5B", { tasks: ["small"], shape: shapes["0.5B"], why: light }),
  {
    name: "Qwen/Qwen3-0.6B",
    quantized: "mlx-community/Qwen3-0.6B-4bit",
    tasks: ["small", "chinese"],
    licence: "apache-2.0",
    shape: shape(1024, 28, 3072, [16, 8, 128], 151936, true),
    why: light,
  },
  {
    name: "meta-llama/Llama-3.2-1B-Instruct",
    quantized: "mlx-community/Llama-3.2-1B-Instruct-4bit",
    modelscope: { name: "LLM-Research/Llama-3.2-1B-Instruct" },
    isGated: true,
    tasks: ["small"],
    licence: "llama3.2",
    shape: shape(2048, 16, 8192, [32, 8, 64], 128256, true),
    why: light,
  },
  qwen("1.5B", { tasks: ["small", "general", "chinese"], shape: shapes["1.5B"], why: light }),
  {
    name: "Qwen/Qwen3-4B",
    quantized: "mlx-community/Qwen3-4B-4bit",
    tasks: ["general", "chinese"],
    licence: "apache-2.0",
    shape: shape(2560, 36, 9728, [32, 8, 128], 151936, true),
    why: { en: "thinks before it answers, where that is wanted", zh: "可开启思考模式，先推理再回答" },
  },
  qwen("7B", { tasks: ["general", "chinese"], shape: shapes["7B"], why: middle }),
  {
    name: "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
    quantized: "mlx-community/DeepSeek-R1-Distill-Qwen-7B-4bit",
    tasks: ["chinese"],
    licence: "mit",
    shape: shapes["7B"],
    why: { en: "DeepSeek's way of reasoning in a model of Qwen's", zh: "把 DeepSeek 的推理能力蒸馏到 Qwen 模型" },
  },
  {
    name: "meta-llama/Llama-3.1-8B-Instruct",
    quantized: "mlx-community/Meta-Llama-3.1-8B-Instruct-4bit",
    modelscope: { name: "LLM-Research/Meta-Llama-3.1-8B-Instruct" },
    isGated: true,
    tasks: ["general"],
    licence: "llama3.1",
    shape: shape(4096, 32, 14336, [32, 8, 128], 128256),
    why: middle,
  },
  qwen("14B", { tasks: ["general", "chinese"], shape: shapes["14B"], why: large }),
  {
    name: "Qwen/Qwen3-30B-A3B",
    quantized: "mlx-community/Qwen3-30B-A3B-4bit",
    tasks: ["general", "chinese"],
    licence: "apache-2.0",
    shape: { ...shape(2048, 48, 768, [32, 4, 128], 151936), experts: 128, usedExperts: 8 },
    why: {
      en: "complex reasoning at the speed of a small model: a token goes through 3 of 30 billion parameters",
      zh: "适合复杂推理，速度接近小模型：每个词元只激活 300 亿参数中的 30 亿",
    },
  },
  qwen("32B", { tasks: ["general", "chinese"], shape: shapes["32B"], why: large }),
  ...(["0.5B", "1.5B", "7B", "14B", "32B"] as const).map(
    (size): Recommendation => ({
      name: `Qwen/Qwen2.5-Coder-${size}-Instruct`,
      quantized: `mlx-community/Qwen2.5-Coder-${size}-Instruct-4bit`,
      tasks: ["code"],
      licence: "apache-2.0",
      shape: shapes[size],
      why: coder,
    }),
  ),
  {
    // mlx-community's copy in 4 bits is of an older format (weights.00.safetensors) that mlx-lm does not load either.
    name: "codellama/CodeLlama-7b-Instruct-hf",
    modelscope: { name: "AI-ModelScope/CodeLlama-7b-Instruct-hf" },
    tasks: ["code"],
    licence: "llama2",
    shape: shape(4096, 32, 11008, [32, 32, 128], 32016),
    why: coder,
  },
];

/** A recommendation's name on a hub, in full precision or, where there is such a copy, in 4 bits. */
export function nameOn(
  hub: HubName,
  { name, quantized, modelscope }: Recommendation,
  inFourBits: boolean,
): string | undefined {
  if (inFourBits) return quantized;
  return hub === "modelscope" ? (modelscope?.name ?? name) : name;
}
