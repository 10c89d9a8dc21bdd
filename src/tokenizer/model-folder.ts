import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../protocol/user-error.ts";
import { fromSentencePiece } from "./from-sentencepiece.ts";
import { fromTiktoken, isTiktoken } from "./from-tiktoken.ts";
import { readSentencePiece } from "./sentencepiece-model.ts";
import { type AddedToken, addedToken, type ConvertedTokenizer, type TokenizerSettings } from "./tokenizer-json.ts";

const TokenText = z.union([z.string(), z.looseObject({ content: z.string() }).transform((token) => token.content)]);
const TokenIds = z.union([z.int().transform((id) => [id]), z.array(z.int())]);
const NamedTemplates = z.union([
  z.string().transform((template) => ({ default: template })),
  z
    .array(z.looseObject({ name: z.string(), template: z.string() }))
    .transform((list) => Object.fromEntries(list.map(({ name, template }) => [name, template]))),
]);

const TokenizerConfig = z.looseObject({
  chat_template: NamedTemplates.nullish(),
  added_tokens_decoder: z
    .record(
      z.string(),
      z.looseObject({
        content: z.string(),
        special: z.boolean().default(false),
        single_word: z.boolean().default(false),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
      }),
    )
    .nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  legacy: z.boolean().nullish(),
});
type TokenizerConfig = z.infer<typeof TokenizerConfig>;
const TemplateFile = z.looseObject({ chat_template: NamedTemplates });
const ModelConfig = z.looseObject({
  eos_token_id: TokenIds.nullish(),
  text_config: z.looseObject({ eos_token_id: TokenIds.nullish() }).nullish(),
});

/** What the files of a model folder say about its tokenizer. */
export interface TokenizerFiles {
  /** The text of `tokenizer.json`, or of what one would be for the vocabulary that lies there. */
  tokenizer: string;
  /** Where that comes from. */
  path: string;
  /** Special tokens by the name that templates use: `bos_token`, `eos_token`, `pad_token`, … */
  specialTokens: Record<string, string>;
  /** End-of-text ids of `generation_config.json`, else of `config.json`. */
  endIds: number[];
  /** Template sources by name: `default`, and `tool_use` for some older models. */
  templates: Record<string, string>;
}

/** Reads the tokenizer's files of a Hugging Face model folder. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const [config, map, model, generation, added] = await Promise.all([
    readJson(join(folder, "tokenizer_config.json"), TokenizerConfig),
    readJson(join(folder, "special_tokens_map.json"), z.looseObject({})),
    readJson(join(folder, "config.json"), ModelConfig),
    readJson(join(folder, "generation_config.json"), ModelConfig),
    readJson(join(folder, "added_tokens.json"), z.record(z.string(), z.int())),
  ]);
  const specialTokens = { ...tokensOf(map), ...tokensOf(config) };
  const settings: TokenizerSettings = {
    addedTokens: addedTokensOf(config, added ?? {}),
    addBosToken: config?.add_bos_token ?? undefined,
    addEosToken: config?.add_eos_token ?? undefined,
    legacy: config?.legacy ?? undefined,
    specialTokens,
  };
  const vocabulary = await readVocabulary(folder, settings);
  return {
    tokenizer: vocabulary.json,
    path: vocabulary.path,
    specialTokens: { ...vocabulary.specialTokens, ...specialTokens },
    endIds: generation?.eos_token_id ?? model?.eos_token_id ?? model?.text_config?.eos_token_id ?? [],
    templates: await readTemplates(folder, config),
  };
}

/** `tokenizer.json`, or else the SentencePiece or tiktoken file that some models come with alone. */
async function readVocabulary(
  folder: string,
  settings: TokenizerSettings,
): Promise<ConvertedTokenizer & { path: string }> {
  const json = await readText(join(folder, "tokenizer.json"));
  if (json !== undefined) return { json, path: join(folder, "tokenizer.json"), specialTokens: {} };
  const names = await namesIn(folder);
  const name = names.find((each) => each === "tokenizer.model") ?? names.find((each) => each.endsWith(".tiktoken"));
  if (name === undefined) throw new UserError("tokenizer/missing", { folder });
  const path = join(folder, name);
  const bytes = await readFile(path);
  try {
    const converted = isTiktoken(bytes)
      ? fromTiktoken(path, bytes, settings)
      : fromSentencePiece(path, readSentencePiece(bytes), settings);
    return { ...converted, path };
  } catch (error) {
    throw error instanceof UserError ? error : badFile(path, error);
  }
}

/** Templates by name, from the oldest place to the newest, which wins. */
async function readTemplates(folder: string, config: TokenizerConfig | undefined): Promise<Record<string, string>> {
  const further = join(folder, "additional_chat_templates");
  const names = (await namesIn(further)).filter((name) => name.endsWith(".jinja"));
  const [file, jinja, ...sources] = await Promise.all([
    readJson(join(folder, "chat_template.json"), TemplateFile),
    readText(join(folder, "chat_template.jinja")),
    ...names.map((name) => readText(join(further, name))),
  ]);
  const named = names.flatMap((name, i) => {
    const source = sources[i];
    return source === undefined ? [] : [[name.replace(/\.jinja$/, ""), source]];
  });
  return {
    ...file?.chat_template,
    ...config?.chat_template,
    ...Object.fromEntries(named),
    ...(jinja === undefined ? {} : { default: jinja }),
  };
}

function addedTokensOf(
  config: TokenizerConfig | undefined,
  added: Readonly<Record<string, number>>,
): Map<number, AddedToken> {
  const tokens = new Map(Object.entries(added).map(([content, id]) => [id, addedToken(id, content)]));
  for (const [id, { content, special, single_word, lstrip, rstrip }] of Object.entries(
    config?.added_tokens_decoder ?? {},
  )) {
    tokens.set(Number(id), { ...addedToken(Number(id), content, { special }), single_word, lstrip, rstrip });
  }
  return tokens;
}

function tokensOf(file: Record<string, unknown> | undefined): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(file ?? {})) {
    const token = TokenText.safeParse(value);
    if (name.endsWith("_token") && token.success) tokens[name] = token.data;
  }
  return tokens;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw badFile(path, error);
  }
}

/** The error for a file that is there and cannot be used. */
export function badFile(path: string, error: unknown): UserError {
  const reason =
    error instanceof z.ZodError ? z.prettifyError(error) : String(error instanceof Error ? error.message : error);
  return new UserError("tokenizer/bad-file", { path, reason });
}
