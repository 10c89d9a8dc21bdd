// What llama.cpp reads of a tokenizer: gguf-py/gguf/constants.py (Keys.Tokenizer) and src/llama-vocab.cpp.
import { z } from "zod";
import { UserError } from "../../protocol/user-error.ts";
import { badFile, type TokenizerFiles } from "../../tokenizer/model-folder.ts";
import { bool, float32s, int32s, type Metadata, type MetadataValue, text, texts } from "./metadata.ts";
import { pieceScores } from "./piece-scores.ts";
import { preTokenizerName } from "./pre-tokenizer.ts";
import { specialTokenEntries } from "./special-tokens.ts";

const Merge = z.union([z.string(), z.tuple([z.string(), z.string()])]);
const TokenizerJson = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean() })).default([]),
  normalizer: z.unknown().optional(),
  pre_tokenizer: z.unknown().optional(),
  post_processor: z.unknown().optional(),
  decoder: z.unknown().optional(),
  model: z.looseObject({
    type: z.string().default("BPE"),
    vocab: z.unknown().optional(),
    merges: z.array(Merge).default([]),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    unk_token: z.string().nullish(),
  }),
});
type TokenizerJson = z.infer<typeof TokenizerJson>;

/** llama.cpp's kinds of tokens, which are SentencePiece's. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface VocabularyOptions {
  /** Rows of the embedding: tokens beyond the tokenizer's are filled up. */
  size: number;
  /** Of config.json, for a tokenizer that names no token that begins a text: llama.cpp would take another. */
  bosId?: number | undefined;
  /** llama.cpp's name for how text is cut, where it is not to be found out. */
  preTokenizer?: string | undefined;
}

/**
 * The metadata of a model folder's tokenizer.
 * @throws UserError for one that llama.cpp cannot be told.
 */
export function vocabularyMetadata(files: TokenizerFiles, options: VocabularyOptions): Metadata {
  const json = parsed(files);
  const { path } = files;
  const vocabulary = z.record(z.string(), z.int()).safeParse(json.model.vocab);
  if (json.model.type !== "BPE" || !vocabulary.success) {
    throw new UserError("gguf/tokenizer-kind", { path, kind: json.model.type });
  }
  const tokens = tokensById(vocabulary.data, json, options.size, path);
  const entries: [string, MetadataValue][] = json.model.byte_fallback
    ? sentencePieceEntries(json, tokens, vocabulary.data)
    : byteLevelEntries(json, tokens, path, options);
  const metadata: Metadata = new Map();
  const special = specialTokenEntries(
    files,
    json.post_processor,
    tokens.map((token) => token.text),
    options.bosId,
  );
  for (const [key, value] of [...entries, ...special, ...templateEntries(files)]) metadata.set(key, value);
  return metadata;
}

interface Token {
  text: string;
  type: number;
}

function parsed({ tokenizer, path }: TokenizerFiles): TokenizerJson {
  try {
    return TokenizerJson.parse(JSON.parse(tokenizer));
  } catch (error) {
    throw badFile(path, error);
  }
}

/** Every row of the embedding has a token; those that no text is written with are called [PADn]. */
function tokensById(vocab: Record<string, number>, json: TokenizerJson, size: number, path: string): Token[] {
  const isSpelled = json.model.byte_fallback === true;
  const tokens = Array.from({ length: size }, (_, id): Token => ({ text: `[PAD${id}]`, type: tokenTypes.unused }));
  const put = (id: number, token: Token) => {
    if (id >= size) throw new UserError("gguf/vocabulary-size", { path, token: token.text, id, size });
    tokens[id] = token;
  };
  for (const [piece, id] of Object.entries(vocab)) {
    const isByte = isSpelled && /^<0x[0-9A-F]{2}>$/.test(piece);
    put(id, { text: piece, type: isByte ? tokenTypes.byte : tokenTypes.normal });
  }
  for (const { id, content, special } of json.added_tokens) {
    const isUnknown = isSpelled && content === json.model.unk_token;
    if (isUnknown) put(id, { text: content, type: tokenTypes.unknown });
    else if (special) put(id, { text: content, type: tokenTypes.control });
    else put(id, { text: isSpelled ? content.replaceAll("▁", " ") : content, type: tokenTypes.userDefined });
  }
  return tokens;
}

function byteLevelEntries(
  json: TokenizerJson,
  tokens: readonly Token[],
  path: string,
  { preTokenizer }: VocabularyOptions,
): [string, MetadataValue][] {
  const { normalizer, pre_tokenizer, model } = json;
  const ignoresMerges = model.ignore_merges === true;
  const pre = preTokenizer ?? preTokenizerName({ normalizer, pre_tokenizer, ignoresMerges }, path);
  const merges = json.model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  return [
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text(pre)],
    ...tokenLists(tokens),
    ["tokenizer.ggml.merges", texts(merges)],
  ];
}

function sentencePieceEntries(
  json: TokenizerJson,
  tokens: readonly Token[],
  vocab: Record<string, number>,
): [string, MetadataValue][] {
  const merges = json.model.merges.map((merge): [string, string] => {
    if (typeof merge !== "string") return merge;
    const at = merge.indexOf(" ", 1);
    return [merge.slice(0, at), merge.slice(at + 1)];
  });
  const isPrefixed =
    JSON.stringify([json.normalizer, json.pre_tokenizer]).match(/"(prepend|prepend_scheme)":/) !== null;
  return [
    ["tokenizer.ggml.model", text("llama")],
    ["tokenizer.ggml.pre", text("default")],
    ...tokenLists(tokens),
    ["tokenizer.ggml.scores", float32s(pieceScores(tokens.length, merges, vocab))],
    ["tokenizer.ggml.add_space_prefix", bool(isPrefixed)],
  ];
}

function tokenLists(tokens: readonly Token[]): [string, MetadataValue][] {
  return [
    ["tokenizer.ggml.tokens", texts(tokens.map((token) => token.text))],
    ["tokenizer.ggml.token_type", int32s(tokens.map((token) => token.type))],
  ];
}

function templateEntries({ templates }: TokenizerFiles): [string, MetadataValue][] {
  const { default: main, ...named } = templates;
  const names = Object.keys(named);
  return [
    ...(main === undefined ? [] : [["tokenizer.chat_template", text(main)] as const]),
    ...(names.length === 0 ? [] : [["tokenizer.chat_templates", texts(names)] as const]),
    ...Object.entries(named).map(([name, source]) => [`tokenizer.chat_template.${name}`, text(source)] as const),
  ].map(([key, value]) => [key, value]);
}
