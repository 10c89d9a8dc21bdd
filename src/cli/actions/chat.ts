import { homedir } from "node:os";
import { peakMemory } from "../../core/memory.ts";
import * as random from "../../core/random.ts";
import { type Answer, type AnswerOptions, ChatSession } from "../../generate/chat-session.ts";
import type { AnswerPiece } from "../../generate/thinking.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { loadModel } from "../../models/load.ts";
import { say } from "../../protocol/language.ts";
import { nearest } from "../../protocol/nearest.ts";
import { UserError } from "../../protocol/user-error.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { AdapterSwitch } from "../../tuner/adapter-switch.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import { AnswerPrinter } from "../chat/answer-printer.ts";
import { Conversation } from "../chat/conversation.ts";
import { LineReader } from "../chat/line-reader.ts";
import { settingsText, withSetting } from "../chat/settings.ts";
import type { ChatConfig } from "../commands/chat.ts";
import { modelFolder } from "../model-folder.ts";
import { PromptLine } from "../prompt-line.ts";
import { sideBySide } from "../side-by-side.ts";
import { StatusLine } from "../status-line.ts";
import type { Ui } from "../ui.ts";
import { samplingOf } from "./sampling.ts";

/** One model's part in the chat: its conversation, and what it has computed of it. */
interface Side {
  conversation: Conversation;
  session: ChatSession;
  /** Makes the model this side's: with or without the adapter. */
  enter(): void;
}

export async function chat(config: ChatConfig, ui: Ui): Promise<void> {
  if (config.compare && !config.adapter_path) throw new UserError("chat/nothing-to-compare", {});
  const folder = await modelFolder(config, ui);
  const loading = new StatusLine(ui);
  loading.draw(say("chat/loading", { model: config.model }));
  const tokenizer = await Tokenizer.load(folder);
  const model = loadModel(folder, config.dtype ? { dtype: config.dtype } : {});
  if (config.adapter_path) loadAdapter(model, config.adapter_path);
  if (config.seed !== undefined) random.seed(config.seed);
  loading.end();
  const talk = new Chat(config, model, tokenizer, ui);
  try {
    await talk.run();
  } finally {
    talk.dispose();
  }
}

class Chat {
  readonly #model: LanguageModel;
  readonly #tokenizer: Tokenizer;
  readonly #reader: LineReader;
  readonly #status: StatusLine;
  readonly #ui: Ui;
  readonly #sides: Side[];
  #config: ChatConfig;
  #edited = "";

  constructor(config: ChatConfig, model: LanguageModel, tokenizer: Tokenizer, ui: Ui) {
    this.#config = config;
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#status = new StatusLine(ui);
    this.#ui = ui;
    const adapters = new AdapterSwitch(model);
    if (config.compare && !adapters.isUseful) throw new UserError("chat/nothing-to-compare", {});
    const side = (on: boolean): Side => ({
      conversation: new Conversation(config.system_prompt),
      session: new ChatSession(model, tokenizer, { maxSize: config.max_kv_size }),
      enter: () => adapters.turn(on),
    });
    this.#sides = config.compare ? [side(false), side(true)] : [side(true)];
    this.#reader = new LineReader(); // last: from here on the terminal is in its hands
  }

  async run(): Promise<void> {
    const { model } = this.#config;
    if (this.#reader.isTerminal) this.#ui.say("chat/welcome", { model, template: this.#tokenizer.hasChatTemplate });
    for (;;) {
      const edited = this.#edited;
      this.#edited = "";
      const line = await this.#question(edited);
      if (line === undefined || ["/exit", "/quit", "/bye"].includes(line.trim())) return;
      if (line.trim() === "") continue;
      try {
        if (/^\/\w+/.test(line)) await this.#command(line);
        else {
          if (edited !== "") this.#takeBack();
          await this.#ask(line);
        }
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        this.#ui.tell(`${error.message}\n`);
      }
    }
  }

  dispose(): void {
    for (const { session } of this.#sides) session.dispose();
    this.#sides.at(-1)?.enter();
    this.#model.dispose();
    this.#reader.close();
  }

  /** One line, or the lines between two that say `"""`. */
  async #question(initial: string): Promise<string | undefined> {
    const first = await this.#reader.next("> ", initial);
    if (first?.trim() !== '"""') return first;
    const lines: string[] = [];
    for (;;) {
      const line = await this.#reader.next("… ");
      if (line === undefined || line.trim() === '"""') return lines.join("\n");
      lines.push(line);
    }
  }

  async #command(line: string): Promise<void> {
    const [, name = "", rest = ""] = /^\/(\w+)\s*(.*)$/s.exec(line.trimEnd()) ?? [];
    const conversations = this.#sides.map(({ conversation }) => conversation);
    const tuned = conversations.at(-1);
    switch (name) {
      case "help":
        return this.#ui.say("chat/help", {});
      case "reset":
        for (const each of conversations) each.reset();
        return this.#ui.say("chat/was-reset", {});
      case "system":
        for (const each of conversations) each.setSystem(rest || undefined);
        return this.#ui.say("chat/system-set", { text: rest });
      case "save":
        tuned?.save(pathOf(rest, "/save FILE"));
        return this.#ui.say("chat/saved", { path: rest, isTuned: conversations.length > 1 });
      case "load":
        for (const each of conversations) each.load(pathOf(rest, "/load FILE"));
        return this.#ui.say("chat/loaded", { path: rest, messages: tuned?.messages.length ?? 0 });
      case "regenerate":
        return this.#regenerate(tuned?.lastAnswer);
      case "edit":
        this.#edited = this.#lastQuestion();
        return;
      case "set":
        return this.#set(rest);
      default:
        throw new UserError("chat/unknown-command", { name, nearest: nearest(name, commandNames) });
    }
  }

  #lastQuestion(): string {
    const question = this.#sides[0]?.conversation.lastQuestion;
    if (question === undefined) throw new UserError("chat/nothing-asked", {});
    return question;
  }

  async #regenerate(before: string | undefined): Promise<void> {
    const question = this.#lastQuestion();
    this.#takeBack();
    await this.#ask(question);
    const isSame = this.#sides.at(-1)?.conversation.lastAnswer === before;
    if (isSame && this.#config.temp === 0) this.#ui.say("chat/always-the-same", {});
  }

  #set(text: string): void {
    if (text === "") {
      this.#ui.tell(settingsText(this.#config));
      return;
    }
    const { config, key, value } = withSetting(this.#config, text);
    this.#config = config;
    if (key === "seed" && config.seed !== undefined) random.seed(config.seed);
    this.#ui.say("chat/set", { key, value });
  }

  async #ask(question: string): Promise<void> {
    const start = performance.now();
    for (const { conversation } of this.#sides) conversation.add({ role: "user", content: question });
    const controller = new AbortController();
    this.#reader.onInterrupt = () => controller.abort();
    try {
      const [only, other] = this.#sides;
      if (!only) return;
      const answers = other
        ? await this.#compare(only, other, controller.signal)
        : [await this.#stream(only, controller.signal)];
      if (answers.some(wasStopped)) {
        this.#takeBack();
        return this.#ui.say("chat/stopped", {});
      }
      this.#report(question, answers, { seconds: (performance.now() - start) / 1000, signal: controller.signal });
    } catch (error) {
      this.#takeBack(); // a question without an answer would stand in the way of the next
      throw error;
    } finally {
      this.#reader.onInterrupt = undefined;
    }
  }

  #takeBack(): void {
    for (const { conversation } of this.#sides) conversation.takeBack();
  }

  #report(
    question: string,
    answers: readonly Answer[],
    { seconds: allSeconds, signal }: { seconds: number; signal: AbortSignal },
  ): void {
    this.#ui.emit({
      question,
      answers: answers.map(({ answer, thinking, tokenIds, finishReason }) => ({
        answer,
        thinking,
        tokens: tokenIds.length,
        finish_reason: finishReason,
      })),
    });
    const tokens = answers.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    const seconds = answers.reduce((sum, { generationSeconds }) => sum + generationSeconds, 0);
    const facts = {
      tokens,
      tokensPerSecond: seconds > 0 ? Math.max(0, tokens - answers.length) / seconds : 0,
      promptTokens: answers[0]?.promptTokens ?? 0,
      cachedTokens: answers[0]?.cachedTokens ?? 0,
      seconds: allSeconds,
      peakBytes: peakMemory(),
      ended: endOf(answers, signal),
    };
    this.#ui.tell(`${this.#ui.dim(say("chat/footer", facts))}\n`);
  }

  /** An answer as it comes. */
  async #stream(side: Side, signal: AbortSignal): Promise<Answer> {
    const printer = new AnswerPrinter(this.#ui, this.#status, { fold: this.#config.thinking === "fold" });
    const answer = await this.#answer(side, signal, (piece) => printer.add(piece));
    if (!wasStopped(answer)) printer.finish();
    return answer;
  }

  async #compare(base: Side, tuned: Side, signal: AbortSignal): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const [i, side] of [base, tuned].entries()) {
      let characters = 0;
      const show = ({ text }: AnswerPiece) => {
        characters += text.length;
        this.#status.draw(say("chat/comparing", { tuned: i === 1, characters }));
      };
      answers.push(await this.#answer(side, signal, show).finally(() => this.#status.end()));
      if (answers.some(wasStopped)) return answers;
    }
    const [left, right] = answers.map(({ answer }) => answer.trim());
    const heads = [say("chat/base", {}), say("chat/tuned", {})] as const;
    this.#ui.print(sideBySide([heads, ["", ""], [left ?? "", right ?? ""]], process.stdout.columns || 100));
    return answers;
  }

  async #answer(side: Side, signal: AbortSignal, show: (piece: AnswerPiece) => void): Promise<Answer> {
    side.enter();
    const line = new PromptLine(this.#ui);
    try {
      const options = { ...this.#options(signal), onPrompt: line.onPrompt };
      const pieces = side.session.answer(side.conversation.messages, options);
      let step = await pieces.next();
      for (; !step.done; step = await pieces.next()) show(step.value);
      if (wasStopped(step.value)) return step.value;
      const { answer, thinking } = step.value;
      side.conversation.add({
        role: "assistant",
        content: answer,
        ...(thinking === "" ? {} : { reasoning_content: thinking }),
      });
      return step.value;
    } finally {
      line.end();
    }
  }

  #options(signal: AbortSignal): AnswerOptions {
    const { chat_template_config = {}, thinking } = this.#config;
    return {
      sampling: samplingOf(this.#config, this.#tokenizer, this.#model.config.vocab_size),
      maxTokens: this.#config.max_tokens,
      prefillStepSize: this.#config.prefill_step_size,
      signal,
      render: {
        templateVariables: chat_template_config,
        ...(thinking === "off" ? { enableThinking: false } : {}),
      },
    };
  }
}

const commandNames = ["help", "reset", "system", "regenerate", "edit", "set", "save", "load", "exit"];

/** Interrupted before the first token. */
function wasStopped({ tokenIds }: Answer): boolean {
  return tokenIds.length === 0;
}

function endOf(answers: readonly Answer[], signal: AbortSignal): "whole" | "full" | "stopped" {
  if (!answers.some(({ finishReason }) => finishReason === "length")) return "whole";
  return signal.aborted ? "stopped" : "full";
}

/** A path as it was typed, `~` included: there is no shell to replace it. */
function pathOf(text: string, usage: string): string {
  if (text === "") throw new UserError("chat/usage", { usage });
  return text.replace(/^~(?=\/|$)/, homedir());
}
