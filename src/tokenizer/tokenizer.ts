import { Tokenizer as HuggingFaceTokenizer } from "tokenizers";
import { z } from "zod";
import { UserError } from "../protocol/user-error.ts";
import { bytesOfPiece } from "./byte-alphabet.ts";
import { ChatTemplate, type TemplateOptions } from "./chat-template.ts";
import { type ChatMessage, withParsedArguments } from "./messages.ts";
import { badFile, readTokenizerFiles, type TokenizerFiles } from "./model-folder.ts";
import { StreamingDetokenizer, type TokenDecoder } from "./streaming-detokenizer.ts";
import { isWrittenSpecial, type Vocabulary } from "./vocabulary.ts";

const TokenizerJson = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean() })).default([]),
  decoder: z.looseObject({ type: z.string() }).nullish(),
});

/** mlx-lm's marks of a model that thinks before it answers: both words of a pair in the vocabulary. */
const thinkTokens = [
  ["<think>", "</think>"],
  ["<longcat_think>", "</longcat_think>"],
  ["<|think:start|>", "<|think:end|>"],
  ["<|channel>", "<channel|>"],
] as const;

export interface EncodeOptions {
  /** Put the tokenizer's own special tokens (`<s>` …) around the text. */
  addSpecialTokens?: boolean;
}

/** Token ids, and for each the part of the text that it was made from. */
export interface EncodedText {
  ids: number[];
  /** [start, end) in UTF-16 units of the text; empty ranges for tokens that stand for no text of it. */
  ranges: [number, number][];
}

export interface RenderOptions extends TemplateOptions {
  /** Default: whether the model can think. */
  enableThinking?: boolean | undefined;
  /** One of `templateNames`; default: `default`, or `tool_use` where there is one and tools are given. */
  template?: string | undefined;
  /** Leaves tool-call arguments that are JSON text as they are, as mlx-lm does; templates then quote them. */
  keepArguments?: boolean | undefined;
}

/** The tokenizer of a Hugging Face model folder, with its chat template and its end-of-text tokens. */
export class Tokenizer {
  readonly #library: HuggingFaceTokenizer;
  readonly #decoder: TokenDecoder;
  readonly #templates: ReadonlyMap<string, ChatTemplate>;
  readonly #specialIds: ReadonlySet<number>;
  readonly #folder: string;
  /** Ends an answer: the ids of `generation_config.json`, else `config.json`, and the tokenizer's own. */
  readonly eosTokenIds: ReadonlySet<number>;
  /** The tokenizer's own end-of-text token, which ends a text row. */
  readonly eosTokenId: number | undefined;
  readonly bosTokenId: number | undefined;
  /** With added tokens. A model's embedding may be larger. */
  readonly vocabSize: number;
  /** The special tokens and those added to the vocabulary, by text. */
  readonly addedTokens: ReadonlyMap<string, number>;
  /** The vocabulary has a pair of think tokens (as mlx-lm decides it). */
  readonly hasThinking: boolean;

  private constructor(folder: string, files: TokenizerFiles) {
    const { library, json } = parseTokenizer(files.path, files.tokenizer);
    this.#folder = folder;
    this.#library = library;
    this.#decoder = decoderOf(library, json.decoder?.type === "ByteLevel");
    this.#specialIds = new Set(json.added_tokens.filter((token) => token.special).map((token) => token.id));
    this.addedTokens = new Map(json.added_tokens.map((token) => [token.content, token.id]));
    this.#templates = new Map(
      Object.entries(files.templates).map(([name, source]) => [name, new ChatTemplate(source, files.specialTokens)]),
    );
    this.eosTokenId = this.#idOf(files.specialTokens.eos_token);
    this.bosTokenId = this.#idOf(files.specialTokens.bos_token);
    this.eosTokenIds = new Set([...files.endIds, ...(this.eosTokenId === undefined ? [] : [this.eosTokenId])]);
    this.vocabSize = library.getVocabSize(true);
    this.hasThinking = this.thoughtMarks !== undefined;
  }

  /** Reads the folder's `tokenizer.json` and what its other files say about tokens and templates. */
  static async load(folder: string): Promise<Tokenizer> {
    return new Tokenizer(folder, await readTokenizerFiles(folder));
  }

  async encode(text: string, options: EncodeOptions = {}): Promise<number[]> {
    const encoding = await this.#library.encode(text, null, { addSpecialTokens: options.addSpecialTokens ?? true });
    return encoding.getIds();
  }

  /** Like `encode`, without special tokens, and with the part of the text that each token stands for. */
  async encodeWithRanges(text: string): Promise<EncodedText> {
    const encoding = await this.#library.encode(text, null, { addSpecialTokens: false });
    const units = unitOffsets(text);
    const at = (character = 0) => units?.[character] ?? character;
    return { ids: encoding.getIds(), ranges: encoding.getOffsets().map(([start, end]) => [at(start), at(end)]) };
  }

  /** The text of `ids`. Ids that are not in the vocabulary are left out. */
  decode(ids: Iterable<number>, options: { skipSpecialTokens?: boolean } = {}): string {
    const pieces: string[] = [];
    for (const id of ids) {
      const piece = options.skipSpecialTokens && this.#specialIds.has(id) ? null : this.#decoder.piece(id);
      if (piece !== null) pieces.push(piece);
    }
    return this.#decoder.decode(pieces);
  }

  /** The text of one token in the middle of a text, with the blank that a first word would lose. */
  tokenText(id: number): string {
    const piece = this.#decoder.piece(id);
    return piece === null ? "" : this.#decoder.decode(["x", piece]).slice(1);
  }

  /** The bytes that a token stands for, which may be part of a character. */
  tokenBytes(id: number): Uint8Array {
    const piece = this.#decoder.piece(id) ?? "";
    const byte = /^<0x([0-9a-f]{2})>$/i.exec(piece)?.[1];
    if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
    const isSpelled = this.#decoder.byteLevel && !this.addedTokens.has(piece);
    return isSpelled ? bytesOfPiece(piece) : new TextEncoder().encode(this.tokenText(id));
  }

  /** What grammars are compiled for. size: of the model's logits */
  vocabulary(size: number): Vocabulary {
    const isByteFallback = !this.#decoder.byteLevel && this.#idOf("<0x00>") !== undefined;
    const kind = this.#decoder.byteLevel ? "byte_level" : isByteFallback ? "byte_fallback" : "raw";
    const pieces = Array.from({ length: Math.min(size, this.vocabSize) }, (_, id) => {
      const piece = this.#decoder.piece(id) ?? "";
      if (this.#specialIds.has(id) && !isWrittenSpecial(piece)) return "";
      return kind === "raw" ? this.tokenText(id) : piece;
    });
    return { kind, pieces, size, endIds: [...this.eosTokenIds] };
  }

  /** The tokens that open and close thoughts, where there are both. */
  get thoughtMarks(): { open: number; close: number } | undefined {
    for (const pair of thinkTokens) {
      const [open, close] = pair.map((token) => this.#idOf(token));
      if (open !== undefined && close !== undefined) return { open, close };
    }
    return undefined;
  }

  detokenizer(): StreamingDetokenizer {
    return new StreamingDetokenizer(this.#decoder);
  }

  get hasChatTemplate(): boolean {
    return this.#templates.size > 0;
  }

  /** Of all templates: what they say of tools. */
  get templateSource(): string {
    return [...this.#templates.values()].map(({ source }) => source).join("\n");
  }

  get templateNames(): string[] {
    return [...this.#templates.keys()];
  }

  /** The conversation as the text that the model is given: the one place for training, chat and the server. */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const { enableThinking = this.hasThinking, keepArguments, ...rest } = options;
    const templateVariables = { enable_thinking: enableThinking, ...options.templateVariables };
    const given = keepArguments ? messages : withParsedArguments(messages);
    return this.#template(options).render(given, { ...rest, templateVariables });
  }

  /** The conversation as token ids. The template writes all special tokens, so none are added. */
  async encodeChat(messages: readonly ChatMessage[], options: RenderOptions = {}): Promise<number[]> {
    return this.encode(this.render(messages, options), { addSpecialTokens: false });
  }

  #template(options: RenderOptions): ChatTemplate {
    const { template: name } = options;
    if (name !== undefined) {
      const named = this.#templates.get(name);
      if (named) return named;
      throw new UserError("tokenizer/unknown-template", { folder: this.#folder, name, names: this.templateNames });
    }
    const withTools = options.tools && options.tools.length > 0 ? this.#templates.get("tool_use") : undefined;
    const template = withTools ?? this.#templates.get("default");
    if (template) return template;
    if (!this.hasChatTemplate) throw new UserError("tokenizer/no-chat-template", { folder: this.#folder });
    throw new UserError("tokenizer/no-default-template", {
      folder: this.#folder,
      names: this.templateNames.join(", "),
    });
  }

  #idOf(token: string | undefined): number | undefined {
    return token === undefined ? undefined : (this.#library.tokenToId(token) ?? undefined);
  }
}

function parseTokenizer(path: string, text: string) {
  try {
    const json = TokenizerJson.parse(JSON.parse(text));
    const library = HuggingFaceTokenizer.fromString(text);
    // Some published files cut and pad at the length of their training; a text is encoded whole here.
    library.disableTruncation();
    library.disablePadding();
    return { library, json };
  } catch (error) {
    throw badFile(path, error);
  }
}

function decoderOf(library: HuggingFaceTokenizer, byteLevel: boolean): TokenDecoder {
  const decoder = library.getDecoder();
  return {
    byteLevel,
    piece: (id) => library.idToToken(id),
    decode: (pieces) => (decoder ? decoder.decode(pieces) : pieces.join(" ")),
  };
}

/** For each character (code point) of `text` where it starts in UTF-16 units; undefined when the two counts agree. */
function unitOffsets(text: string): number[] | undefined {
  if (!/[\ud800-\udfff]/.test(text)) return undefined;
  const offsets: number[] = [];
  let unit = 0;
  for (const character of text) {
    offsets.push(unit);
    unit += character.length;
  }
  offsets.push(unit);
  return offsets;
}
