import { z } from "zod";
import { ModelShape } from "../models/memory-estimate.ts";
import { UserError } from "../protocol/user-error.ts";
import { type Licence, licenceOf } from "./licences.ts";
import { type ModelCard, readModelCard } from "./model-card.ts";
import type { ModelFiles } from "./model-files.ts";
import type { SafetensorsHeader, TensorEntry } from "./safetensors-header.ts";

const Quantization = z.looseObject({ group_size: z.int().optional(), bits: z.int().optional() });
const Config = z.looseObject({
  model_type: z.string(),
  max_position_embeddings: z.int().nullish(),
  num_experts: z.int().nullish(),
  num_local_experts: z.int().nullish(),
  num_experts_per_tok: z.int().nullish(),
  quantization: Quantization.nullish(),
  quantization_config: z.looseObject({ quant_method: z.string().optional() }).nullish(),
  text_config: z.looseObject({ max_position_embeddings: z.int().nullish() }).nullish(),
});
type Config = z.output<typeof Config>;

/** Base models continue text, instruct models answer. */
export type Tuning = "base" | "instruct" | "unknown";

export interface ModelFacts {
  name: string;
  type: string;
  /** Packed weights count unpacked. */
  parameters: number;
  /** What a token goes through, of a model with experts. */
  activeParameters: number | undefined;
  /** Of packed weights. */
  bits: number | undefined;
  /** A quantization that is not MLX's. */
  foreignQuantization: string | undefined;
  /** What most weights are stored in, such as `BF16`. */
  dtype: string;
  weightBytes: number;
  /** Bytes of the weights that are floating point of two bytes. */
  halfBytes: number;
  /** Of all files that Cygnet downloads. */
  fileBytes: number;
  context: number | undefined;
  licence: { named: string | undefined; known: Licence | undefined };
  tuning: Tuning;
  /** Undefined for an architecture that is not a plain decoder. */
  shape: ModelShape | undefined;
}

/** What a model's config, card and weights' headers say about it. */
export async function readModelFacts(files: ModelFiles): Promise<ModelFacts> {
  const [configText, readme, template, tokenizerConfig, headers] = await Promise.all([
    files.text("config.json"),
    files.text("README.md"),
    files.text("chat_template.jinja"),
    files.text("tokenizer_config.json"),
    files.headers(),
  ]);
  const config = parseConfig(configText, files.source);
  const card = readModelCard(readme ?? "");
  const tensors: SafetensorsHeader = Object.assign({}, ...headers);
  const parameters = countParameters(tensors, config);
  const method = config.quantization ? undefined : config.quantization_config?.quant_method;
  const hasTemplate = template !== undefined || /"chat_template"\s*:\s*["[]/.test(tokenizerConfig ?? "");
  return {
    name: files.name,
    type: config.model_type,
    parameters: parameters.all,
    activeParameters: parameters.active,
    bits: config.quantization?.bits,
    foreignQuantization: method,
    ...sizes(tensors),
    fileBytes: files.bytes,
    context: config.max_position_embeddings ?? config.text_config?.max_position_embeddings ?? undefined,
    licence: { named: card.licence, known: card.licence === undefined ? undefined : licenceOf(card.licence) },
    tuning: tuningOf(files.name, card, hasTemplate),
    shape: shapeOf(config),
  };
}

function parseConfig(text: string | undefined, source: string): Config {
  const problem = (reason: string) => new UserError("model/bad-config", { source, problems: [reason] });
  try {
    const parsed = Config.safeParse(JSON.parse(text ?? ""));
    if (parsed.success) return parsed.data;
  } catch {
    throw problem("config.json is not JSON");
  }
  throw problem("model_type is missing");
}

function shapeOf(config: Config): ModelShape | undefined {
  const shapes = [config, config.text_config].map((each) => ModelShape.safeParse(each));
  return shapes.find((each) => each.success)?.data;
}

/** Counts what each tensor stands for: packed weights by their scales, of which each belongs to a group. */
function countParameters(tensors: SafetensorsHeader, config: Config): { all: number; active: number | undefined } {
  let all = 0;
  let inExperts = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const layer = name.replace(/\.(weight|scales|biases)$/, "");
    const scales = tensors[`${layer}.scales`];
    if (scales && !name.endsWith(".weight")) continue;
    const size = scales ? elements(scales) * groupSize(layer, config) : elements(tensor);
    all += size;
    if (/\.(experts|switch_mlp)\./.test(name)) inExperts += size;
  }
  const experts = config.num_experts ?? config.num_local_experts;
  const used = config.num_experts_per_tok;
  return { all, active: inExperts > 0 && experts && used ? all - inExperts * (1 - used / experts) : undefined };
}

function groupSize(layer: string, { quantization }: Config): number {
  const own = Quantization.safeParse(quantization?.[layer]);
  return (own.success ? own.data.group_size : undefined) ?? quantization?.group_size ?? 64;
}

function elements({ shape }: TensorEntry): number {
  return shape.reduce((product, each) => product * each, 1);
}

function sizes(tensors: SafetensorsHeader): Pick<ModelFacts, "dtype" | "weightBytes" | "halfBytes"> {
  const byDtype = new Map<string, number>();
  for (const { dtype, data_offsets } of Object.values(tensors)) {
    byDtype.set(dtype, (byDtype.get(dtype) ?? 0) + data_offsets[1] - data_offsets[0]);
  }
  const [dtype = ""] = [...byDtype].sort((a, b) => b[1] - a[1])[0] ?? [];
  const weightBytes = [...byDtype.values()].reduce((sum, each) => sum + each, 0);
  return { dtype, weightBytes, halfBytes: (byDtype.get("BF16") ?? 0) + (byDtype.get("F16") ?? 0) };
}

/** Qwen's names tell: until 2.5 a model without a word is a base model, since 3 it is not. */
const bareBase = /(^|\/)Qwen(1\.5|2|2\.5)?-/i;
const wordOfBase = /(^|[-_.])(base|pt)([-_.]|$)/i;
const wordOfInstruct = /(^|[-_.])(instruct|chat|it|sft|dpo|rlhf|thinking|reasoning|r1|assistant)([-_.]|$)/i;

/** By the name, then by the card; a chat template alone says little, since base models often have one. */
export function tuningOf(name: string, { tags, baseModel }: ModelCard, hasTemplate: boolean): Tuning {
  const [plain = ""] = name.split("/").slice(-1);
  if (wordOfInstruct.test(plain)) return "instruct";
  if (wordOfBase.test(plain)) return "base";
  if (!hasTemplate) return "base";
  if (bareBase.test(plain)) return "base";
  if (/qwen3/i.test(plain) || tags.some((tag) => /^(chat|conversational)$/i.test(tag))) return "instruct";
  return baseModel !== undefined && wordOfInstruct.test(baseModel) ? "instruct" : "unknown";
}
