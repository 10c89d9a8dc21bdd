import type { Quantization } from "../core/ops.ts";

/** What MLX takes where a setting is left out. All modes but `affine` know only this. */
export const modeDefaults = {
  affine: { group_size: 64, bits: 4 },
  mxfp4: { group_size: 32, bits: 4 },
  nvfp4: { group_size: 16, bits: 4 },
  mxfp8: { group_size: 32, bits: 8 },
} as const;
export type QuantizationMode = keyof typeof modeDefaults;
export const quantizationModes = ["affine", "mxfp4", "nvfp4", "mxfp8"] as const;

/** What `affine` can be. */
export const affineBits = [2, 3, 4, 5, 6, 8] as const;
export const affineGroupSizes = [32, 64, 128] as const;

interface PartialQuantization {
  group_size?: number | null | undefined;
  bits?: number | null | undefined;
  mode?: string | null | undefined;
}

/** Settings with what is left out as MLX fills it in: the mode is `affine`, sizes are those of the mode. */
export function withModeDefaults({ group_size, bits, mode }: PartialQuantization): Quantization {
  const name = mode ?? "affine";
  const defaults = modeDefaults[quantizationModes.find((each) => each === name) ?? "affine"];
  return { group_size: group_size ?? defaults.group_size, bits: bits ?? defaults.bits, mode: name };
}
