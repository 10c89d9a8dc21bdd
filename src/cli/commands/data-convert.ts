import { ConvertConfig } from "../../data/convert/config.ts";
import { type ConvertReport, convertFiles } from "../../data/convert/convert-files.ts";
import { say } from "../../protocol/language.ts";
import { command } from "../command.ts";

/** Rows left out that are listed; `--json` has them all. */
const shownLeftOut = 10;

/** `cygnet data convert IN... --output DIR` */
export const dataConvert = command({
  config: ConvertConfig,
  positional: "inputs",
  async run(config, ui) {
    const report = await convertFiles(config);
    const { files, duplicates, train, valid } = report;
    ui.emit({ files, rows_made: report.rowsMade, duplicates, train, valid, left_out: report.leftOut });
    ui.print(`${describe(report).join("\n")}\n`);
  },
});

function describe({ files, rowsMade, duplicates, train, valid, leftOut }: ConvertReport): string[] {
  const lines = files.map(({ file, forms }) => {
    const counted = forms.map(({ form, rows }) => `${form} (${rows})`).join(", ");
    return say("convert/recognised", { file, forms: counted || "–" });
  });
  lines.push(say("convert/made", { rows: rowsMade, train, valid }));
  if (duplicates > 0) lines.push(say("convert/duplicates", { rows: duplicates }));
  if (leftOut.length > 0) lines.push(say("convert/left-out", { rows: leftOut.length }));
  for (const { file, line, reason } of leftOut.slice(0, shownLeftOut)) lines.push(`  ${file}:${line}: ${reason}`);
  if (leftOut.length > shownLeftOut) lines.push(say("convert/more", { rows: leftOut.length - shownLeftOut }));
  return lines;
}
