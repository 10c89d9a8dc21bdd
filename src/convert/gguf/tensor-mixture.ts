// Which tensors get more bits: llama.cpp's src/llama-quant.cpp, so that a file has the same types as its quantizer gives.
import { type BlockType, blockTypes } from "../../core/blocks.ts";
import { type FileType, fileTypes } from "./file-types.ts";

/** What the choice depends on. */
export interface MixtureModel {
  layers: number;
  heads: number;
  kvHeads: number;
  /** 0: no mixture of experts. */
  experts: number;
  architecture: string;
  /** The output is the embedding. */
  tied: boolean;
  hasImportance: boolean;
}

/** What a tensor is stored as in a file of type `file`. shape: rows before columns */
export function tensorType(name: string, shape: readonly number[], file: FileType, model: MixtureModel): BlockType {
  if (shape.length < 2 || isKept(name)) return "f32";
  const { type } = fileTypes[file];
  const columns = shape.at(-1) ?? 1;
  if (blockTypes[type].elements === 1) return type;
  return thatFits(chosenType(name, columns, file, model), columns);
}

/** Norms, and the router, which chooses between close scores. */
function isKept(name: string): boolean {
  return !name.endsWith("weight") || name.includes("_norm.weight") || name.includes("ffn_gate_inp.weight");
}

function chosenType(name: string, columns: number, file: FileType, model: MixtureModel): BlockType {
  const { type } = fileTypes[file];
  const isOutput = name === "output.weight" || (name === "token_embd.weight" && model.tied);
  if (isOutput) return columns % blockTypes[type].elements !== 0 || type === "q8_0" ? "q8_0" : "q6_k";
  const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1]);
  if (name.includes("attn_v.weight")) return valueType(layer, file, model);
  if (name.includes("attn_k.weight")) return model.experts === 8 ? "q8_0" : type;
  if (name.includes("attn_output.weight")) return attentionOutputType(file, model);
  if (name.includes("ffn_down")) return downType(layer, file, model);
  return type;
}

function valueType(layer: number, file: FileType, model: MixtureModel): BlockType {
  if (model.experts === 8) return "q8_0";
  const chosen = plainValueType(layer, file, model);
  // Of the 70B model eight heads share their values: more bits cost little.
  const isLarge =
    (model.architecture === "llama" || model.architecture === "qwen2") &&
    model.layers === 80 &&
    (model.architecture === "qwen2" || model.heads !== model.kvHeads);
  return isLarge && (chosen === "q3_k" || chosen === "q4_k") ? "q5_k" : chosen;
}

function plainValueType(layer: number, file: FileType, model: MixtureModel): BlockType {
  const sharesMuch = model.heads / model.kvHeads >= 4;
  if (file === "q2_k") return sharesMuch ? "q4_k" : "q3_k";
  if (file === "q3_k_m") return layer < 2 ? "q5_k" : "q4_k";
  if (file === "q3_k_l") return "q5_k";
  if (file === "iq4_nl" && sharesMuch) return "q5_k";
  if ((file === "q4_k_m" || file === "q5_k_m") && getsMoreBits(layer, model.layers)) return "q6_k";
  if (file === "q4_k_s" && layer < 4) return "q5_k";
  return fileTypes[file].type;
}

function attentionOutputType(file: FileType, { experts }: MixtureModel): BlockType {
  if (experts === 8) {
    const raised: readonly FileType[] = ["q2_k", "q3_k_s", "q3_k_m", "iq4_nl", "q4_k_s", "q4_k_m"];
    return raised.includes(file) ? "q5_k" : fileTypes[file].type;
  }
  if (file === "q2_k") return "q3_k";
  if (file === "q3_k_m") return "q4_k";
  return file === "q3_k_l" ? "q5_k" : fileTypes[file].type;
}

function downType(layer: number, file: FileType, { layers, hasImportance }: MixtureModel): BlockType {
  const isEarly = layer < Math.floor(layers / 8);
  if (file === "q2_k") return "q3_k";
  if (file === "q3_k_m") return layer < Math.floor(layers / 16) ? "q5_k" : "q4_k";
  if (file === "q3_k_l") return "q5_k";
  if ((file === "q4_k_m" || file === "q5_k_m") && getsMoreBits(layer, layers)) return "q6_k";
  if (file === "iq4_nl" && isEarly && !hasImportance) return "q5_k";
  if (file === "q4_k_s" && isEarly) return "q5_k";
  if (file === "q4_0" && isEarly && hasImportance) return "q4_1";
  if (file === "q5_0" && isEarly && hasImportance) return "q5_1";
  return fileTypes[file].type;
}

/** The first and the last eighth of the layers, and every third between. */
function getsMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** What takes the place of a type whose blocks the columns do not fill. */
const smaller: Partial<Record<BlockType, BlockType>> = {
  q2_k: "q4_0",
  q3_k: "q4_0",
  q4_k: "q5_0",
  q5_k: "q5_1",
  q6_k: "q8_0",
};

function thatFits(type: BlockType, columns: number): BlockType {
  const fits = (each: BlockType) => columns % blockTypes[each].elements === 0;
  if (fits(type)) return type;
  const next = smaller[type] ?? type;
  return fits(next) ? next : "f16";
}
