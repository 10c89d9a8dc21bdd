import { writeTextFile } from "../../core/text-file.ts";
import { compareSides } from "../../evaluate/compare/compare-sides.ts";
import { comparisonPage } from "../../evaluate/compare/comparison-page.ts";
import type { GeneralTexts } from "../../evaluate/compare/general-texts.ts";
import { type AnswerOptions, Lane, type LanePlan } from "../../evaluate/compare/lane.ts";
import { type Question, typedQuestion, withSystemPrompt } from "../../evaluate/compare/questions.ts";
import { type RunFacts, summarizeRows } from "../../evaluate/compare/summary.ts";
import type { Judge } from "../../evaluate/judge/judge.ts";
import type { Score } from "../../evaluate/scores/score.ts";
import type { ComparedRow } from "../../protocol/comparison.ts";
import { say } from "../../protocol/language.ts";
import { samplingOf } from "../actions/sampling.ts";
import { LineReader } from "../chat/line-reader.ts";
import type { CompareConfig } from "../commands/compare.ts";
import { StatusLine } from "../status-line.ts";
import type { Ui } from "../ui.ts";
import { rowText, summaryText } from "./comparison-text.ts";

export interface ComparisonParts {
  plans: readonly LanePlan[];
  scores: readonly Score[];
  judge: Judge | undefined;
  /** Undefined: what was forgotten is not measured. */
  general: GeneralTexts | undefined;
}

/** Where a terminal of unknown width is taken to end. */
const usualColumns = 100;

/** A comparison as it goes on: rows are shown as they come and kept, whatever ends it. */
export class ComparisonRun {
  readonly #config: CompareConfig;
  readonly #parts: ComparisonParts;
  readonly #ui: Ui;
  readonly #line: StatusLine;
  readonly #rows: ComparedRow[] = [];
  #total: number | undefined;

  constructor(config: CompareConfig, parts: ComparisonParts, ui: Ui) {
    this.#config = config;
    this.#parts = parts;
    this.#ui = ui;
    this.#line = new StatusLine(ui);
  }

  get rows(): number {
    return this.#rows.length;
  }

  /** Puts all questions to both sides. Models that have no weights in common are in memory one after the other. */
  async all(questions: readonly Question[], signal: AbortSignal): Promise<void> {
    this.#total = questions.length;
    const total = 2 * questions.length;
    try {
      const rows = compareSides(questions, this.#lanesInTurn(), {
        ...this.#options(signal),
        onLane: (lane) => this.#measureGeneral(lane, signal),
        onProgress: ({ answers }) => this.#line.draw(say("compare/asking", { done: answers, total })),
      });
      for await (const row of rows) this.#take(row);
    } finally {
      this.#line.end();
    }
  }

  /** Asks what a person types, until the input ends. */
  async typed(): Promise<void> {
    const lanes: Lane[] = [];
    let reader: LineReader | undefined;
    try {
      for (const plan of this.#parts.plans) lanes.push(await this.#open(plan));
      this.#line.end();
      this.#ui.say("compare/how-to-end", {});
      reader = new LineReader();
      for (let text = await reader.next("> "); text !== undefined; text = await reader.next("> ")) {
        if (text.trim() !== "") await this.#ask(text, lanes, reader);
      }
      for (const lane of lanes) await this.#measureGeneral(lane);
    } finally {
      this.#line.end();
      reader?.close();
      for (const lane of lanes) lane.dispose();
    }
  }

  /** Shows what all rows say, and writes the page. */
  finish(facts: Omit<RunFacts, "forgetting">): void {
    if (this.#rows.length === 0) return;
    const forgetting = this.#parts.general?.result(facts.same_tokens) ?? null;
    const summary = summarizeRows(this.#rows, { ...facts, forgetting });
    if (facts.interrupted && this.#total !== undefined) {
      this.#ui.say("compare/interrupted", { rows: this.#rows.length, total: this.#total });
    }
    this.#ui.print(summaryText(summary));
    this.#ui.emit(summary);
    const { html } = this.#config;
    if (html === undefined) return;
    writeTextFile(html, comparisonPage(this.#rows, summary));
    this.#ui.say("compare/saved", { path: html });
  }

  /** Writes the rows so far, where they are to be kept. */
  save(): void {
    const { output } = this.#config;
    if (output === undefined || this.#rows.length === 0) return;
    writeTextFile(output, this.#rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    this.#ui.say("compare/saved", { path: output });
  }

  async *#lanesInTurn(): AsyncGenerator<Lane, void> {
    for (const plan of this.#parts.plans) {
      const lane = await this.#open(plan);
      try {
        yield lane;
      } finally {
        lane.dispose();
      }
    }
  }

  async #open(plan: LanePlan): Promise<Lane> {
    this.#line.draw(say("compare/loading", { model: plan.model }));
    return Lane.open(plan, { dtype: this.#config.dtype });
  }

  async #ask(text: string, lanes: readonly Lane[], reader: LineReader): Promise<void> {
    const controller = new AbortController();
    reader.onInterrupt = () => controller.abort();
    const question = withSystemPrompt(typedQuestion(text), this.#config.system_prompt);
    const options = { ...this.#options(controller.signal), firstRow: this.#rows.length + 1 };
    try {
      for await (const row of compareSides([question], lanes, options)) this.#take(row);
    } finally {
      reader.onInterrupt = undefined;
    }
  }

  async #measureGeneral(lane: Lane, signal?: AbortSignal): Promise<void> {
    const { general } = this.#parts;
    let done = 0;
    const onText = () => {
      done++;
      this.#line.draw(say("compare/measuring", { done, total: (general?.count ?? 0) * lane.sides.length }));
    };
    await general?.measure(lane, { signal, onText });
    this.#line.end();
  }

  #take(row: ComparedRow): void {
    this.#line.end();
    this.#rows.push(row);
    this.#ui.print(rowText(row, { total: this.#total, columns: process.stdout.columns || usualColumns }));
    this.#ui.emit(row);
  }

  #options(signal: AbortSignal): { answering: AnswerOptions; scores: readonly Score[]; judge: Judge | undefined } {
    const { max_tokens, seed = 0, batch_size, stop, chat_template_config } = this.#config;
    const { scores, judge } = this.#parts;
    const answering: AnswerOptions = {
      sampling: (tokenizer, vocabulary) => samplingOf(this.#config, tokenizer, vocabulary),
      maxTokens: max_tokens,
      seed,
      batchSize: batch_size,
      stop,
      templateVariables: chat_template_config,
      signal,
    };
    return { answering, scores, judge };
  }
}
