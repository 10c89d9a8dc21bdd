import { z } from "zod";
import { peakMemory } from "../../core/memory.ts";
import { writeTextFile } from "../../core/text-file.ts";
import { parseJsonLines, readUtf8 } from "../../data/json-lines.ts";
import { generateTexts } from "../../generate/generate-texts.ts";
import { loadModel } from "../../models/load.ts";
import { UserError } from "../../protocol/user-error.ts";
import { ChatMessage } from "../../tokenizer/messages.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import type { GenerateConfig } from "../commands/generate.ts";
import { modelFolder } from "../model-folder.ts";
import { PromptLine } from "../prompt-line.ts";
import type { Ui } from "../ui.ts";
import { flagOf } from "../values.ts";
import { conversation, encodeMessages, idOf } from "./generate.ts";
import { samplingOf } from "./sampling.ts";

const Row = z
  .looseObject({ prompt: z.string().min(1).optional(), messages: z.array(ChatMessage).min(1).optional() })
  .refine(({ prompt, messages }) => prompt !== undefined || messages !== undefined);
type Row = z.infer<typeof Row>;

/** Answers to all prompts of a file, in its order, one JSON object a line: the row with the answer and how it ended. */
export async function generateFile(config: GenerateConfig, path: string, ui: Ui): Promise<number> {
  refuseOthers(config);
  const folder = await modelFolder(config, ui);
  const tokenizer = await Tokenizer.load(folder);
  const rows = await readRows(path);
  const prompts = await Promise.all(rows.map((row) => encodeMessages(config, tokenizer, messagesOf(row, config))));
  const model = loadModel(folder, config.dtype ? { dtype: config.dtype } : {});
  if (config.adapter_path) loadAdapter(model, config.adapter_path);
  const signal = ui.interruption();
  const prompting = new PromptLine(ui);
  const lines: string[] = [];
  const start = performance.now();
  let tokens = 0;
  const answers = generateTexts(model, tokenizer, prompts, {
    sampling: samplingOf(config, tokenizer, model.config.vocab_size),
    maxTokens: config.max_tokens,
    batchSize: config.batch_size,
    seed: config.seed ?? Date.now(),
    prefillStepSize: config.prefill_step_size,
    stop: config.stop,
    extraEosTokenIds: config.extra_eos_token.map((token) => idOf(token, tokenizer)),
    signal,
    onPrompt: prompting.onPrompt,
  });
  for await (const { text, tokenIds, finishReason } of answers) {
    if (signal.aborted) break;
    const line = {
      ...rows[lines.length],
      answer: text,
      finish_reason: finishReason,
      generation_tokens: tokenIds.length,
    };
    lines.push(JSON.stringify(line));
    tokens += tokenIds.length;
    if (config.output === undefined) process.stdout.write(`${lines.at(-1)}\n`);
    if (ui.interactive) ui.tell(`\r${lines.length}/${rows.length}`);
  }
  prompting.end();
  if (ui.interactive) ui.tell("\r");
  if (config.output !== undefined) writeTextFile(config.output, lines.map((line) => `${line}\n`).join(""));
  const seconds = (performance.now() - start) / 1000;
  ui.say("generate/file-report", { answers: lines.length, tokens, seconds, peakBytes: peakMemory() });
  model.dispose();
  return signal.aborted ? 130 : 0;
}

function refuseOthers({ draft_model, max_kv_size, kv_bits }: GenerateConfig): void {
  const [other] = Object.entries({ draft_model, max_kv_size, kv_bits }).find(([, value]) => value !== undefined) ?? [];
  if (other) throw new UserError("generate/file-with", { flag: flagOf(other) });
}

async function readRows(path: string): Promise<Row[]> {
  const text = await readUtf8(path);
  if (text === undefined) throw new UserError("data/no-file", { path });
  return parseJsonLines(text).map(({ line, value }) => {
    const row = Row.safeParse(value);
    if (!row.success) throw new UserError("generate/bad-prompt", { path, line });
    return row.data;
  });
}

function messagesOf({ prompt = "", messages }: Row, { system_prompt }: GenerateConfig): ChatMessage[] {
  if (!messages) return conversation(prompt, system_prompt);
  const isAnswered = messages.at(-1)?.role === "assistant"; // a row of training data: its answer is not shown to the model
  const open = isAnswered ? messages.slice(0, -1) : messages;
  return system_prompt === undefined || open.some(({ role }) => role === "system")
    ? open
    : [{ role: "system", content: system_prompt }, ...open];
}
