import { fileURLToPath } from "node:url";
import { tokenizeRow } from "../../data/sample.ts";
import type { Forgetting, Likelihood, PerSide, PredictedTexts } from "../../protocol/comparison.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { lastAnswer, type PredictedText, plainText } from "./encode-question.ts";
import type { Lane } from "./lane.ts";
import { askedText, type Question, readQuestions } from "./questions.ts";

/** Short texts, questions with answers and bits of code in English and Chinese, written for this. */
const ownTexts = fileURLToPath(new URL("../../../assets/general/texts.jsonl", import.meta.url));

/** z of a 95 % interval. */
const z = 1.959964;

/** Texts that no tuning is about: how likely each side finds them tells what tuning made a model forget. */
export class GeneralTexts {
  readonly #texts: readonly Question[];
  readonly #file: string | null;
  readonly #measured: PerSide<Likelihood[]> = { base: [], tuned: [] };

  private constructor(texts: readonly Question[], file: string | null) {
    this.#texts = texts;
    this.#file = file;
  }

  /**
   * A text of a row counts from its second token on, of a conversation its last answer, of a question alone the question.
   * @throws UserError when the file cannot be read
   */
  static async read(file: string | undefined): Promise<GeneralTexts> {
    return new GeneralTexts(await readQuestions(file ?? ownTexts), file ?? null);
  }

  get count(): number {
    return this.#texts.length;
  }

  /** Measures all texts on the sides of a lane. */
  async measure(lane: Lane, { signal, onText }: { signal?: AbortSignal; onText?(): void } = {}): Promise<void> {
    for (const question of this.#texts) {
      if (signal?.aborted) return;
      const { file, line } = question.place ?? { file: "", line: 0 };
      const text = await predictedText(question, lane.tokenizer);
      lane.require(text.ids, `${file}:${line}`);
      if (text.first >= text.ids.length) throw new UserError("evaluate/no-tokens", { source: `${file}:${line}` });
      for (const side of lane.sides) {
        this.#measured[side].push(lane.likelihood(side, text));
        onText?.();
        await new Promise(setImmediate); // or nothing else would happen until all are measured
      }
    }
  }

  /** Null until both sides are measured. sameTokens: both sides split texts into the same tokens. */
  result(sameTokens: boolean): Forgetting | null {
    const { base, tuned } = this.#measured;
    const { length } = this.#texts;
    if (length === 0 || base.length < length || tuned.length < length) return null;
    const sizes = sameTokens ? base.map(({ tokens }) => tokens) : this.#texts.map(bytesOf);
    const losses = base.map((each, i) => each.log_likelihood - (tuned[i]?.log_likelihood ?? 0));
    return {
      file: this.#file,
      texts: length,
      base: predictedTexts(base),
      tuned: predictedTexts(tuned),
      ...ratioOfMeans(losses, sizes),
      per: sameTokens ? "token" : "byte",
    };
  }
}

/** Likelihoods of several texts together. */
export function predictedTexts(texts: readonly Likelihood[]): PredictedTexts {
  const log_likelihood = texts.reduce((sum, each) => sum + each.log_likelihood, 0);
  const tokens = texts.reduce((sum, each) => sum + each.tokens, 0);
  const mean = log_likelihood / tokens;
  return { log_likelihood, tokens, log_likelihood_per_token: mean, perplexity: Math.exp(-mean) };
}

/** Σ losses / Σ sizes with its 95 % interval, texts drawn at random (Cochran 1977, equation 2.39). */
function ratioOfMeans(losses: readonly number[], sizes: readonly number[]): Pick<Forgetting, "loss" | "interval"> {
  const n = losses.length;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const loss = losses.reduce((sum, each) => sum + each, 0) / total;
  const squares = losses.reduce((sum, each, i) => sum + (each - loss * (sizes[i] ?? 0)) ** 2, 0);
  const half = n > 1 ? (z * Math.sqrt((squares * n) / (n - 1))) / total : 0;
  return { loss, interval: [loss - half, loss + half] };
}

async function predictedText(question: Question, tokenizer: Tokenizer): Promise<PredictedText> {
  const { row, asked, reference } = question;
  if (row?.form === "text") return { ids: (await tokenizeRow(row, tokenizer)).ids, first: 1 };
  const answer = row && tokenizer.hasChatTemplate ? await lastAnswer(row, tokenizer) : undefined;
  if (answer) return answer;
  const text = "text" in asked ? asked.text : plainText(asked.messages);
  return { ids: await tokenizer.encode(reference === undefined ? text : `${text}\n${reference}`), first: 1 };
}

function bytesOf(question: Question): number {
  const { row, reference } = question;
  return Buffer.byteLength(row?.form === "text" ? row.text : (reference ?? askedText(question)));
}
