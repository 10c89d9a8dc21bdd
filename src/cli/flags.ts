import { Command, CommanderError, Option } from "commander";
import type { Field } from "../protocol/fields.ts";
import { say } from "../protocol/language.ts";
import { nearest } from "../protocol/nearest.ts";
import { UserError } from "../protocol/user-error.ts";
import { styleHelp } from "./help.ts";
import { flagOf, type Given } from "./values.ts";

type Parsed = { help: string } | { help?: undefined; given: Given };

/** Reads a command's arguments: the help text when it is asked for, otherwise the values that were given. */
export function parseArguments(
  name: string,
  fields: readonly Field[],
  positional: string | undefined,
  args: readonly string[],
): Parsed {
  const flags = fields.filter((field) => field.kind !== "nested" && field.key !== positional);
  const plain = fields.find((field) => field.key === positional);
  const parser = buildParser(name, flags, plain);
  try {
    parser.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return { help: parser.helpInformation() };
    throw userErrorOf(error, name, parser);
  }
  return { given: givenValues(name, flags, plain, parser) };
}

function buildParser(name: string, flags: readonly Field[], plain: Field | undefined): Command {
  const parser = styleHelp(new Command(name)).exitOverride();
  parser.configureOutput({ writeOut: () => {}, writeErr: () => {} }).showSuggestionAfterError(false);
  if (plain) {
    const inner = plain.kind === "list" ? `${plain.key.toUpperCase()}...` : plain.key.toUpperCase();
    parser.argument(plain.required ? `<${inner}>` : `[${inner}]`, plain.description);
  }
  for (const field of flags) {
    for (const option of optionsOf(field)) parser.addOption(option);
  }
  parser.addOption(new Option("--json", say("cli/flag-json", {})));
  parser.addOption(new Option("--lang <LANG>", say("cli/flag-lang", {})));
  return parser.helpOption("-h, --help", say("cli/flag-help", {}));
}

/** A boolean is two flags, `--x` and `--no-x`; help shows the one that changes something. */
function optionsOf(field: Field): Option[] {
  const short = field.short ? `-${field.short}, ` : "";
  const flag = flagOf(field.key);
  const description = describe(field);
  if (field.kind !== "boolean") {
    const value = field.key.split("_").at(-1)?.toUpperCase() ?? "VALUE";
    const option = new Option(`${short}${flag} <${value}${field.kind === "list" ? "..." : ""}>`, description);
    if (field.canBeOff)
      return [option, new Option(flag.replace("--", "--no-"), say("cli/flag-off", { description: field.description }))];
    return field.alias ? [option, new Option(`${flagOf(field.alias)} <${value}>`).hideHelp()] : [option];
  }
  const on = new Option(`${short}${flag}`, description);
  const off = new Option(flag.replace("--", "--no-"), say("cli/flag-off", { description }));
  return field.default === true ? [on.hideHelp(), off] : [on, off.hideHelp()];
}

function describe(field: Field): string {
  const parts = [field.description];
  if (field.choices.length > 0) parts.push(say("cli/choices", { choices: field.choices }));
  const shown = field.kind !== "boolean" && field.default !== undefined && field.default !== null;
  if (shown && String(field.default) !== "") {
    const value = typeof field.default === "string" ? field.default : JSON.stringify(field.default);
    parts.push(say("cli/default", { value }));
  }
  return parts.join(" ").replaceAll(" （", "（");
}

function givenValues(command: string, flags: readonly Field[], plain: Field | undefined, parser: Command): Given {
  const values = parser.opts<Record<string, unknown>>();
  const given: Given = {};
  for (const field of flags) {
    const [own, other] = [field.key, field.alias ?? field.key].map(
      (key) => values[new Option(flagOf(key)).attributeName()],
    );
    const value = own ?? other;
    if (value === undefined) continue;
    // The value of a flag may begin with a dash (`--num-layers -1`), but it is not the next flag.
    const swallowed = [value].flat().some((text) => typeof text === "string" && isFlag(text, parser));
    if (swallowed) throw new UserError("cli/missing-value", { flag: flagOf(field.key), command });
    given[field.key] = field.kind === "number" ? numberOf(value) : value;
  }
  const [first] = parser.processedArgs;
  if (plain && first !== undefined && !(Array.isArray(first) && first.length === 0)) given[plain.key] = first;
  return given;
}

function isFlag(text: string, parser: Command): boolean {
  return parser.options.some((option) => option.long === text);
}

/** The number that a text spells; any other text stays, for the schema to refuse. */
function numberOf(value: unknown): unknown {
  return typeof value === "string" && value.trim() !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
}

/** The flag that a plain argument is likely the value of: other tools take models, prompts and files without one. */
function flagMeant(argument: string, parser: Command): string | undefined {
  const isText = /\s/.test(argument);
  return (isText ? ["prompt"] : ["model", "prompt", "data"])
    .filter((key) => parser.getOptionValue(key) === undefined)
    .map(flagOf)
    .find((flag) => isFlag(flag, parser));
}

/** Commander's own errors are English sentences; the quoted word in them is what was wrong. */
function userErrorOf(error: CommanderError, command: string, parser: Command): Error {
  const word = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  switch (error.code) {
    case "commander.unknownOption": {
      const given = word.replace(/=.*/, "");
      const known = parser.options.flatMap((option) => option.long ?? []);
      return new UserError("cli/unknown-flag", { given, command, nearest: nearest(given, known) });
    }
    case "commander.optionMissingArgument":
      return new UserError("cli/missing-value", { flag: /--[\w-]+/.exec(word)?.[0] ?? word, command });
    case "commander.missingArgument":
      return new UserError("cli/missing-argument", { argument: word, command });
    case "commander.excessArguments": {
      const argument = String(parser.args.at(-1));
      return new UserError("cli/excess-argument", { argument, command, flag: flagMeant(argument, parser) });
    }
    default:
      return error;
  }
}
