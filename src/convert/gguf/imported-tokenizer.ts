import { z } from "zod";
import { UserError } from "../../protocol/user-error.ts";
import { fromSentencePiece } from "../../tokenizer/from-sentencepiece.ts";
import { type Piece, pieceTypes } from "../../tokenizer/sentencepiece-model.ts";
import { addedToken, templateProcessor } from "../../tokenizer/tokenizer-json.ts";
import { plainMetadata } from "./metadata.ts";
import { preTokenizerSteps } from "./pre-tokenizer.ts";
import type { GgufFile } from "./reader.ts";
import { tokenTypes } from "./vocabulary.ts";

const id = z.int().optional();
const Vocabulary = z.looseObject({
  "tokenizer.ggml.model": z.string(),
  "tokenizer.ggml.pre": z.string().default("default"),
  "tokenizer.ggml.tokens": z.array(z.string()),
  "tokenizer.ggml.token_type": z.array(z.int()).default([]),
  "tokenizer.ggml.scores": z.array(z.number()).default([]),
  "tokenizer.ggml.merges": z.array(z.string()).default([]),
  "tokenizer.ggml.bos_token_id": id,
  "tokenizer.ggml.eos_token_id": id,
  "tokenizer.ggml.eot_token_id": id,
  "tokenizer.ggml.eom_token_id": id,
  "tokenizer.ggml.unknown_token_id": id,
  "tokenizer.ggml.padding_token_id": id,
  "tokenizer.ggml.add_bos_token": z.boolean().optional(),
  "tokenizer.ggml.add_eos_token": z.boolean().default(false),
  "tokenizer.ggml.add_space_prefix": z.boolean().default(true),
  "tokenizer.chat_template": z.string().optional(),
});
type Vocabulary = z.infer<typeof Vocabulary>;

/** Files of a model folder by name, as text. */
export type FolderFiles = Record<string, string>;

/**
 * tokenizer.json, tokenizer_config.json, generation_config.json and the chat template of a GGUF file.
 * @throws UserError for a vocabulary that no tokenizer.json can be made of.
 */
export function importedTokenizer(file: GgufFile): FolderFiles {
  const { path } = file;
  const parsed = Vocabulary.safeParse(plainMetadata(file.metadata));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new UserError("gguf/metadata", { path, problems });
  }
  const v = parsed.data;
  const model = v["tokenizer.ggml.model"];
  if (model !== "gpt2" && model !== "llama") throw new UserError("gguf/vocabulary-kind", { path, kind: model });
  const tokens = v["tokenizer.ggml.tokens"];
  const named = {
    bos_token: tokens[v["tokenizer.ggml.bos_token_id"] ?? -1],
    eos_token: tokens[v["tokenizer.ggml.eos_token_id"] ?? -1],
    unk_token: tokens[v["tokenizer.ggml.unknown_token_id"] ?? -1],
    pad_token: tokens[v["tokenizer.ggml.padding_token_id"] ?? -1],
  };
  const specialTokens = Object.fromEntries(
    Object.entries(named).flatMap(([name, text]) => (text ? [[name, text]] : [])),
  );
  const json = model === "gpt2" ? byteLevelJson(v, path) : sentencePieceJson(v, path, specialTokens);
  const endIds = ["eos", "eot", "eom"].flatMap(
    (name) => z.int().safeParse(v[`tokenizer.ggml.${name}_token_id`]).data ?? [],
  );
  const template = v["tokenizer.chat_template"];
  return {
    "tokenizer.json": json,
    "tokenizer_config.json": JSON.stringify({ tokenizer_class: "PreTrainedTokenizerFast", ...specialTokens }, null, 2),
    "generation_config.json": JSON.stringify({ eos_token_id: endIds.length === 1 ? endIds[0] : endIds }, null, 2),
    ...(template === undefined ? {} : { "chat_template.jinja": template }),
    ...furtherTemplates(v),
  };
}

function furtherTemplates(v: Vocabulary): FolderFiles {
  const start = "tokenizer.chat_template.";
  return Object.fromEntries(
    Object.entries(v).flatMap(([key, value]) =>
      key.startsWith(start) && typeof value === "string"
        ? [[`additional_chat_templates/${key.slice(start.length)}.jinja`, value]]
        : [],
    ),
  );
}

function byteLevelJson(v: Vocabulary, path: string): string {
  const pre = v["tokenizer.ggml.pre"];
  const steps = preTokenizerSteps(pre);
  if (!steps) throw new UserError("gguf/unknown-pre-tokenizer", { path, name: pre });
  const tokens = v["tokenizer.ggml.tokens"];
  const typeOf = (at: number) => v["tokenizer.ggml.token_type"][at] ?? tokenTypes.normal;
  const added = tokens.flatMap((text, at) => {
    const type = typeOf(at);
    if (type === tokenTypes.control || type === tokenTypes.unknown) return [addedToken(at, text)];
    return type === tokenTypes.userDefined ? [addedToken(at, text, { special: false })] : [];
  });
  const byId = (at: number | undefined) => added.filter((token) => token.id === at);
  const addsBos = v["tokenizer.ggml.add_bos_token"] ?? steps.whole;
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    // A GGUF file does not say; all models that cut text so compose characters first.
    normalizer: pre.includes("qwen") ? { type: "NFC" } : null,
    pre_tokenizer: { type: "Sequence", pretokenizers: steps.steps.map(stepJson) },
    post_processor: templateProcessor(
      addsBos ? byId(v["tokenizer.ggml.bos_token_id"]) : [],
      v["tokenizer.ggml.add_eos_token"] ? byId(v["tokenizer.ggml.eos_token_id"]) : [],
    ),
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: steps.whole,
      vocab: Object.fromEntries(
        tokens.flatMap((text, at) => (typeOf(at) === tokenTypes.normal ? [[text, at] as const] : [])),
      ),
      merges: v["tokenizer.ggml.merges"],
    },
  });
}

function stepJson(step: string): object {
  if (step === "digits") return { type: "Digits", individual_digits: true };
  if (step === "bytes" || step === "bytes by words") {
    return { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: step === "bytes by words" };
  }
  return { type: "Split", pattern: { Regex: step }, behavior: "Isolated", invert: false };
}

function sentencePieceJson(v: Vocabulary, path: string, specialTokens: Record<string, string>): string {
  const types: Record<number, Piece["type"]> = pieceTypes;
  const pieces = v["tokenizer.ggml.tokens"].map((text, at) => ({
    text,
    score: v["tokenizer.ggml.scores"][at] ?? 0,
    type: types[v["tokenizer.ggml.token_type"][at] ?? 1] ?? "normal",
  }));
  const model = {
    pieces,
    algorithm: "bpe" as const,
    byteFallback: true,
    blankAsSuffix: false,
    bosId: v["tokenizer.ggml.bos_token_id"] ?? -1,
    eosId: v["tokenizer.ggml.eos_token_id"] ?? -1,
    charsmap: new Uint8Array(),
    addDummyPrefix: v["tokenizer.ggml.add_space_prefix"],
    removeExtraBlanks: false,
    escapeBlanks: true,
  };
  const settings = {
    addedTokens: new Map(),
    addBosToken: v["tokenizer.ggml.add_bos_token"] ?? true,
    addEosToken: v["tokenizer.ggml.add_eos_token"],
    legacy: undefined,
    specialTokens,
  };
  return fromSentencePiece(path, model, settings).json;
}
