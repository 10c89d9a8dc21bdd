import { scope } from "../core/scope.ts";
import type { Cache } from "../models/cache.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { ChatMessage } from "../tokenizer/messages.ts";
import type { RenderOptions, Tokenizer } from "../tokenizer/tokenizer.ts";
import { type GeneratedText, generateText, type TextOptions } from "./generate-text.ts";
import { type AnswerPiece, ThinkingSplitter } from "./thinking.ts";

export interface Answer extends GeneratedText {
  /** What the model thought before; it goes back to the template under that name. */
  thinking: string;
  answer: string;
  promptTokens: number;
  /** Of these, tokens that were in the cache from the turn before. */
  cachedTokens: number;
}

export interface AnswerOptions extends Omit<TextOptions, "cache"> {
  render?: RenderOptions;
}

/**
 * A conversation with a model. Each turn renders the whole conversation again, as templates want it (most drop earlier
 * thoughts), and computes only what the cache does not have: the longest common beginning of the tokens is kept.
 */
export class ChatSession {
  readonly #model: LanguageModel;
  readonly #tokenizer: Tokenizer;
  readonly #maxSize: number | undefined;
  #cache: Cache[];
  #cached: number[] = []; // the tokens in the cache

  /** maxSize: see `LanguageModel.makeCache`. */
  constructor(model: LanguageModel, tokenizer: Tokenizer, { maxSize }: { maxSize?: number | undefined } = {}) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#maxSize = maxSize;
    this.#cache = model.makeCache({ maxSize });
  }

  /** The model's next message, piece by piece. Aborting the signal ends it where it is. */
  async *answer(
    messages: readonly ChatMessage[],
    { render, ...options }: AnswerOptions,
  ): AsyncGenerator<AnswerPiece, Answer> {
    const { prompt, inThoughts } = await this.#encode(messages, render);
    const cachedTokens = this.#keepCommon(prompt);
    const splitter = new ThinkingSplitter({ inside: inThoughts });
    const parts = { thinking: "", answer: "" };
    const count = (pieces: AnswerPiece[]): AnswerPiece[] => {
      for (const { kind, text } of pieces) parts[kind] += text;
      return pieces;
    };
    const text = generateText(this.#model, this.#tokenizer, prompt.slice(cachedTokens), {
      ...options,
      cache: this.#cache,
    });
    let known = prompt;
    try {
      let step = await text.next();
      for (; !step.done; step = await text.next()) yield* count(splitter.add(step.value));
      yield* count(splitter.finish());
      known = [...prompt, ...step.value.tokenIds];
      return { ...step.value, ...parts, promptTokens: prompt.length, cachedTokens };
    } finally {
      // Generation is a token ahead, or was ended: the cache says how much of the text it has.
      this.#cached = known.slice(0, this.#cache[0]?.offset ?? 0);
    }
  }

  /** Frees the cache. */
  dispose(): void {
    for (const layer of this.#cache) layer.dispose();
    this.#cached = [];
  }

  /** The conversation as tokens, and whether it ends where the model is to think. */
  async #encode(
    messages: readonly ChatMessage[],
    render: RenderOptions | undefined,
  ): Promise<{ prompt: number[]; inThoughts: boolean }> {
    if (!this.#tokenizer.hasChatTemplate) {
      const text = messages.map(({ content }) => (typeof content === "string" ? content : "")).join("\n");
      return { prompt: await this.#tokenizer.encode(text), inThoughts: false };
    }
    const text = this.#tokenizer.render(messages, { addGenerationPrompt: true, ...render });
    const prompt = await this.#tokenizer.encode(text, { addSpecialTokens: false });
    return { prompt, inThoughts: text.trimEnd().endsWith("<think>") };
  }

  /** Trims the cache to the tokens that it shares with the prompt, all but the last at most; returns how many. */
  #keepCommon(prompt: readonly number[]): number {
    const differs = prompt.findIndex((id, i) => id !== this.#cached[i]);
    const common = Math.min(differs < 0 ? prompt.length : differs, prompt.length - 1);
    const surplus = (this.#cache[0]?.offset ?? 0) - common;
    if (surplus > 0 && !this.#cache.every((layer) => layer.canTrim(surplus))) {
      this.dispose();
      this.#cache = scope(() => this.#model.makeCache({ maxSize: this.#maxSize }));
      return 0;
    }
    if (surplus > 0) for (const layer of this.#cache) layer.trim(surplus);
    return common;
  }
}
