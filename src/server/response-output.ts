import { randomUUID } from "node:crypto";
import type { AnswerDelta } from "./answer.ts";

/** An item of a response's output, as it travels. */
export type OutputItem =
  | { type: "reasoning"; id: string; status: Status; summary: []; content: { type: "reasoning_text"; text: string }[] }
  | { type: "message"; id: string; status: Status; role: "assistant"; content: OutputText[] }
  | { type: "function_call"; id: string; status: Status; call_id: string; name: string; arguments: string };

type OutputText = { type: "output_text"; text: string; annotations: []; logprobs: object[] };

type Status = "in_progress" | "completed" | "incomplete";

/** An event about an item, but for its number. */
export interface ResponseEvent {
  type: string;
  response?: undefined;
  [field: string]: unknown;
}

/** The item that is being written. */
interface OpenItem {
  type: OutputItem["type"];
  id: string;
  text: string;
  logprobs: object[];
  call?: { call_id: string; name: string };
}

const idPrefixes = { reasoning: "rs", message: "msg", function_call: "fc" };

/** Turns an answer's pieces into the items of a response, and tells each step as the Responses API does. */
export class ResponseOutput {
  readonly #logprobsOf: (delta: AnswerDelta) => object[];
  readonly #items: OutputItem[] = [];
  #open: OpenItem | undefined;

  /** logprobsOf: what is told of the tokens of a piece of text. */
  constructor(logprobsOf: (delta: AnswerDelta) => object[]) {
    this.#logprobsOf = logprobsOf;
  }

  /** Whole ones. */
  get items(): readonly OutputItem[] {
    return this.#items;
  }

  add(delta: AnswerDelta): ResponseEvent[] {
    const events: ResponseEvent[] = [];
    if (delta.thinking !== "") {
      if (this.#open?.type !== "reasoning") events.push(...this.#enter("reasoning"));
      events.push(...this.#write("reasoning_text", delta.thinking, {}));
    }
    if (delta.text !== "") {
      if (this.#open?.type !== "message") events.push(...this.#enter("message"));
      const logprobs = this.#logprobsOf(delta);
      this.#open?.logprobs.push(...logprobs);
      events.push(...this.#write("output_text", delta.text, { logprobs }));
    }
    for (const { id: call_id, name = "", arguments: text } of delta.calls) {
      if (call_id !== undefined) events.push(...this.#enter("function_call", { call_id, name }));
      if (text !== "") events.push(...this.#write("function_call_arguments", text, undefined));
    }
    return events;
  }

  /** The rest, when no more comes; an answer of nothing is an empty message. */
  finish(status: "completed" | "incomplete"): ResponseEvent[] {
    const entered = this.#open ? [] : this.#enter("message");
    return [...entered, ...this.#leave(status)];
  }

  #enter(type: OpenItem["type"], call?: OpenItem["call"]): ResponseEvent[] {
    const left = this.#leave("completed");
    const open = { type, id: `${idPrefixes[type]}_${randomUUID().replaceAll("-", "")}`, text: "", logprobs: [], call };
    this.#open = open;
    const item = itemOf(open, "in_progress");
    const added = { type: "response.output_item.added", output_index: this.#index, item };
    if (item.type === "function_call") return [...left, added];
    const [part] = item.content;
    return [
      ...left,
      { ...added, item: { ...item, content: [] } },
      { type: "response.content_part.added", ...this.#place(open), content_index: 0, part },
    ];
  }

  /** fields: beside the text; undefined where the item has no parts. */
  #write(what: string, text: string, fields: object | undefined): ResponseEvent[] {
    const open = this.#open;
    if (!open) return [];
    open.text += text;
    const part = fields && { content_index: 0, ...fields };
    return [{ type: `response.${what}.delta`, ...this.#place(open), ...part, delta: text }];
  }

  #leave(status: "completed" | "incomplete"): ResponseEvent[] {
    const open = this.#open;
    if (!open) return [];
    const item = itemOf(open, status);
    const place = this.#place(open);
    const done = { type: "response.output_item.done", output_index: this.#index, item };
    this.#items.push(item);
    this.#open = undefined;
    if (item.type === "function_call") {
      const { name, arguments: text } = item;
      return [{ type: "response.function_call_arguments.done", ...place, name, arguments: text }, done];
    }
    const [part] = item.content;
    const { type, text } = part ?? { type: "output_text", text: "" };
    const logprobs = item.type === "message" && { logprobs: open.logprobs };
    return [
      { type: `response.${type}.done`, ...place, content_index: 0, text, ...logprobs },
      { type: "response.content_part.done", ...place, content_index: 0, part },
      done,
    ];
  }

  get #index(): number {
    return this.#items.length;
  }

  #place({ id }: OpenItem): { item_id: string; output_index: number } {
    return { item_id: id, output_index: this.#index };
  }
}

function itemOf({ type, id, text, logprobs, call }: OpenItem, status: Status): OutputItem {
  if (type === "reasoning") return { type, id, status, summary: [], content: [{ type: "reasoning_text", text }] };
  if (type === "function_call") {
    return { type, id, status, call_id: call?.call_id ?? "", name: call?.name ?? "", arguments: text };
  }
  return { type, id, status, role: "assistant", content: [{ type: "output_text", text, annotations: [], logprobs }] };
}
