import { resolveRepository } from "../hub/resolve.ts";
import type { HubName } from "../hub/settings.ts";
import { DownloadLine } from "./download-line.ts";
import type { Ui } from "./ui.ts";

/** The folder for `--model`: see `resolveRepository`. A download shows its progress. */
export async function modelFolder(
  { model, hub, offline }: { model: string; hub?: HubName | undefined; offline: boolean },
  ui: Ui,
): Promise<string> {
  const line = new DownloadLine(ui);
  try {
    return await resolveRepository(model, "model", { hub, offline, ...line.hooks });
  } finally {
    line.end();
  }
}
