import { fstatSync, readFileSync } from "node:fs";
import { peakMemory } from "../../core/memory.ts";
import * as random from "../../core/random.ts";
import { type GeneratedText, generateText } from "../../generate/generate-text.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { loadModel } from "../../models/load.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { ChatMessage } from "../../tokenizer/messages.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import type { GenerateConfig } from "../commands/generate.ts";
import { requireSameTokens } from "../draft-model.ts";
import { modelFolder } from "../model-folder.ts";
import { PromptLine } from "../prompt-line.ts";
import type { Ui } from "../ui.ts";
import { flagOf } from "../values.ts";
import { promptCacheFor } from "./prompt-cache-file.ts";
import { samplingOf } from "./sampling.ts";

export async function generate(config: GenerateConfig, ui: Ui): Promise<number> {
  if (config.prompts !== undefined)
    return (await import("./generate-file.ts")).generateFile(config, config.prompts, ui);
  const folder = await modelFolder(config, ui);
  const tokenizer = await Tokenizer.load(folder);
  const prompt = await encodePrompt(config, tokenizer);
  const extraEosTokenIds = config.extra_eos_token.map((token) => idOf(token, tokenizer));
  const model = loadModel(folder, config.dtype ? { dtype: config.dtype } : {});
  const size = model.config.vocab_size;
  const foreign = prompt.find((id) => id >= size);
  if (foreign !== undefined)
    throw new UserError("trainer/token-outside-vocabulary", { id: foreign, size, row: "--prompt" });
  if (config.adapter_path) loadAdapter(model, config.adapter_path);
  if (config.seed !== undefined) random.seed(config.seed);
  const draft =
    config.draft_model === undefined ? undefined : await loadDraft(config, config.draft_model, tokenizer, ui);
  const kept = config.prompt_cache_file === undefined ? undefined : promptCacheFor(config, folder, model, prompt);
  const cache = draft ? undefined : (kept?.layers ?? model.makeCache({ maxSize: config.max_kv_size }));
  const signal = ui.interruption();
  const line = new PromptLine(ui);
  const text = generateText(model, tokenizer, prompt.slice(kept?.common), {
    sampling: { ...samplingOf(config, tokenizer, size), topLogprobs: config.logprobs },
    maxTokens: config.max_tokens,
    prefillStepSize: config.prefill_step_size,
    cache,
    draft: draft && { model: draft, tokens: config.num_draft_tokens },
    packing: config.kv_bits && {
      quantization: { mode: "affine", bits: config.kv_bits, group_size: config.kv_group_size },
      from: config.quantized_kv_start,
    },
    stop: config.stop,
    extraEosTokenIds,
    signal,
    onPrompt: line.onPrompt,
  });
  const result = await printed(text, line, ui);
  if (signal.aborted) {
    ui.print("\n");
    return 130;
  }
  if (kept) kept.save(ui);
  report(result, prompt, tokenizer, ui);
  return 0;
}

async function printed(text: AsyncGenerator<string, GeneratedText>, line: PromptLine, ui: Ui): Promise<GeneratedText> {
  try {
    for (;;) {
      const step = await text.next();
      line.end();
      if (step.done) return step.value;
      ui.print(step.value);
    }
  } finally {
    line.end();
  }
}

/** What a draft guesses must mean the same to both models; what depends on the tokens before cannot be checked in one pass. */
async function loadDraft(config: GenerateConfig, name: string, tokenizer: Tokenizer, ui: Ui): Promise<LanguageModel> {
  const { repetition_penalty, presence_penalty, frequency_penalty, max_kv_size, kv_bits, prompt_cache_file } = config;
  const logprobs = config.logprobs || undefined;
  const others = {
    repetition_penalty,
    presence_penalty,
    frequency_penalty,
    max_kv_size,
    kv_bits,
    prompt_cache_file,
    logprobs,
  };
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other) throw new UserError("generate/draft-with", { flag: flagOf(other) });
  const folder = await modelFolder({ ...config, model: name }, ui);
  await requireSameTokens({ name: config.model, tokenizer }, { name, folder });
  return loadModel(folder, config.dtype ? { dtype: config.dtype } : {});
}

async function encodePrompt(config: GenerateConfig, tokenizer: Tokenizer): Promise<number[]> {
  const { prompt = isPiped() ? "-" : "hello" } = config;
  const text = prompt === "-" ? readFileSync(0, "utf8") : prompt.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
  const ids = await encodeMessages(config, tokenizer, conversation(text, config.system_prompt));
  if (ids.length === 0) throw new UserError("generate/empty-prompt", {});
  return ids;
}

/** Whether a shell gives a file or another program's output; not what a program leaves open that says nothing. */
function isPiped(): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isFile();
  } catch {
    return false; // standard input is closed
  }
}

/** Through the chat template if there is one, else the texts as they are. */
export async function encodeMessages(
  config: GenerateConfig,
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
): Promise<number[]> {
  if (config.ignore_chat_template || !tokenizer.hasChatTemplate) {
    const said = messages.filter(({ role }) => role !== "system").map(({ content }) => content);
    const text = said.filter((each) => typeof each === "string").join("\n");
    return tokenizer.encode(text + (config.prefill_response ?? ""));
  }
  const templateVariables = config.chat_template_config ?? {};
  if (config.prefill_response === undefined) {
    return tokenizer.encodeChat(messages, { addGenerationPrompt: true, templateVariables });
  }
  const begun = [...messages, { role: "assistant", content: config.prefill_response }];
  return tokenizer.encodeChat(begun, { continueFinalMessage: true, templateVariables });
}

export function conversation(text: string, system: string | undefined): ChatMessage[] {
  const user = { role: "user", content: text };
  return system === undefined ? [user] : [{ role: "system", content: system }, user];
}

export function idOf(token: string, tokenizer: Tokenizer): number {
  const id = tokenizer.addedTokens.get(token);
  if (id !== undefined) return id;
  throw new UserError("generate/unknown-token", { token, known: [...tokenizer.addedTokens.keys()].slice(0, 12) });
}

function report(result: GeneratedText, prompt: readonly number[], tokenizer: Tokenizer, ui: Ui): void {
  const told = ({ id, logprob }: { id: number; logprob: number }) => ({
    id,
    token: tokenizer.tokenText(id),
    bytes: [...tokenizer.tokenBytes(id)],
    logprob,
  });
  const promptTps = prompt.length / result.promptSeconds;
  const later = Math.max(0, result.tokenIds.length - 1); // the first token's time is the prompt's
  const generationTps = result.generationSeconds > 0 ? later / result.generationSeconds : 0;
  ui.emit({
    text: result.text,
    prompt_token_ids: prompt,
    token_ids: result.tokenIds,
    logprobs: result.logprobs,
    ...(result.top.length > 0 && { top_logprobs: result.top.map((likeliest) => likeliest.map(told)) }),
    draft_tokens: result.fromDraft,
    finish_reason: result.finishReason,
    prompt_tokens: prompt.length,
    generation_tokens: result.tokenIds.length,
    prompt_tps: promptTps,
    generation_tps: generationTps,
    peak_memory: peakMemory(),
  });
  ui.print("\n");
  ui.say("generate/report", {
    promptTokens: prompt.length,
    promptTps,
    tokens: result.tokenIds.length,
    generationTps,
    peakBytes: peakMemory(),
  });
  if (result.fromDraft > 0) ui.say("generate/drafted", { tokens: result.fromDraft, all: result.tokenIds.length });
}
