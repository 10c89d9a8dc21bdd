import type { Quantization } from "../core/ops.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { affineBits, affineGroupSizes, modeDefaults, quantizationModes, withModeDefaults } from "../nn/quantization.ts";
import { UserError } from "../protocol/user-error.ts";

/** Bits of most layers and of those that lose most by packing: as mlx-lm's recipes of these names. */
const recipes = {
  mixed_2_6: { low: 2, high: 6 },
  mixed_3_4: { low: 3, high: 4 },
  mixed_3_6: { low: 3, high: 6 },
  mixed_4_6: { low: 4, high: 6 },
} as const;
export type Recipe = keyof typeof recipes;
export const recipeNames = ["mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6"] as const;

/** What the layers whose path matches `pattern` become; `skip` leaves them in floating point. */
export interface LayerRule {
  /** A path in which `*` stands for any text: `*.mlp.down_proj`. */
  pattern: string;
  quantization: Quantization | "skip";
  /** As it was given. */
  text: string;
}

export interface QuantizationRequest {
  /** Of every layer that nothing else is said of. */
  settings: Quantization;
  recipe?: Recipe | undefined;
  /** The first that matches a layer decides, before recipe and model do. */
  rules: readonly LayerRule[];
}

/** @throws UserError when MLX has no such quantization. */
export function requireQuantization(quantization: Quantization, where: string): Quantization {
  const { mode, bits, group_size } = quantization;
  const known = quantizationModes.find((name) => name === mode);
  if (!known) throw new UserError("quantize/mode", { where, mode, modes: [...quantizationModes] });
  const own = modeDefaults[known];
  const possibleBits: readonly number[] = known === "affine" ? affineBits : [own.bits];
  const possibleGroups: readonly number[] = known === "affine" ? affineGroupSizes : [own.group_size];
  if (!possibleBits.includes(bits) || !possibleGroups.includes(group_size)) {
    throw new UserError("quantize/settings", { where, mode, bits, group_size, possibleBits, possibleGroups });
  }
  return quantization;
}

/**
 * The rule that `PATTERN=BITS[:GROUP[:MODE]]` or `PATTERN=skip` says. Without a mode it is affine; without a group size,
 * that of `settings` if they are affine too, else 64.
 */
export function parseLayerRule(text: string, settings: Quantization): LayerRule {
  const [, pattern, value = ""] = /^([^=\s]+)=(\S+)$/.exec(text) ?? [];
  if (pattern === undefined) throw new UserError("quantize/rule", { text });
  if (value === "skip") return { pattern, quantization: "skip", text };
  const [, bits, group, mode = "affine"] = /^(\d+)(?::(\d+)(?::(\w+))?)?$/.exec(value) ?? [];
  if (bits === undefined) throw new UserError("quantize/rule", { text });
  const sameMode = mode === settings.mode ? settings.group_size : undefined;
  const quantization = withModeDefaults({ mode, bits: Number(bits), group_size: group ? Number(group) : sameMode });
  return { pattern, quantization: requireQuantization(quantization, `--q-rule ${text}`), text };
}

export function matches({ pattern }: LayerRule, path: string): boolean {
  const literals = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literals.join(".*")}$`).test(path);
}

/** What is asked of the layer at a path: settings of its own, or those of all, or to be left alone. */
export type Choice = { own: Quantization } | "default" | "skip";

export function chooserFor(
  model: LanguageModel,
  { settings, recipe, rules }: QuantizationRequest,
): (path: string) => Choice {
  const fromRecipe = recipe && recipeChooser(recipe, model, settings.group_size);
  return (path) => {
    const rule = rules.find((each) => matches(each, path));
    if (rule) return rule.quantization === "skip" ? "skip" : { own: rule.quantization };
    const own = fromRecipe ? fromRecipe(path) : model.quantizationOf(path);
    return own ? { own } : "default";
  };
}

/** The first and last eighth of the blocks, and every third between, have the high bits in v_proj and down_proj; so has lm_head. */
function recipeChooser(recipe: Recipe, model: LanguageModel, group_size: number): (path: string) => Quantization {
  const { low, high } = recipes[recipe];
  const count = model.blocks.length;
  const eighth = Math.floor(count / 8);
  return (path) => {
    const index = Number(/\.(\d+)\./.exec(path)?.[1] ?? 0);
    const isSensitive = index < eighth || index >= Math.floor((7 * count) / 8) || (index - eighth) % 3 === 2;
    const isFine = path.includes("lm_head") || (isSensitive && /v_proj|down_proj/.test(path));
    return { group_size, bits: isFine ? high : low, mode: "affine" };
  };
}
