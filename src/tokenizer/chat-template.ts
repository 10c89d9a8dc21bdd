import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { UserError } from "../protocol/user-error.ts";
import { type ChatMessage, withReasoning } from "./messages.ts";
import { formatDate } from "./strftime.ts";
import { asInPython, pythonFunctions } from "./template-syntax.ts";

export interface TemplateOptions {
  /** JSON schemas of the functions that the model may call. */
  tools?: readonly unknown[] | undefined;
  /** Ends with the words that open the assistant's turn. */
  addGenerationPrompt?: boolean | undefined;
  /** Leaves the last message open, so that a model writes on where it ends. */
  continueFinalMessage?: boolean | undefined;
  /** Further variables that the template reads, such as `enable_thinking`. */
  templateVariables?: Readonly<Record<string, unknown>> | undefined;
}

// Not in any alphabet (a private-use character), so that it cannot be part of what the user wrote.
const continueMark = "\u{F0C1}continue\u{F0C1}";

/** One Jinja chat template; it renders as `transformers` does (trim_blocks, lstrip_blocks, JSON without escapes). */
export class ChatTemplate {
  #program: ReturnType<typeof parse> | undefined;

  constructor(
    readonly source: string,
    /** `bos_token`, `eos_token` and the other special tokens by name. */
    readonly specialTokens: Readonly<Record<string, string>>,
  ) {}

  /** The conversation as text. What the template refuses, or cannot be parsed, is a UserError with its reason. */
  render(messages: readonly ChatMessage[], options: TemplateOptions = {}): string {
    if (!options.continueFinalMessage) return this.#run(messages, options);
    const last = messages.at(-1);
    if (!last) throw new UserError("tokenizer/nothing-to-continue", {});
    const marked = [...messages.slice(0, -1), { ...last, content: markedContent(last.content) }];
    const text = this.#run(marked, { ...options, addGenerationPrompt: false });
    const end = text.lastIndexOf(continueMark);
    if (end < 0) throw new UserError("tokenizer/nothing-to-continue", {});
    // The blank behind the mark tells whether the template trims messages; if so the open end is trimmed too.
    const kept = text.slice(0, end);
    return text.startsWith(`${continueMark} `, end) ? kept : kept.trimEnd();
  }

  #run(messages: readonly ChatMessage[], options: TemplateOptions): string {
    const environment = new Environment();
    const variables = {
      ...templateGlobals,
      ...this.specialTokens,
      documents: null,
      ...options.templateVariables,
      messages: messages.map(withReasoning),
      tools: options.tools && options.tools.length > 0 ? options.tools : null,
      add_generation_prompt: options.addGenerationPrompt ?? false,
      ...pythonFunctions,
    };
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    try {
      this.#program ??= asInPython(parse(tokenize(this.source, { lstrip_blocks: true, trim_blocks: true })));
      return String(new Interpreter(environment).run(this.#program).value);
    } catch (error) {
      throw new UserError("tokenizer/template-failed", {
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

/** A message's text, or the last text among its parts, with the mark behind it. */
function markedContent(content: ChatMessage["content"]): ChatMessage["content"] {
  if (typeof content === "string") return `${content}${continueMark} `;
  const at = content?.findLastIndex((part) => typeof part.text === "string") ?? -1;
  if (!content || at < 0) throw new UserError("tokenizer/nothing-to-continue", {});
  return content.map((part, i) => (i === at ? { ...part, text: `${part.text}${continueMark} ` } : part));
}

/** What templates call, besides the special tokens. */
const templateGlobals = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  strftime_now: (format: unknown) => formatDate(new Date(), String(format)),
};

/** Python's `range(stop)`, `range(start, stop)` and `range(start, stop, step)`. */
function range(first: number, second?: number | null, step = 1): number[] {
  const [start, stop] = second === undefined || second === null ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  return Array.from({ length: count }, (_, i) => start + i * step);
}
