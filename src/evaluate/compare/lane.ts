import { resolve } from "node:path";
import type { DType } from "../../core/dtype.ts";
import { scope } from "../../core/scope.ts";
import type { EndOptions } from "../../generate/answer-text.ts";
import { generateTexts } from "../../generate/generate-texts.ts";
import type { Sampling } from "../../generate/sampler.ts";
import { ThinkingSplitter, thoughtsOf } from "../../generate/thinking.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { loadModel } from "../../models/load.ts";
import { type Likelihood, type PerSide, type SideAnswer, type SideName, sideNames } from "../../protocol/comparison.ts";
import { UserError } from "../../protocol/user-error.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { AdapterBank } from "../../tuner/adapter-bank.ts";
import { isWholeAdapter, loadAdapter } from "../../tuner/load-adapter.ts";
import { scoreTokens } from "../token-scores.ts";
import { type EncodedQuestion, encodeQuestion, type PredictedText } from "./encode-question.ts";
import { askedText, type Question } from "./questions.ts";

/** What one side is: a model folder, and perhaps the folder of a run whose adapter is applied. */
export interface SideSource {
  model: string;
  adapter: string | undefined;
}

/** A model to load, and the sides that it answers for. */
export interface LanePlan {
  model: string;
  sides: { name: SideName; adapter: string | undefined }[];
}

export interface AnswerOptions extends EndOptions {
  sampling(tokenizer: Tokenizer, vocabulary: number): Sampling;
  maxTokens: number;
  seed: number;
  /** Questions that are answered together. */
  batchSize: number;
  templateVariables?: Readonly<Record<string, unknown>> | undefined;
  signal?: AbortSignal | undefined;
}

export interface LaneAnswer {
  /** Which question it answers, from 0. */
  index: number;
  side: SideName;
  answer: SideAnswer;
}

/** Both sides on one set of weights where they differ by adapters only; else a model for each, to be loaded one after the other. */
export function planLanes(sides: PerSide<SideSource>): LanePlan[] {
  const { base, tuned } = sides;
  const isShared = resolve(base.model) === resolve(tuned.model) && !isWhole(base.adapter) && !isWhole(tuned.adapter);
  const of = (name: SideName) => ({ name, adapter: sides[name].adapter });
  if (isShared) return [{ model: base.model, sides: sideNames.map(of) }];
  return sideNames.map((name) => ({ model: sides[name].model, sides: [of(name)] }));
}

/** A model in memory that answers for one side, or with different adapters for both. */
export class Lane {
  readonly tokenizer: Tokenizer;
  readonly sides: readonly SideName[];
  readonly #model: LanguageModel;
  readonly #bank: AdapterBank;
  /** The adapter of a side in the bank. */
  readonly #adapters = new Map<SideName, string>();

  private constructor(plan: LanePlan, model: LanguageModel, tokenizer: Tokenizer) {
    this.#model = model;
    this.#bank = new AdapterBank(model);
    this.tokenizer = tokenizer;
    this.sides = plan.sides.map(({ name }) => name);
    for (const { name, adapter } of plan.sides) {
      if (adapter === undefined) continue;
      if (isWhole(adapter)) loadAdapter(model, adapter);
      else {
        this.#bank.add(name, adapter);
        this.#adapters.set(name, name);
      }
    }
  }

  /** @throws UserError when there is no such model or adapter, or they do not belong together */
  static async open(plan: LanePlan, { dtype }: { dtype?: DType | undefined } = {}): Promise<Lane> {
    const tokenizer = await Tokenizer.load(plan.model);
    const model = loadModel(plan.model, dtype ? { dtype } : {});
    try {
      return new Lane(plan, model, tokenizer);
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /** Answers to all questions, in their order; those of both sides to one question follow each other. */
  async *answers(
    questions: readonly Question[],
    { sampling, batchSize, templateVariables, ...options }: AnswerOptions,
  ): AsyncGenerator<LaneAnswer, void> {
    const encoded: EncodedQuestion[] = [];
    for (const question of questions) encoded.push(await this.#encode(question, templateVariables));
    const texts = encoded.flatMap((question, index) => this.sides.map((side) => ({ question, index, side })));
    const prompts = texts.map(({ question }) => question.prompt);
    const of = texts.map(({ side }) => this.#adapters.get(side) ?? "");
    const answers = generateTexts(this.#model, this.tokenizer, prompts, {
      ...options,
      sampling: sampling(this.tokenizer, this.#model.config.vocab_size),
      batchSize: batchSize * this.sides.length,
      adapters: { bank: this.#bank, of },
    });
    let next = 0;
    for await (const { text, tokenIds, finishReason } of answers) {
      const each = texts[next++];
      if (!each) return;
      const { question, index, side } = each;
      const said = this.#split(text, question);
      const reference = question.reference ? this.likelihood(side, question.reference) : null;
      yield { index, side, answer: { ...said, tokens: tokenIds.length, finish_reason: finishReason, reference } };
    }
  }

  /** How likely a side finds a text that is given. */
  likelihood(side: SideName, { ids, first }: PredictedText): Likelihood {
    scope(() => this.#bank.begin([{ adapter: this.#adapters.get(side) ?? "", count: ids.length }]));
    const scores = scoreTokens(this.#model, ids, 0, first);
    return { log_likelihood: scores.reduce((sum, { logprob }) => sum + logprob, 0), tokens: scores.length };
  }

  /** @throws UserError for a token that the model does not know */
  require(ids: readonly number[], where: string): void {
    const size = this.#model.config.vocab_size;
    const id = ids.find((each) => each >= size);
    if (id !== undefined) throw new UserError("trainer/token-outside-vocabulary", { id, size, row: where });
  }

  dispose(): void {
    for (const name of this.#bank.names) this.#bank.remove(name);
    this.#model.dispose();
  }

  async #encode(question: Question, variables: AnswerOptions["templateVariables"]): Promise<EncodedQuestion> {
    const encoded = await encodeQuestion(question, this.tokenizer, variables);
    const where = question.place ? `${question.place.file}:${question.place.line}` : askedText(question);
    if (encoded.prompt.length === 0) throw new UserError("compare/empty-prompt", { where });
    this.require([...encoded.prompt, ...(encoded.reference?.ids ?? [])], where);
    return encoded;
  }

  #split(text: string, { inThoughts }: EncodedQuestion): Pick<SideAnswer, "answer" | "thinking"> {
    const thoughts = thoughtsOf(this.tokenizer, { inThoughts });
    if (!thoughts) return { answer: text.trim() };
    const splitter = new ThinkingSplitter(thoughts);
    const parts = { answer: "", thinking: "" };
    for (const { kind, text: piece } of [...splitter.add(text), ...splitter.finish()]) parts[kind] += piece;
    const { answer, thinking } = parts;
    return { answer: answer.trim(), ...(thinking !== "" && { thinking }) };
  }
}

/** Whether an adapter is a set of whole weights, which stand in the place of the model's own. */
function isWhole(adapter: string | undefined): boolean {
  return adapter !== undefined && isWholeAdapter(adapter);
}
