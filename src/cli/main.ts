import { languageOf, say, setLanguage } from "../protocol/language.ts";
import { nearest } from "../protocol/nearest.ts";
import { UserError } from "../protocol/user-error.ts";
import { type CommandEntry, commands } from "./commands.ts";
import { Ui } from "./ui.ts";
import { version } from "./version.ts";

/** Runs one command line and returns its exit status: 0 done, 2 the user can mend it, 1 a bug, 130 interrupted. */
export async function main(args: readonly string[]): Promise<number> {
  endQuietlyWhenNobodyReads();
  try {
    setLanguage(chooseLanguage(args));
    return await dispatch(args);
  } catch (error) {
    return report(error);
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const words = leadingWords(args);
  const entry = findCommand(words);
  if (entry) {
    const rest = withoutWords(args, entry.typed);
    const command = await entry.command.load();
    return command.execute(entry.command.name, rest, new Ui(rest.includes("--json")));
  }
  if (words.length === 0 && (args.includes("--version") || args.includes("-V"))) {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const group = groupOf(words);
  if (words.length > 0 && group === undefined) throw unknownCommand(words);
  const { overview } = await import("./overview.ts");
  process.stdout.write(overview(group));
  return 0;
}

/** The words before the first flag; `--lang zh` may stand in front. */
function leadingWords(args: readonly string[]): string[] {
  const start = args[0] === "--lang" ? 2 : args[0]?.startsWith("--lang=") || args[0] === "--json" ? 1 : 0;
  const rest = args.slice(start);
  const end = rest.findIndex((word) => word.startsWith("-"));
  const words = end === -1 ? rest : rest.slice(0, end);
  return words[0] === "help" ? words.slice(1) : words;
}

/** The command that the words begin with, and how many of them name it. */
function findCommand(words: readonly string[]): { command: CommandEntry; typed: string[] } | undefined {
  for (const command of commands) {
    for (const name of [command.name, ...(command.aliases ?? [])]) {
      const typed = name.split(" ");
      if (typed.every((word, i) => words[i] === word)) return { command, typed };
    }
  }
  return undefined;
}

function withoutWords(args: readonly string[], typed: readonly string[]): string[] {
  const first = typed[0] ?? "";
  const at = args.indexOf(first);
  const rest = [...args.slice(0, at), ...args.slice(at + typed.length)];
  return rest[0] === "help" ? ["--help"] : rest;
}

/** `data` for a line that says only `cygnet data`. */
function groupOf(words: readonly string[]): string | undefined {
  const [first] = words;
  return words.length === 1 && commands.some(({ name }) => name.startsWith(`${first} `)) ? first : undefined;
}

function unknownCommand(words: readonly string[]): UserError {
  const group = commands.some(({ name }) => name.startsWith(`${words[0]} `));
  const given = group ? words.slice(0, 2).join(" ") : (words[0] ?? "");
  const known = commands.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
  return new UserError("cli/unknown-command", { given, nearest: nearest(given, known) });
}

function chooseLanguage(args: readonly string[]): "en" | "zh" {
  const at = args.findIndex((arg) => arg === "--lang" || arg.startsWith("--lang="));
  const locale = process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG;
  if (at === -1) return languageOf(locale);
  const given = args[at]?.includes("=") ? (args[at]?.split("=")[1] ?? "") : (args[at + 1] ?? "");
  if (given !== "en" && given !== "zh") {
    setLanguage(languageOf(locale));
    throw new UserError("cli/wrong-language", { given });
  }
  return given;
}

/** Tells what went wrong: a sentence for what the user can mend, the stack for a bug. */
function report(error: unknown): number {
  if (error instanceof UserError) {
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.stderr.write(`${say("cli/bug", {})}\n`);
  return 1;
}

/** `cygnet … | head` closes the pipe early, which is no error. */
function endQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  }
}
