import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";

/** Numbers by Python mlx-lm; see the README there. */
export const parity = resolve(import.meta.dirname, "../fixtures/parity");

export function read<T>(path: string, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(readFileSync(join(parity, path), "utf8")));
}

export const index = read(
  "index.json",
  z.object({
    models: z.array(z.string()),
    batches: z.array(z.string()),
    "lora-init": z.array(z.string()),
    curves: z.array(z.string()),
    fuse: z.array(z.string()),
    converted: z.array(z.string()),
  }),
);

/** The greatest difference of two lists, relative to the greatest value of the second. */
export function relativeDifference(found: readonly number[], expected: readonly number[]): number {
  const greatest = (values: readonly number[]) => values.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  const differences = expected.map((value, i) => (found[i] ?? Number.NaN) - value);
  return greatest(differences) / Math.max(1e-12, greatest(expected));
}
