import { z } from "zod";

const Step = z.looseObject({
  type: z.string(),
  normalizers: z.array(z.unknown()).optional(),
  pretokenizers: z.array(z.unknown()).optional(),
  pattern: z.looseObject({ Regex: z.string().optional() }).optional(),
  prepend_scheme: z.string().optional(),
  add_prefix_space: z.boolean().optional(),
});

/** Whether a SentencePiece tokenizer.json puts a blank before a text: in a normalizer or a pre-tokenizer. */
export function putsSpaceBefore(step: unknown): boolean {
  const parsed = Step.safeParse(step);
  if (!parsed.success) return false;
  const { type, normalizers = [], pretokenizers = [], pattern, prepend_scheme, add_prefix_space } = parsed.data;
  if (type === "Sequence") return [...normalizers, ...pretokenizers].some(putsSpaceBefore);
  if (type === "Metaspace")
    return prepend_scheme === undefined ? add_prefix_space !== false : prepend_scheme !== "never";
  // At the very beginning, before what is no symbol of the user's: what tokenizer.model is converted to.
  return type === "Prepend" || (type === "Replace" && pattern?.Regex?.startsWith("\\A(?!") === true);
}
