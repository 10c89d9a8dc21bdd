// How llama.cpp cuts text into words before byte pair encoding: the names of src/llama-vocab.cpp, and the expressions there.
import { z } from "zod";
import { UserError } from "../../protocol/user-error.ts";

const Step = z.looseObject({
  type: z.string(),
  pattern: z.looseObject({ Regex: z.string().optional(), String: z.string().optional() }).optional(),
  behavior: z.string().optional(),
  invert: z.boolean().optional(),
  individual_digits: z.boolean().optional(),
  add_prefix_space: z.boolean().optional(),
  use_regex: z.boolean().optional(),
  pretokenizers: z.array(z.unknown()).optional(),
});

const contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const cased = (end: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${end}|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${end}`;
const tail = (newline: string) => ` ?[^\\s\\p{L}\\p{N}]+${newline}|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const words = (numbers: string) => `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}|${tail("[\\r\\n]*")}`;

/** The steps of a tokenizer.json, with the name for each; `whole`: a word that is a token as a whole is that token. */
const known: readonly { name: string; steps: readonly string[]; whole?: boolean }[] = [
  { name: "gpt-2", steps: ["bytes by words"] },
  { name: "qwen2", steps: [words("\\p{N}"), "bytes"] },
  { name: "llama-bpe", steps: [words("\\p{N}{1,3}"), "bytes"], whole: true },
  { name: "smaug-bpe", steps: [words("\\p{N}{1,3}"), "bytes"] },
  {
    name: "qwen35",
    steps: [
      `${contraction}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
      "bytes",
    ],
  },
  { name: "tekken", steps: [`${cased("")}|\\p{N}|${tail("[\\r\\n/]*")}`, "bytes"], whole: true },
  { name: "gpt-4o", steps: [`${cased(`${contraction}?`)}|\\p{N}{1,3}|${tail("[\\r\\n/]*")}`, "bytes"] },
  { name: "smollm", steps: ["digits", "bytes by words"] },
  {
    name: "deepseek-coder",
    steps: ["[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", "digits", "bytes"],
  },
];

/** The names that `--pre-tokenizer` may have: those that are recognised, and others of llama.cpp with the same steps. */
export const preTokenizerNames: readonly string[] = [...known.map(({ name }) => name), "deepseek-llm", "deepseek-v3"];

/**
 * llama.cpp's name for how a byte-level tokenizer.json cuts text.
 * @throws UserError where none cuts it so: with a wrong one the model would see other tokens than in training.
 */
export function preTokenizerName(
  tokenizer: { normalizer: unknown; pre_tokenizer: unknown; ignoresMerges: boolean },
  path: string,
): string {
  const steps = stepsOf(tokenizer.pre_tokenizer);
  const normalizer = Step.nullable().safeParse(tokenizer.normalizer ?? null);
  // llama.cpp does not compose characters; text mostly is.
  const isPlain = normalizer.success && (normalizer.data === null || normalizer.data.type === "NFC");
  const found = known.find(
    ({ steps: own, whole = false }) =>
      String(own) === String(steps) && (whole === tokenizer.ignoresMerges || own[0] === "bytes by words"),
  );
  if (isPlain && found) return found.name;
  throw new UserError("gguf/pre-tokenizer", { path, steps: JSON.stringify(steps), known: preTokenizerNames });
}

/** What the names stand for, for a tokenizer.json; undefined: the name is not known. */
export function preTokenizerSteps(name: string): { steps: readonly string[]; whole: boolean } | undefined {
  const found = known.find((each) => each.name === (sameAs[name] ?? name));
  return found && { steps: found.steps, whole: found.whole ?? false };
}

/** Names of llama.cpp that cut as another does. */
const sameAs: Record<string, string> = {
  llama3: "llama-bpe",
  "llama-v3": "llama-bpe",
  "deepseek-r1-qwen": "qwen2",
  megrez: "qwen2",
  "phi-2": "gpt-2",
  olmo: "gpt-2",
  mpt: "gpt-2",
  dbrx: "smaug-bpe",
  starcoder: "smollm",
  refact: "smollm",
  "command-r": "smollm",
  codeshell: "smollm",
};

function stepsOf(value: unknown): string[] {
  const parsed = Step.safeParse(value);
  if (!parsed.success) return [];
  const { type, pattern, behavior, invert, individual_digits, add_prefix_space, use_regex, pretokenizers } =
    parsed.data;
  if (type === "Sequence") return (pretokenizers ?? []).flatMap(stepsOf);
  if (type === "Digits" && individual_digits) return ["digits"];
  if (type === "Split" && pattern?.Regex !== undefined && isCut(behavior, invert)) return [pattern.Regex];
  if (type === "ByteLevel" && !add_prefix_space) return [(use_regex ?? true) ? "bytes by words" : "bytes"];
  return [JSON.stringify(value)];
}

/** Whether matches are the words: kept apart, or all that is not dropped. */
function isCut(behavior: string | undefined, invert: boolean | undefined): boolean {
  return (behavior === "Isolated" && !invert) || (behavior === "Removed" && invert === true);
}
