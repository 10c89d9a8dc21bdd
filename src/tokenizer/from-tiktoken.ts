import { UserError } from "../protocol/user-error.ts";
import { pieceOfBytes } from "./byte-alphabet.ts";
import {
  addedToken,
  type ConvertedTokenizer,
  mergedTokens,
  type TokenizerSettings,
  templateProcessor,
} from "./tokenizer-json.ts";

// https://github.com/openai/tiktoken: byte pair encoding by ranks. The file has the ranks only: how text is cut into words
// before, and which special tokens there are, belongs to the model.

interface Family {
  name: string;
  /** How many tokens its file has. */
  size: number;
  /** Cuts text into words. */
  pattern: string;
  /** Unicode's composed form is taken before. */
  composed: boolean;
  /** From the first id behind the ranks on. */
  special: string[];
  specialTokens: Record<string, string>;
}

const wordsAfter = (numbers: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

const numbered = (prefix: string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `<|${prefix}_${from + i}|>`);

const families: Family[] = [
  {
    name: "Qwen",
    size: 151_643,
    pattern: wordsAfter("\\p{N}"),
    composed: true,
    special: ["<|endoftext|>", "<|im_start|>", "<|im_end|>", ...numbered("extra", 0, 205)],
    specialTokens: { eos_token: "<|endoftext|>", pad_token: "<|endoftext|>" },
  },
  {
    name: "Llama 3",
    size: 128_000,
    pattern: wordsAfter("\\p{N}{1,3}"),
    composed: false,
    special: [
      "<|begin_of_text|>",
      "<|end_of_text|>",
      "<|reserved_special_token_0|>",
      "<|reserved_special_token_1|>",
      "<|finetune_right_pad_id|>",
      "<|reserved_special_token_2|>",
      "<|start_header_id|>",
      "<|end_header_id|>",
      "<|eom_id|>",
      "<|eot_id|>",
      "<|python_tag|>",
      ...numbered("reserved_special_token", 3, 248),
    ],
    specialTokens: { bos_token: "<|begin_of_text|>", eos_token: "<|end_of_text|>" },
  },
  {
    name: "cl100k",
    size: 100_256,
    pattern: wordsAfter("\\p{N}{1,3}"),
    composed: false,
    special: [],
    specialTokens: {},
  },
];

const line = /^([A-Za-z0-9+/]+={0,2}) (\d+)$/;

/** Whether a file's first line is a token in base64 and its rank. */
export function isTiktoken(bytes: Uint8Array): boolean {
  const end = bytes.indexOf(10);
  const first = Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString("latin1");
  return line.test(first.trimEnd());
}

/**
 * A tiktoken file of a known family as a `tokenizer.json`.
 * @throws UserError for a family that is not known: text would be cut into other words than in training.
 */
export function fromTiktoken(path: string, bytes: Uint8Array, settings: TokenizerSettings): ConvertedTokenizer {
  const tokens = readRanks(bytes);
  const family = families.find(({ size }) => size === tokens.length);
  if (!family) {
    const known = families.map(({ name, size }) => `${name} (${size})`);
    throw new UserError("tokenizer/unknown-tiktoken", { path, size: tokens.length, known });
  }
  const own = family.special.map((content, i) => addedToken(tokens.length + i, content));
  const added = mergedTokens(own, settings);
  const named = { ...family.specialTokens, ...settings.specialTokens };
  const byName = (name: string) => added.filter((token) => token.content === named[name]);
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: family.composed ? { type: "NFC" } : null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: family.pattern }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: templateProcessor(
      (settings.addBosToken ?? true) ? byName("bos_token") : [],
      settings.addEosToken ? byName("eos_token") : [],
    ),
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      // A word that is a token as a whole is that token.
      ignore_merges: true,
      vocab: Object.fromEntries(tokens.map((token, rank) => [pieceOfBytes(token), rank])),
      merges: mergesOf(tokens.map(pieceOfBytes)),
    },
  };
  return { json: JSON.stringify(json), specialTokens: family.specialTokens };
}

const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };

/** Tokens by rank. */
function readRanks(bytes: Uint8Array): Uint8Array[] {
  const tokens: Uint8Array[] = [];
  for (const [i, text] of Buffer.from(bytes).toString("latin1").split(/\r?\n/).entries()) {
    if (text === "") continue;
    const [, base64 = "", rank] = line.exec(text) ?? [];
    if (Number(rank) !== tokens.length) throw new Error(`line ${i + 1} is not a token and rank ${tokens.length}`);
    tokens.push(Buffer.from(base64, "base64"));
  }
  return tokens;
}

/** Any two neighbours that give a token are joined, lowest rank first: every way to halve a token is a merge. */
function mergesOf(pieces: readonly string[]): [string, string][] {
  const known = new Set(pieces);
  const merges: [string, string][] = [];
  for (const piece of pieces) {
    for (let at = 1; at < piece.length; at++) {
      const [left, right] = [piece.slice(0, at), piece.slice(at)];
      if (known.has(left) && known.has(right)) merges.push([left, right]);
    }
  }
  return merges;
}
