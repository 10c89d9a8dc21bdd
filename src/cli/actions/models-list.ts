import { type CachedRepository, cachedRepositories } from "../../hub/inventory.ts";
import { hubNames, hubSettings } from "../../hub/settings.ts";
import { say } from "../../protocol/language.ts";
import { byteSize } from "../byte-size.ts";
import { programName } from "../program-name.ts";
import { displayWidth, padEnd } from "../text-width.ts";
import type { Ui } from "../ui.ts";

export function modelsList(ui: Ui): Promise<void> {
  const cached = cachedRepositories();
  ui.emit(cached.map(({ isComplete, ...rest }) => ({ ...rest, folder: rest.folder ?? null, complete: isComplete })));
  const folders = hubNames.map((hub) => hubSettings(hub).cacheFolder);
  if (cached.length === 0) ui.say("models/none", { folders, cygnet: programName() });
  else ui.print(table(cached));
  return Promise.resolve();
}

function table(cached: readonly CachedRepository[]): string {
  const rows = cached.map((each) => [
    each.name,
    say("models/hub", { hub: each.hub }),
    byteSize(each.bytes),
    stateOf(each),
  ]);
  const heads = [say("models/head-name", {}), say("models/head-hub", {}), say("models/head-size", {}), ""];
  const widths = heads.map((head, i) => Math.max(...[head, ...rows.map((row) => row[i] ?? "")].map(displayWidth)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => padEnd(cell, (widths[i] ?? 0) + 2))
      .join("")
      .trimEnd();
  const total = cached.reduce((sum, { bytes }) => sum + bytes, 0);
  return `${[heads, ...rows].map(line).join("\n")}\n${say("models/total", { count: cached.length, size: byteSize(total) })}\n`;
}

function stateOf({ kind, isComplete }: CachedRepository): string {
  const words = kind === "dataset" ? [say("models/data-set", {})] : [];
  if (!isComplete) words.push(say("models/incomplete", {}));
  return words.join(", ");
}
