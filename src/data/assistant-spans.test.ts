import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { ChatTemplate } from "../tokenizer/chat-template.ts";
import { ChatMessage } from "../tokenizer/messages.ts";
import { assistantSpans } from "./assistant-spans.ts";

interface Conversation {
  messages: ChatMessage[];
  tools?: unknown[];
}

function turnsOf(source: string, { messages, tools }: Conversation, endTexts: string[]): (string | undefined)[] {
  const template = new ChatTemplate(source, { bos_token: "<s>", eos_token: "</s>" });
  const render = (part: readonly ChatMessage[], addGenerationPrompt: boolean) =>
    template.render(part, { tools, addGenerationPrompt, templateVariables: { enable_thinking: true } });
  const text = render(messages, false);
  return assistantSpans(text, { messages, render, endTexts }).map((span) => span && text.slice(...span));
}

const user = (content: string): ChatMessage => ({ role: "user", content });
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });
const twoTurns: Conversation = { messages: [user("Q1"), assistant("A1"), user("Q2"), assistant("A2 ")] };
const thinking: Conversation = {
  messages: [
    { role: "system", content: "S" },
    user("Q1"),
    assistant("<think>\nT1\n</think>\n\nA1"),
    user("Q2"),
    assistant("<think>\nT2\n</think>\n\nA2"),
  ],
};

describe("the turns of a template", () => {
  test("without special tokens end with the line break that ends them", () => {
    const source =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";
    expect(turnsOf(source, { messages: [user("Q"), assistant("A"), user("Q"), assistant("A")] }, [])).toEqual([
      " A\n",
      " A\n",
    ]);
  });

  test("that trims, and that refuses a part of the conversation, are found", () => {
    const source =
      "{% if messages | length % 2 %}{{ raise_exception('odd') }}{% endif %}{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}<e>\n{% endfor %}";
    const conversation = { messages: [user("A"), assistant(" A\n"), user("A"), assistant("A")] };
    expect(turnsOf(source, conversation, ["<e>"])).toEqual(["A<e>", "A<e>"]);
  });

  test("that leaves answers out cannot be found", () => {
    expect(
      turnsOf("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}!", twoTurns, []),
    ).toEqual([undefined, undefined]);
  });
});

describe.skipIf(!hasSharedData)("the turns of real templates", () => {
  const folder = join(sharedData, "chat-templates");
  const source = (name: string) => readFileSync(join(folder, `${name}.jinja`), "utf8");
  const toolChat = (): Conversation => {
    const Cases = z.object({
      cases: z.record(z.string(), z.object({ messages: z.array(ChatMessage), tools: z.array(z.unknown()).optional() })),
    });
    const finished = Cases.parse(JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"))).cases.tools_finished;
    const [question, call, ...rest] = finished?.messages ?? [];
    if (!question || !call) throw new Error("no case tools_finished");
    const messages = [
      question,
      { ...call, content: "<think>\nT\n</think>\n\n" },
      ...rest,
      user("Thanks"),
      assistant("Bye"),
    ];
    return { messages, tools: finished?.tools ?? [] };
  };

  test.each([
    ["chatml", "<|im_end|>", ["A1<|im_end|>", "A2 <|im_end|>"]],
    ["Qwen-Qwen2.5-7B-Instruct", "<|im_end|>", ["A1<|im_end|>", "A2 <|im_end|>"]],
    ["Qwen-Qwen3-0.6B", "<|im_end|>", ["A1<|im_end|>", "<think>\n\n</think>\n\nA2 <|im_end|>"]],
    ["Qwen-QwQ-32B", "<|im_end|>", ["A1<|im_end|>", "A2 <|im_end|>"]],
    ["HuggingFaceTB-SmolLM3-3B", "<|im_end|>", ["A1<|im_end|>", "A2 <|im_end|>"]],
    ["meta-llama-Llama-3.1-8B-Instruct", "<|eot_id|>", ["A1<|eot_id|>", "A2<|eot_id|>"]],
    ["mistralai-Mistral-Nemo-Instruct-2407", "</s>", ["A1</s>", "A2 </s>"]],
    ["Mistral-Small-3.2-24B-Instruct-2506", "</s>", ["A1</s>", "A2 </s>"]],
    ["microsoft-Phi-3.5-mini-instruct", "<|end|>", ["A1<|end|>", "A2 <|end|>"]],
    ["ibm-granite-granite-3.3-2B-Instruct", "</s>", ["A1<|end_of_text|>", "A2 <|end_of_text|>"]],
    ["deepseek-ai-DeepSeek-V3.1", "</s>", ["</think>A1<｜end▁of▁sentence｜>", "</think>A2 <｜end▁of▁sentence｜>"]],
    [
      "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
      "<｜end▁of▁sentence｜>",
      ["A1<｜end▁of▁sentence｜>", "A2 <｜end▁of▁sentence｜>"],
    ],
    // GLM ends a turn by the opening of the next one.
    ["GLM-4.6", "<|user|>", ["\n<think></think>\nA1<|user|>", "\n<think></think>\nA2"]],
    [
      "openai-gpt-oss-120b",
      "<|end|>",
      ["<|channel|>final<|message|>A1<|end|>", "<|channel|>final<|message|>A2 <|return|>"],
    ],
  ])("%s: two turns", (name, ending, expected) => {
    expect(turnsOf(source(name), twoTurns, [ending])).toEqual(expected);
  });

  test("that strip thoughts from earlier turns", () => {
    expect(turnsOf(source("Qwen-Qwen3-0.6B"), thinking, ["<|im_end|>"])).toEqual([
      "A1<|im_end|>",
      "<think>\nT2\n</think>\n\nA2<|im_end|>",
    ]);
    expect(turnsOf(source("GLM-4.6"), thinking, ["<|user|>"])).toEqual([
      "\n<think></think>\nA1<|user|>",
      "\n<think>T2</think>\nA2",
    ]);
  });

  test.each([
    ["Qwen-Qwen3-0.6B", /^<tool_call>\n.*get_weather.*\n<\/tool_call><\|im_end\|>$/s],
    ["Qwen-QwQ-32B", /^\n<tool_call>\n.*get_weather.*\n<\/tool_call><\|im_end\|>$/s],
    ["mistralai-Mistral-Nemo-Instruct-2407", /^\[TOOL_CALLS\]\[.*get_weather.*\]<\/s>$/],
    ["Mistral-Small-3.2-24B-Instruct-2506", /^\[TOOL_CALLS\]get_weather.*<\/s>$/],
    ["openai-gpt-oss-120b", /^ to=functions.get_weather<\|channel\|>.*<\|call\|>$/],
    ["meta-llama-Llama-3.1-8B-Instruct", /^\{"name": "get_weather", .*\}<\|eot_id\|>$/],
    ["GLM-4.6", /<tool_call>get_weather\n.*<\/tool_call><\|observation\|>$/s],
  ])("%s: a tool call, its result and a later turn", (name, call) => {
    const endTexts = ["<|im_end|>", "</s>", "<|end|>", "<|eot_id|>", "<|user|>", "<|observation|>", "</tool_call>"];
    const [first, second, third] = turnsOf(source(name), toolChat(), endTexts);
    expect(first).toMatch(call);
    expect(second).toContain("It is 21 °C and sunny in Beijing.");
    expect(third).toContain("Bye");
    expect(`${first}${second}${third}`).not.toMatch(/Thanks|晴/);
  });
});
