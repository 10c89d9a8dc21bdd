import { Command, Option } from "commander";
import { say } from "../protocol/language.ts";
import { commands } from "./commands.ts";
import { styleHelp } from "./help.ts";

/** What `cygnet --help` prints; with `group`, the commands of that group only. */
export function overview(group: string | undefined): string {
  const program = styleHelp(new Command(group ?? "cygnet")).usage("COMMAND [--json] [--lang LANG] …");
  program.description(group ? "" : say("cli/about", {})).helpCommand(false);
  const listed = commands.filter(({ name }) => group === undefined || name.startsWith(`${group} `));
  for (const { name, aliases, summary } of listed) {
    const row = new Command(name.replace(`${group} `, "")).description(say(summary, {})).usage(" ");
    program.addCommand(aliases ? row.aliases(aliases) : row);
  }
  program.addOption(new Option("--lang <LANG>", say("cli/flag-lang", {})));
  program.addOption(new Option("-V, --version", say("cli/flag-version", {})));
  program.helpOption("-h, --help", say("cli/flag-help", {}));
  program.addHelpText("after", `\n${say("cli/see-help", {})}`);
  return `${program.helpInformation()}\n${say("cli/see-help", {})}\n`;
}
