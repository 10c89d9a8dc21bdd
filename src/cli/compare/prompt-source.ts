import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../../core/text-file.ts";
import { defaultFeatures, type Features } from "../../data/row.ts";
import { type Question, readQuestions, typedQuestion, withSystemPrompt } from "../../evaluate/compare/questions.ts";
import { resolveRepository } from "../../hub/resolve.ts";
import { say } from "../../protocol/language.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { CompareConfig } from "../commands/compare.ts";
import { dataFile } from "../data-file.ts";
import { DownloadLine } from "../download-line.ts";
import type { Ui } from "../ui.ts";

/** What is asked, and where it comes from. */
export interface PromptSource {
  /** Undefined: a person types them, one after the other. */
  questions: Question[] | undefined;
  /** Null where they were typed. */
  file: string | null;
  leftOut: number;
}

const RunConfig = z.looseObject({
  data: z.string().nullish(),
  prompt_feature: z.string().nullish(),
  completion_feature: z.string().nullish(),
  chat_feature: z.string().nullish(),
  text_feature: z.string().nullish(),
});
type RunConfig = z.infer<typeof RunConfig>;

/**
 * The prompts that flags name, else the validation rows of the run, else what a person types.
 * @throws UserError when there are none
 */
export async function promptSource(config: CompareConfig, ui: Ui): Promise<PromptSource> {
  const { prompt, prompts, system_prompt: system } = config;
  if (prompt && prompts !== undefined) throw new UserError("compare/prompt-and-prompts", {});
  if (prompt) {
    const questions = prompt.map((text) => withSystemPrompt(typedQuestion(text), system));
    return { questions, file: null, leftOut: 0 };
  }
  const run = config.adapter_path === undefined ? undefined : runConfig(config.adapter_path);
  const file = prompts === undefined ? await validationFile(config, run, ui) : await dataFile(prompts, config, ui);
  if (file === undefined) return { questions: undefined, file: null, leftOut: 0 };
  const all = await readQuestions(file, { features: featuresOf(run), answerMark: config.answer_mark });
  const taken = config.limit < 1 ? all : all.slice(0, config.limit);
  const questions = taken.map((each) => withSystemPrompt(each, system));
  return { questions, file, leftOut: all.length - taken.length };
}

/** The rows that were held back when the adapter was trained; undefined where a person can be asked instead. */
async function validationFile(config: CompareConfig, run: RunConfig | undefined, ui: Ui): Promise<string | undefined> {
  const { adapter_path: adapter } = config;
  const found = run?.data ? await heldBack(run.data, config, ui) : undefined;
  if (found !== undefined) return found;
  if (process.stdin.isTTY === true && ui.interactive) return undefined;
  const reason =
    adapter === undefined
      ? say("compare/no-run", {})
      : say("compare/no-run-data", { adapter, data: run?.data ?? undefined });
  throw new UserError("compare/needs-prompts", { reason });
}

async function heldBack(data: string, { hub, offline }: CompareConfig, ui: Ui): Promise<string | undefined> {
  const line = new DownloadLine(ui);
  try {
    const folder = await resolveRepository(data, "dataset", { hub, offline, ...line.hooks });
    return ["valid", "test"].map((name) => join(folder, `${name}.jsonl`)).find((path) => existsSync(path));
  } finally {
    line.end();
  }
}

function runConfig(adapter: string): RunConfig | undefined {
  const path = join(adapter, "adapter_config.json");
  return existsSync(path) ? RunConfig.safeParse(readJsonFile(path)).data : undefined;
}

/** The columns that the run read its rows from. */
function featuresOf(run: RunConfig | undefined): Features {
  return {
    prompt_feature: run?.prompt_feature ?? defaultFeatures.prompt_feature,
    completion_feature: run?.completion_feature ?? defaultFeatures.completion_feature,
    chat_feature: run?.chat_feature ?? defaultFeatures.chat_feature,
    text_feature: run?.text_feature ?? defaultFeatures.text_feature,
  };
}
