import { existsSync, readdirSync } from "node:fs";
import { exportPeft as write } from "../../convert/export-peft.ts";
import { UserError } from "../../protocol/user-error.ts";
import { isPeftFolder } from "../../tuner/peft-adapter.ts";
import type { ExportPeftConfig } from "../commands/export-peft.ts";
import type { Ui } from "../ui.ts";

export async function exportPeft(config: ExportPeftConfig, ui: Ui): Promise<number> {
  const { adapter_path: adapter, output: target, model: base, force } = config;
  requireFree(target, force);
  const layers = await write({ adapter, target, base });
  ui.emit({ output: target, layers });
  ui.say("adapter/exported", { path: target, layers });
  return 0;
}

/** @throws UserError when there is something that may not be replaced: anything but an adapter, and an adapter unless forced. */
function requireFree(target: string, force: boolean): void {
  if (!existsSync(target) || readdirSync(target).length === 0) return;
  if (!isPeftFolder(target))
    throw new UserError("adapter/target-not-peft", { path: target, names: readdirSync(target) });
  if (!force) throw new UserError("file/target-exists", { path: target });
}
