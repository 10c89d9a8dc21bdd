import { styleText } from "node:util";
import { peakMemory } from "../../core/memory.ts";
import * as random from "../../core/random.ts";
import { type Answer, type AnswerOptions, ChatSession } from "../../generate/chat-session.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { loadModel } from "../../models/load.ts";
import { expectation } from "../../protocol/fields.ts";
import { say } from "../../protocol/language.ts";
import { UserError } from "../../protocol/user-error.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { AdapterSwitch } from "../../tuner/adapter-switch.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import { Conversation } from "../chat/conversation.ts";
import { LineReader } from "../chat/line-reader.ts";
import { MarkdownStream } from "../chat/markdown-stream.ts";
import { ChatConfig, changeable } from "../commands/chat.ts";
import { sideBySide } from "../demo/side-by-side.ts";
import { modelFolder } from "../model-folder.ts";
import { PromptLine } from "../prompt-line.ts";
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
  const folder = await modelFolder(config, ui);
  const tokenizer = await Tokenizer.load(folder);
  const model = loadModel(folder, config.dtype ? { dtype: config.dtype } : {});
  if (config.adapter_path) loadAdapter(model, config.adapter_path);
  if (config.seed !== undefined) random.seed(config.seed);
  const reader = new LineReader();
  const talk = new Chat(config, model, tokenizer, reader, ui);
  if (reader.isTerminal) ui.say("chat/welcome", { model: config.model, template: tokenizer.hasChatTemplate });
  try {
    await talk.run();
  } finally {
    talk.dispose();
    reader.close();
  }
}

class Chat {
  readonly #model: LanguageModel;
  readonly #tokenizer: Tokenizer;
  readonly #reader: LineReader;
  readonly #ui: Ui;
  readonly #sides: Side[];
  #config: ChatConfig;
  #edited = "";

  constructor(config: ChatConfig, model: LanguageModel, tokenizer: Tokenizer, reader: LineReader, ui: Ui) {
    this.#config = config;
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#reader = reader;
    this.#ui = ui;
    const adapters = new AdapterSwitch(model);
    if (config.compare && !adapters.isUseful) throw new UserError("chat/nothing-to-compare", {});
    const side = (on: boolean): Side => ({
      conversation: new Conversation(config.system_prompt),
      session: new ChatSession(model, tokenizer, { maxSize: config.max_kv_size }),
      enter: () => adapters.turn(on),
    });
    this.#sides = config.compare ? [side(false), side(true)] : [side(true)];
  }

  async run(): Promise<void> {
    for (;;) {
      const initial = this.#edited;
      this.#edited = "";
      const line = await this.#question(initial);
      if (line === undefined || line === "/exit" || line === "/quit") return;
      if (line.trim() === "") continue;
      try {
        if (/^\/\w+/.test(line)) await this.#command(line);
        else await this.#ask(line);
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
    const [, name = "", rest = ""] = /^\/(\w+)\s*(.*)$/s.exec(line) ?? [];
    const conversations = this.#sides.map(({ conversation }) => conversation);
    const [first] = conversations;
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
        first?.save(required(rest, "/save FILE"));
        return this.#ui.say("chat/saved", { path: rest });
      case "load":
        for (const each of conversations) each.load(required(rest, "/load FILE"));
        return this.#ui.say("chat/loaded", { path: rest, messages: first?.messages.length ?? 0 });
      case "regenerate":
      case "edit": {
        const question = first?.lastQuestion;
        if (question === undefined) throw new UserError("chat/nothing-asked", {});
        for (const each of conversations) each.takeBack();
        if (name === "regenerate") return this.#ask(question);
        this.#edited = question;
        return;
      }
      case "set":
        return this.#set(rest);
      default:
        throw new UserError("chat/unknown-command", { name });
    }
  }

  #set(text: string): void {
    const [name = "", value = ""] = text.trim().split(/[\s=]+(.*)/s);
    const key = name.replace(/^--/, "").replaceAll("-", "_");
    const field = new Map(Object.entries(changeable.shape)).get(key);
    if (!field) throw new UserError("chat/unknown-setting", { key, known: Object.keys(changeable.shape) });
    const given = value === "" || Number.isNaN(Number(value)) ? value : Number(value);
    const result = ChatConfig.safeParse({ ...this.#config, [key]: given });
    if (!result.success) throw new UserError("chat/bad-setting", { key, value, expected: expectation(field) });
    this.#config = result.data;
    if (key === "seed" && this.#config.seed !== undefined) random.seed(this.#config.seed);
    this.#ui.say("chat/set", { key, value });
  }

  async #ask(question: string): Promise<void> {
    const start = performance.now();
    for (const { conversation } of this.#sides) conversation.add({ role: "user", content: question });
    const [only, other] = this.#sides;
    if (!only) return;
    const answers = other ? await this.#compare(only, other) : [await this.#stream(only)];
    if (answers.some(wasStopped)) {
      for (const { conversation } of this.#sides) conversation.takeBack();
      return this.#ui.say("chat/stopped", {});
    }
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
      seconds: (performance.now() - start) / 1000,
      peakBytes: peakMemory(),
      isCut: answers.some(({ finishReason }) => finishReason === "length"),
    };
    this.#ui.tell(`${this.#dim(say("chat/footer", facts))}\n`);
  }

  /** An answer as it comes. */
  async #stream(side: Side): Promise<Answer> {
    const markdown = new MarkdownStream(process.stdout.isTTY === true);
    let thoughts = 0;
    const answer = await this.#answer(side, (kind, text) => {
      if (kind === "answer") {
        if (thoughts > 0)
          this.#ui.tell(this.#config.thinking === "fold" && this.#ui.interactive ? "\r\u001b[K" : "\n\n");
        thoughts = 0;
        this.#ui.print(markdown.add(text));
        return;
      }
      thoughts += text.length;
      if (this.#config.thinking !== "fold") this.#ui.tell(this.#dim(text));
      else if (this.#ui.interactive) this.#ui.tell(`\r${this.#dim(say("chat/thinking", { characters: thoughts }))}`);
    });
    if (!wasStopped(answer)) this.#ui.print(`${markdown.finish()}\n`);
    return answer;
  }

  async #compare(base: Side, tuned: Side): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const [i, side] of [base, tuned].entries()) {
      let characters = 0;
      answers.push(
        await this.#answer(side, (_, text) => {
          characters += text.length;
          if (this.#ui.interactive)
            this.#ui.tell(`\r\u001b[K${this.#dim(say("chat/comparing", { tuned: i === 1, characters }))}`);
        }),
      );
      if (answers.some(wasStopped)) break;
    }
    if (this.#ui.interactive) this.#ui.tell("\r\u001b[K");
    if (answers.some(wasStopped)) return answers;
    const [left, right] = answers.map(({ answer }) => answer.trim());
    const heads = [say("chat/base", {}), say("chat/tuned", {})] as const;
    this.#ui.print(sideBySide([heads, ["", ""], [left ?? "", right ?? ""]], process.stdout.columns || 100));
    return answers;
  }

  async #answer(side: Side, show: (kind: "thinking" | "answer", text: string) => void): Promise<Answer> {
    const controller = new AbortController();
    this.#reader.onInterrupt = () => controller.abort();
    side.enter();
    const line = new PromptLine(this.#ui);
    try {
      const options = { ...this.#options(controller.signal), onPrompt: line.onPrompt };
      const pieces = side.session.answer(side.conversation.messages, options);
      let step = await pieces.next();
      for (; !step.done; step = await pieces.next()) show(step.value.kind, step.value.text);
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
      this.#reader.onInterrupt = undefined;
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

  #dim(text: string): string {
    return this.#ui.interactive ? styleText("dim", text, { validateStream: false }) : text;
  }
}

/** Interrupted before the first token. */
function wasStopped({ tokenIds }: Answer): boolean {
  return tokenIds.length === 0;
}

function required(text: string, usage: string): string {
  if (text === "") throw new UserError("chat/usage", { usage });
  return text;
}
