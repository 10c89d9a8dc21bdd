import { existsSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { resolveRepository } from "../hub/resolve.ts";
import type { HubName } from "../hub/settings.ts";
import { DownloadLine } from "./download-line.ts";
import type { Ui } from "./ui.ts";

/**
 * The file that a model is measured on: the file that `data` names, or of a folder or a data set of a hub the rows that
 * were held back: test.jsonl, else valid.jsonl, else train.jsonl.
 */
export async function dataFile(
  data: string,
  { hub, offline }: { hub?: HubName | undefined; offline: boolean },
  ui: Ui,
): Promise<string> {
  // A name with an ending is a file, here or mistyped; data sets have none.
  if (statSync(data, { throwIfNoEntry: false })?.isFile() || /^\.(jsonl?|txt|md)$/.test(extname(data))) return data;
  const line = new DownloadLine(ui);
  try {
    const folder = await resolveRepository(data, "dataset", { hub, offline, ...line.hooks });
    const rows = ["test", "valid", "train"].map((name) => join(folder, `${name}.jsonl`));
    return rows.find((path) => existsSync(path)) ?? data;
  } finally {
    line.end();
  }
}
