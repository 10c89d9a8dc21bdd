import { z } from "zod";
import { baseOf, expectation } from "../protocol/fields.ts";
import { say } from "../protocol/language.ts";
import { nearest } from "../protocol/nearest.ts";
import { UserError } from "../protocol/user-error.ts";
import { TrainConfig } from "./config.ts";
import { readYamlFile, type YamlFile } from "./yaml-file.ts";

type Path = readonly PropertyKey[];

/** Optimizers of mlx-lm that this version trains with. */
const optimizers = ["adam", "adamw", "sgd"];

/**
 * The settings of a run: flags before the file that `given.config` names, before defaults. As in mlx-lm a group such as
 * `lora_parameters` comes from the file as a whole.
 * @throws UserError that names every problem, each with its file and line or its flag.
 */
export function resolveTrainConfig(given: Record<string, unknown>): TrainConfig {
  const file = typeof given.config === "string" ? readYamlFile(given.config) : undefined;
  const merged = { ...file?.values, ...given };
  if (merged.train === undefined && merged.test === true) merged.train = false;
  const source = new Source(merged, given, file);

  const { hf_dataset, ...known } = merged;
  const parsed = TrainConfig.safeParse(known);
  const problems = parsed.success ? [] : parsed.error.issues.flatMap((issue) => source.problemsOf(issue));
  if (hf_dataset !== undefined) problems.push(say("config/no-hub-data", { where: source.where(["hf_dataset"]) }));
  if (parsed.success) problems.push(...contradictions(parsed.data, source));
  if (!parsed.success || problems.length > 0) throw new UserError("config/problems", { problems });
  return parsed.data;
}

function contradictions(config: TrainConfig, source: Source): string[] {
  const problems: string[] = [];
  const { optimizer } = config;
  if (!optimizers.includes(optimizer)) {
    problems.push(
      say("config/optimizer-later", { where: source.where(["optimizer"]), optimizer, possible: optimizers }),
    );
  }
  if (!config.train && !config.test) problems.push(say("config/nothing-to-do", {}));
  return problems;
}

/** Where each value came from, to say it in a problem. */
class Source {
  constructor(
    private readonly values: Record<string, unknown>,
    private readonly flags: Record<string, unknown>,
    private readonly file: YamlFile | undefined,
  ) {}

  /** `file:line`, or nothing for a value given as a flag. */
  where(path: Path): string | undefined {
    return path[0] !== undefined && String(path[0]) in this.flags ? undefined : this.file?.locate(path);
  }

  problemsOf(issue: z.core.$ZodIssue): string[] {
    const { path } = issue;
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => this.#unknownKey(path, key));
    const where = this.where(path);
    const found = valueAt(this.values, path);
    const schema = schemaAt(path);
    const expected = issue.code === "custom" ? issue.message : schema ? expectation(schema) : issue.message;
    if (found === undefined) {
      // What `alpha` stands for is said once, where alpha is.
      if (String(path) === "lora_parameters,scale" && this.#alpha(["lora_parameters"])) return [];
      return [say("config/missing-key", { where, key: spell(path), expected })];
    }
    return [say("config/wrong-value", { where, key: this.#name(path), found: shorten(found), expected })];
  }

  #unknownKey(path: Path, key: string): string {
    const where = this.where([...path, key]);
    const alpha = this.#alpha(path);
    if (alpha?.key === key) {
      const rank = Number(valueAt(this.values, [...path, "rank"]) ?? Number.NaN);
      const scale = Number(alpha.value) / rank;
      return say("config/alpha", {
        where,
        key,
        alpha: String(alpha.value),
        rank: Number.isNaN(rank) ? "rank" : String(rank),
        scale: Number.isNaN(scale) ? "?" : String(scale),
      });
    }
    const known = keysAt(path);
    return say("config/unknown-key", { where, key: spell([...path, key]), nearest: nearest(key, known), known });
  }

  /** LoRA's alpha, in the spellings of the paper and of PEFT. */
  #alpha(path: Path): { key: string; value: unknown } | undefined {
    if (String(path) !== "lora_parameters") return undefined;
    const key = ["alpha", "lora_alpha"].find((name) => valueAt(this.values, [...path, name]) !== undefined);
    return key ? { key, value: valueAt(this.values, [...path, key]) } : undefined;
  }

  #name(path: Path): string {
    const [first] = path;
    const key = String(first);
    return path.length === 1 && key in this.flags ? `--${key.replaceAll("_", "-")}` : spell(path);
  }
}

/** `lora_parameters.keys[1]` */
function spell(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function schemaAt(path: Path): z.core.$ZodType | undefined {
  let schema: z.core.$ZodType | undefined = TrainConfig;
  for (const key of path) {
    const base: z.core.$ZodType = baseOf(schema);
    if (base instanceof z.ZodObject) schema = base.shape[String(key)];
    else if (base instanceof z.ZodArray) schema = base.element;
    else if (base instanceof z.ZodTuple) schema = base.def.items[Number(key)];
    else return undefined;
    if (!schema) return undefined;
  }
  return schema;
}

function keysAt(path: Path): string[] {
  const schema = schemaAt(path);
  const base = schema && baseOf(schema);
  return base instanceof z.ZodObject ? Object.keys(base.shape) : [];
}
