import { rename, rmdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { convertFiles } from "../../data/convert/convert-files.ts";
import { loadModel } from "../../models/load.ts";
import type { TrainerEvent } from "../../protocol/events.ts";
import { say } from "../../protocol/language.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { RunConsumers } from "../../track/consumers.ts";
import type { TrainConfig } from "../../tuner/config.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import { resolveTrainConfig } from "../../tuner/resolve-config.ts";
import { runTraining } from "../../tuner/run.ts";
import { DemoConfig } from "../commands/demo.ts";
import { answers, asset, countRight, identityQuestions, otherQuestions, type Question } from "../demo/questions.ts";
import { programName } from "../program-name.ts";
import { sideBySide } from "../side-by-side.ts";
import type { Ui } from "../ui.ts";

/** How many questions of each kind are shown; all are counted. */
const shownOfEach = 2;

export async function demo(config: DemoConfig, ui: Ui): Promise<number> {
  const signal = ui.interruption();
  const start = performance.now();
  const names = namesOf(config);
  ui.say("demo/intro", { name: names.name, enName: names.en_name });
  const data = await writeData(config.output, names);
  const identity = identityQuestions({
    zh: { name: names.name, author: names.author },
    en: { name: names.en_name, author: names.en_author },
  });
  const others = otherQuestions();

  ui.say("demo/asking", {});
  const before = await ask(undefined, identity, others);
  ui.say("demo/training", { rows: data.rows, heldOut: identity.length });
  const training = resolveTrainConfig({
    config: asset("identity/train.yaml"),
    model: asset("cygnet-tiny"),
    data: data.folder,
    adapter_path: join(config.output, "adapters"),
  });
  const losses = await trainShown(training, ui, signal);
  if (signal.aborted) return 130;
  const after = await ask(training.adapter_path, identity, others);

  const seconds = (performance.now() - start) / 1000;
  ui.emit({
    name: names.name,
    en_name: names.en_name,
    adapter_path: training.adapter_path,
    held_out_loss: losses,
    identity: { questions: identity.length, right_before: before.identityRight, right_after: after.identityRight },
    other: { questions: others.length, right_before: before.othersRight, right_after: after.othersRight },
    answers: [...identity, ...others].map(({ query }, i) => ({ query, before: before.all[i], after: after.all[i] })),
    seconds,
  });
  ui.print(table([...identity, ...others], before.all, after.all, shownRows(identity, others)));
  ui.print(
    say("demo/result", {
      ...losses,
      identity: identity.length,
      identityBefore: before.identityRight,
      identityAfter: after.identityRight,
      others: others.length,
      othersBefore: before.othersRight,
      othersAfter: after.othersRight,
      seconds,
    }),
  );
  const model = relative(process.cwd(), training.model) || training.model;
  ui.print(say("demo/next", { cygnet: programName(), model, adapter: training.adapter_path, output: config.output }));
  return 0;
}

interface Names {
  name: string;
  author: string;
  en_name: string;
  en_author: string;
}

function namesOf({ name, author, en_name, en_author }: DemoConfig): Names {
  const defaults = DemoConfig.parse({});
  return {
    name,
    author,
    en_name: en_name ?? (name === defaults.name ? "little-swan" : name),
    en_author: en_author ?? (author === defaults.author ? "Swan Lake Lab" : author),
  };
}

/** Fills the names into the identity set; the held-out questions become the validation rows. */
async function writeData(output: string, names: Names): Promise<{ folder: string; rows: number }> {
  const folder = join(output, "data");
  const shared = { ...names, valid_fraction: 0, seed: 0, shuffle: false, force: true };
  const train = await convertFiles({
    ...shared,
    inputs: [asset("identity/self-cognition.jsonl"), asset("identity/everyday.jsonl")],
    output: folder,
  });
  const heldOut = join(output, "held-out");
  await convertFiles({ ...shared, inputs: [asset("identity/held-out.jsonl")], output: heldOut });
  await rename(join(heldOut, "train.jsonl"), join(folder, "valid.jsonl"));
  await rmdir(heldOut);
  return { folder, rows: train.train.rows };
}

async function ask(adapter: string | undefined, identity: readonly Question[], others: readonly Question[]) {
  const folder = asset("cygnet-tiny");
  const tokenizer = await Tokenizer.load(folder);
  const model = loadModel(folder);
  if (adapter) loadAdapter(model, adapter);
  const all = await answers(model, tokenizer, [...identity, ...others]);
  model.dispose();
  return {
    all,
    identityRight: countRight(identity, all),
    othersRight: countRight(others, all.slice(identity.length)),
  };
}

/** Trains with the console's live progress and returns the first and the last held-out loss. */
async function trainShown(
  config: TrainConfig,
  ui: Ui,
  signal: AbortSignal,
): Promise<{ before: number; after: number }> {
  const consumers = new RunConsumers(config, { write: (text) => ui.tell(text), interactive: ui.interactive });
  const losses: number[] = [];
  const notice = (event: TrainerEvent) => {
    consumers.handle(event);
    if (event.type === "validation") losses.push(event.val_loss);
  };
  try {
    for await (const event of runTraining(config, { signal })) notice(event);
  } finally {
    consumers.close();
  }
  return { before: losses[0] ?? Number.NaN, after: losses.at(-1) ?? Number.NaN };
}

/** The first questions of each kind in each language: the files have Chinese first, then English. */
function shownRows(identity: readonly Question[], others: readonly Question[]): number[] {
  const of = (from: number, count: number) =>
    [0, count / 2].flatMap((half) => [...Array(shownOfEach).keys()].map((i) => from + half + i));
  return [...of(0, identity.length), ...of(identity.length, others.length)];
}

function table(
  questions: readonly Question[],
  before: readonly string[],
  after: readonly string[],
  shown: readonly number[],
): string {
  const columns = process.stdout.columns || 100;
  const head = sideBySide([[say("demo/before", {}), say("demo/after", {})]], columns);
  const rows = shown.map(
    (i) => `\n  ${questions[i]?.query ?? ""}\n${sideBySide([[before[i] ?? "", after[i] ?? ""]], columns)}`,
  );
  return `\n${head}${rows.join("")}\n`;
}
