import { z } from "zod";
import * as fast from "../core/fast.ts";
import { tensor } from "../core/ops.ts";
import { keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { UserError } from "../protocol/user-error.ts";
import { Module } from "./module.ts";

const number = z.number();

/** `rope_scaling` of older configs and `rope_parameters` of newer ones, which carries rope_theta too. */
export const RopeSettings = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: number.optional(),
  factor: number.optional(),
  low_freq_factor: number.optional(),
  high_freq_factor: number.optional(),
  original_max_position_embeddings: number.optional(),
});
export type RopeSettings = z.infer<typeof RopeSettings>;

/** The rope fields of a model's config, in both spellings. */
export const ropeFields = {
  rope_theta: number.optional(),
  rope_traditional: z.boolean().default(false),
  rope_scaling: RopeSettings.nullish(),
  rope_parameters: RopeSettings.nullish(),
};
type RopeConfig = z.infer<z.ZodObject<typeof ropeFields>>;

/** Rotary position embedding with the scaling that a config asks for. */
export class RoPE extends Module {
  readonly options: fast.RopeOptions;
  /** The base of the wavelengths, before scaling. */
  readonly theta: number;

  constructor(
    dims: number,
    { rope_theta, rope_traditional, rope_scaling, rope_parameters }: RopeConfig,
    defaultTheta: number,
  ) {
    super();
    const settings = rope_parameters ?? rope_scaling ?? {};
    const base = rope_parameters?.rope_theta ?? rope_theta ?? defaultTheta;
    this.theta = base;
    const type = settings.rope_type ?? settings.type ?? "default";
    const options = (scale: number, wavelengths?: Float32Array): fast.RopeOptions => {
      const radii = wavelengths ?? Float64Array.from({ length: dims / 2 }, (_, i) => base ** ((2 * i) / dims));
      return {
        dims,
        traditional: rope_traditional,
        base: wavelengths ? undefined : base,
        scale,
        freqs: wavelengths && keep(tensor(wavelengths)),
        frequencies: keep(tensor(Float32Array.from(radii, (radius) => scale / radius))),
      };
    };
    if (type === "default") this.options = options(1);
    else if (type === "linear") this.options = options(1 / required(settings, "factor", type));
    else if (type === "llama3") this.options = options(1, llama3Wavelengths(dims, base, settings));
    else throw new UserError("model/unsupported-rope", { type, supported: "default, linear, llama3" });
  }

  /** x: [B, H, L, E], its first token at position `offset`. */
  forward(x: Tensor, offset: number): Tensor {
    return fast.rope(x, offset, this.options);
  }

  override dispose(): void {
    this.options.freqs?.dispose();
    this.options.frequencies?.dispose();
  }
}

/**
 * Wavelengths (over 2π) of Llama 3.1's context extension: long ones are stretched by `factor`, short ones kept, those
 * between blended. Grattafiori et al. 2024, arXiv:2407.21783, and the model's reference code.
 */
export function llama3Wavelengths(dims: number, base: number, settings: RopeSettings): Float32Array {
  const factor = required(settings, "factor", "llama3");
  const {
    low_freq_factor: low = 1,
    high_freq_factor: high = 4,
    original_max_position_embeddings: context = 8192,
  } = settings;
  return Float32Array.from({ length: dims / 2 }, (_, i) => {
    const radius = base ** ((2 * i) / dims);
    const wavelength = 2 * Math.PI * radius;
    if (wavelength > context / low) return radius * factor;
    if (wavelength <= context / high) return radius;
    const smooth = (context / wavelength - low) / (high - low);
    return radius / ((1 - smooth) / factor + smooth);
  });
}

function required(settings: RopeSettings, key: "factor", type: string): number {
  const value = settings[key];
  if (value === undefined) throw new UserError("model/rope-setting-missing", { key, type });
  return value;
}
