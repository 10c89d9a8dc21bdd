import { llama3Wavelengths, type RopeSettings } from "../../nn/rope.ts";

/**
 * The settings of Llama 3's context extension, of which a GGUF file has only the factor for each wavelength; undefined: the
 * factors are not made so. What is known of 1/factor between the ends: it is linear in 1/wavelength.
 */
export function llama3Settings(factors: Float32Array, headSize: number, theta: number): RopeSettings | undefined {
  const factor = Math.max(...factors);
  const usual = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
  const between = [...factors].flatMap((value, i) => {
    if (value <= 1.000_01 || value >= factor * 0.999_99) return [];
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headSize);
    return [{ x: 1 / wavelength, y: (1 / value - 1 / factor) / (1 - 1 / factor) }];
  });
  const [first, last] = [between[0], between.at(-1)];
  const candidates = [usual];
  if (first) {
    const context = Math.round((3 * first.y + 1) / first.x);
    candidates.push({ ...usual, original_max_position_embeddings: context });
  }
  if (first && last && first !== last) {
    const slope = (first.y - last.y) / (first.x - last.x);
    const share = slope * first.x - first.y; // low / (high − low)
    const high = 1 + 1 / share;
    const context = Math.round(slope * (high - 1));
    candidates.push({
      low_freq_factor: 1,
      high_freq_factor: Number(high.toPrecision(4)),
      original_max_position_embeddings: context,
    });
  }
  return candidates
    .map((each) => ({ rope_type: "llama3", factor, ...each }))
    .find((settings) => {
      const made = llama3Wavelengths(headSize, theta, settings);
      return factors.every((value, i) => {
        const expected = (made[i] ?? 0) / theta ** ((2 * i) / headSize);
        return Math.abs(expected - value) < 1e-3 * value;
      });
    });
}
