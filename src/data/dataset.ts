import { stat } from "node:fs/promises";
import { join } from "node:path";
import { say } from "../protocol/language.ts";
import { UserError } from "../protocol/user-error.ts";
import { parseJsonLines, readUtf8 } from "./json-lines.ts";
import { defaultFeatures, type Features, formOf, isObject, parseRow, type Row } from "./row.ts";

export interface DatasetOptions extends Partial<Features> {
  /** Only the answers are trained on; rows of plain text have none. */
  mask_prompt?: boolean;
  /** There must be training rows. */
  train?: boolean;
  /** There must be test rows. */
  test?: boolean;
}

export interface Dataset {
  train: Row[];
  valid: Row[];
  /** Empty where there is no such file, as `valid`. */
  test: Row[];
}

/** How many bad rows of a file one message names. */
const shownProblems = 5;

/** Reads `{train,valid,test}.jsonl` of a folder. Every row is checked before any is used. */
export async function loadDataset(folder: string, options: DatasetOptions = {}): Promise<Dataset> {
  if (!(await isFolder(folder))) throw new UserError("data/no-folder", { folder });
  const [train, valid, test] = await Promise.all(
    ["train", "valid", "test"].map((name) => readRows(join(folder, `${name}.jsonl`), options)),
  );
  if (options.train && !train?.length) throw new UserError("data/no-rows", { file: join(folder, "train.jsonl") });
  if (options.test && !test?.length) throw new UserError("data/no-rows", { file: join(folder, "test.jsonl") });
  return { train: train ?? [], valid: valid ?? [], test: test ?? [] };
}

/** The rows of one JSONL file, all of the first row's form; none where there is no file. */
export async function readRows(file: string, options: DatasetOptions = {}): Promise<Row[]> {
  const features = featuresOf(options);
  const lines = parseJsonLines((await readUtf8(file)) ?? "");
  const first = lines.find(({ value }) => isObject(value) && formOf(value, features))?.value;
  const form = isObject(first) ? formOf(first, features) : undefined;
  const rows: Row[] = [];
  const problems: string[] = [];
  for (const { line, value, problem } of lines) {
    const row =
      problem !== undefined
        ? say("data/problem-not-json", { reason: problem })
        : form === undefined
          ? unknownColumns(value, features)
          : parseRow(value, form, features, { file, line });
    if (typeof row === "string") problems.push(say("data/problem-line", { line, problem: row }));
    else rows.push(row);
  }
  if (problems.length > 0) {
    const more = Math.max(0, problems.length - shownProblems);
    throw new UserError("data/bad-rows", { file, problems: problems.slice(0, shownProblems), more });
  }
  if (form === "text" && options.mask_prompt) throw new UserError("data/mask-prompt-on-text", { file });
  return rows;
}

function featuresOf(options: DatasetOptions): Features {
  return {
    prompt_feature: options.prompt_feature ?? defaultFeatures.prompt_feature,
    completion_feature: options.completion_feature ?? defaultFeatures.completion_feature,
    chat_feature: options.chat_feature ?? defaultFeatures.chat_feature,
    text_feature: options.text_feature ?? defaultFeatures.text_feature,
  };
}

function unknownColumns(value: unknown, features: Features): string {
  return isObject(value)
    ? say("data/problem-unknown-columns", { got: Object.keys(value), ...features })
    : say("data/problem-not-an-object", {});
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}
