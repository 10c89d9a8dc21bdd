import type { Command } from "commander";
import { say } from "../protocol/language.ts";
import { displayWidth } from "./text-width.ts";

/** Help in the user's language, with columns that fit Chinese text. */
export function styleHelp(parser: Command): Command {
  const titles: Record<string, string> = {
    "Usage:": say("cli/usage", {}),
    "Options:": say("cli/options", {}),
    "Arguments:": say("cli/arguments", {}),
    "Commands:": say("cli/commands", {}),
  };
  return parser.configureHelp({
    displayWidth,
    styleTitle: (title) => titles[title] ?? title,
    commandUsage: (command) => `cygnet ${command.name()} ${command.usage()}`.replace("cygnet cygnet", "cygnet"),
  });
}
