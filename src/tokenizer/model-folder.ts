import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../protocol/user-error.ts";

const TokenText = z.union([z.string(), z.looseObject({ content: z.string() }).transform((token) => token.content)]);
const TokenIds = z.union([z.int().transform((id) => [id]), z.array(z.int())]);
const NamedTemplates = z.union([
  z.string().transform((template) => ({ default: template })),
  z
    .array(z.looseObject({ name: z.string(), template: z.string() }))
    .transform((list) => Object.fromEntries(list.map(({ name, template }) => [name, template]))),
]);

const TokenizerConfig = z.looseObject({ chat_template: NamedTemplates.nullish() });
const TemplateFile = z.looseObject({ chat_template: NamedTemplates });
const ModelConfig = z.looseObject({
  eos_token_id: TokenIds.nullish(),
  text_config: z.looseObject({ eos_token_id: TokenIds.nullish() }).nullish(),
});

/** What the files of a model folder say about its tokenizer, besides `tokenizer.json` itself. */
export interface TokenizerFiles {
  /** The text of `tokenizer.json`. */
  tokenizer: string;
  /** Special tokens by the name that templates use: `bos_token`, `eos_token`, `pad_token`, … */
  specialTokens: Record<string, string>;
  /** End-of-text ids of `generation_config.json`, else of `config.json`. */
  endIds: number[];
  /** Template sources by name: `default`, and `tool_use` for some older models. */
  templates: Record<string, string>;
}

/** Reads the tokenizer's files of a Hugging Face model folder. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const [tokenizer, config, map, model, generation, jinja, templateFile] = await Promise.all([
    readText(join(folder, "tokenizer.json")),
    readJson(join(folder, "tokenizer_config.json"), TokenizerConfig),
    readJson(join(folder, "special_tokens_map.json"), z.looseObject({})),
    readJson(join(folder, "config.json"), ModelConfig),
    readJson(join(folder, "generation_config.json"), ModelConfig),
    readText(join(folder, "chat_template.jinja")),
    readJson(join(folder, "chat_template.json"), TemplateFile),
  ]);
  if (tokenizer === undefined) throw await noTokenizer(folder);
  return {
    tokenizer,
    specialTokens: { ...tokensOf(map), ...tokensOf(config) },
    endIds: generation?.eos_token_id ?? model?.eos_token_id ?? model?.text_config?.eos_token_id ?? [],
    templates: {
      ...templateFile?.chat_template,
      ...config?.chat_template,
      ...(jinja === undefined ? {} : { default: jinja }),
    },
  };
}

function tokensOf(file: Record<string, unknown> | undefined): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(file ?? {})) {
    const token = TokenText.safeParse(value);
    if (name.endsWith("_token") && token.success) tokens[name] = token.data;
  }
  return tokens;
}

async function noTokenizer(folder: string): Promise<UserError> {
  const sentencePiece = await readText(join(folder, "tokenizer.model"));
  return sentencePiece === undefined
    ? new UserError("tokenizer/missing", { folder })
    : new UserError("tokenizer/sentencepiece-only", { folder });
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
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
