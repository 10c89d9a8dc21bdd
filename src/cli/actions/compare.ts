import { resolve } from "node:path";
import { GeneralTexts } from "../../evaluate/compare/general-texts.ts";
import { planLanes, type SideSource } from "../../evaluate/compare/lane.ts";
import type { RunFacts } from "../../evaluate/compare/summary.ts";
import { Judge } from "../../evaluate/judge/judge.ts";
import { parseScores, type Score, usualScores, type WantedScores } from "../../evaluate/scores/score.ts";
import type { PerSide } from "../../protocol/comparison.ts";
import { fieldsOf } from "../../protocol/fields.ts";
import { UserError } from "../../protocol/user-error.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { CompareConfig } from "../commands/compare.ts";
import { ComparisonRun } from "../compare/comparison-run.ts";
import { type PromptSource, promptSource } from "../compare/prompt-source.ts";
import { modelFolder } from "../model-folder.ts";
import type { Ui } from "../ui.ts";
import { version } from "../version.ts";

/** Flags that a summary has elsewhere, or that say nothing about what was compared. */
const elsewhere = ["model", "tuned_model", "adapter_path", "base_adapter_path", "prompt", "prompts", "output", "html"];
/** Flags that decide every answer: told also where nobody gave them. */
const always = ["max_tokens", "temp", "seed"];

export async function compare(flags: CompareConfig, ui: Ui): Promise<number> {
  const config = { ...flags, seed: flags.seed ?? 0 };
  const wanted = parseScores(config.score ?? []);
  requireJudge(config, wanted);
  const sides = await sidesOf(config, ui);
  const plans = planLanes(sides);
  const source = await promptSource(config, ui);
  const scores = scoresFor(config, wanted, source);
  const general = await generalTexts(config, source);
  const same_tokens = await haveSameTokens(sides);
  const started_at = new Date().toISOString();
  if (source.questions && source.file !== null) {
    ui.say("compare/taken", { path: source.file, rows: source.questions.length, leftOut: source.leftOut });
  }
  let run: ComparisonRun | undefined;
  let judge: Judge | undefined;
  const body = async (signal: AbortSignal): Promise<boolean> => {
    judge = wanted.judge ? await readyJudge(config, signal, ui) : undefined;
    run = new ComparisonRun(config, { plans, scores, judge, general }, ui);
    if (source.questions) await run.all(source.questions, signal);
    else await run.typed();
    return !signal.aborted;
  };
  try {
    const ended = (await ui.interruptible(body)) === true;
    run?.finish({
      version: version(),
      started_at,
      prompts: source.file,
      left_out: source.leftOut,
      interrupted: !ended,
      sides: namesOf(config),
      same_tokens,
      judge: judge?.model,
      settings: settingsOf(config),
    });
    return ended ? 0 : 130;
  } finally {
    run?.save();
    await judge?.close();
  }
}

/** @throws UserError where both sides are the same, or a model or an adapter is not there */
async function sidesOf(config: CompareConfig, ui: Ui): Promise<PerSide<SideSource>> {
  const { tuned_model, adapter_path: adapter, base_adapter_path } = config;
  const areSame = adapter === base_adapter_path;
  if (tuned_model === undefined && areSame) throw new UserError("compare/nothing-to-compare", {});
  const model = await modelFolder(config, ui);
  const tuned = tuned_model === undefined ? model : await modelFolder({ ...config, model: tuned_model }, ui);
  if (resolve(tuned) === resolve(model) && areSame) throw new UserError("compare/nothing-to-compare", {});
  return { base: { model, adapter: base_adapter_path }, tuned: { model: tuned, adapter } };
}

function namesOf({ model, tuned_model, adapter_path, base_adapter_path }: CompareConfig): RunFacts["sides"] {
  return {
    base: { model, adapter: base_adapter_path ?? null },
    tuned: { model: tuned_model ?? model, adapter: adapter_path ?? null },
  };
}

/** What was chosen: flags that are not what they are by default. */
function settingsOf(config: CompareConfig): Record<string, unknown> {
  const usual = new Map(fieldsOf(CompareConfig).map((field) => [field.key, JSON.stringify(field.default)]));
  const isTold = (key: string, value: unknown) =>
    always.includes(key) || (!elsewhere.includes(key) && JSON.stringify(value) !== usual.get(key));
  return Object.fromEntries(Object.entries(config).filter(([key, value]) => value !== undefined && isTold(key, value)));
}

/** @throws UserError when only scores were asked for that need references, and there are none */
function scoresFor(
  { score }: CompareConfig,
  { scores }: WantedScores,
  { questions = [] }: PromptSource,
): readonly Score[] {
  if (score === undefined) return usualScores;
  const lacking = scores.filter(({ needsReference }) => needsReference).map(({ name }) => name);
  const hasReference = questions.some(({ reference }) => reference !== undefined);
  if (lacking.length > 0 && !hasReference) throw new UserError("compare/score-without-reference", { scores: lacking });
  return scores;
}

/** Prompts that were typed are about something else. */
async function generalTexts({ general }: CompareConfig, { file }: PromptSource): Promise<GeneralTexts | undefined> {
  if (general === false || (general === undefined && file === null)) return undefined;
  return GeneralTexts.read(general);
}

/** Whether both sides split texts into the same tokens, as far as a sentence shows. */
async function haveSameTokens({ base, tuned }: PerSide<SideSource>): Promise<boolean> {
  if (base.model === tuned.model) return true;
  const [a, b] = await Promise.all([base, tuned].map(async ({ model }) => (await Tokenizer.load(model)).encode(probe)));
  return a?.join() === b?.join();
}

const probe = "The quick brown fox, 12.5 € — 你好，世界 <|im_end|>\n";

function requireJudge({ judge_url, judge_model }: CompareConfig, { judge }: WantedScores): void {
  if (!judge) return;
  if (judge_url === undefined) throw new UserError("compare/judge-needs", { flag: "--judge-url" });
  if (judge_model === undefined) throw new UserError("compare/judge-needs", { flag: "--judge-model" });
}

async function readyJudge(config: CompareConfig, signal: AbortSignal, ui: Ui): Promise<Judge> {
  const { judge_url: url = "", judge_model: model = "", judge_key_env: name, judge_args: fields } = config;
  const apiKey = name === undefined ? undefined : process.env[name];
  if (name !== undefined && !apiKey) throw new UserError("compare/no-judge-key", { name });
  const onPause = ({ seconds, reason }: { seconds: number; reason: string }) =>
    ui.say("compare/judge-pause", { seconds, reason });
  const judge = new Judge({ url, model, apiKey, fields, signal, onPause });
  await judge.check();
  return judge;
}
