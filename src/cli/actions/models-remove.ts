import { createInterface } from "node:readline/promises";
import { type CachedRepository, cachedRepositories, removeCached } from "../../hub/inventory.ts";
import { say } from "../../protocol/language.ts";
import { nearest } from "../../protocol/nearest.ts";
import { UserError } from "../../protocol/user-error.ts";
import { byteSize } from "../byte-size.ts";
import type { RemoveConfig } from "../commands/models-remove.ts";
import type { Ui } from "../ui.ts";

export async function modelsRemove(config: RemoveConfig, ui: Ui): Promise<number> {
  const cached = cachedRepositories().filter(({ hub }) => config.hub === undefined || hub === config.hub);
  const chosen = config.models.flatMap((name) => copiesOf(name, cached));
  const bytes = chosen.reduce((sum, each) => sum + each.bytes, 0);
  if (!config.yes && !(await isConfirmed(chosen, bytes, ui))) {
    ui.say("models/kept", {});
    return 0;
  }
  for (const each of chosen) removeCached(each);
  ui.emit({ removed: chosen.map(({ name, hub, kind, root }) => ({ name, hub, kind, root })), freed_bytes: bytes });
  ui.say("models/removed", { count: chosen.length, size: byteSize(bytes) });
  return 0;
}

function copiesOf(name: string, cached: readonly CachedRepository[]): CachedRepository[] {
  const copies = cached.filter((each) => each.name.toLowerCase() === name.toLowerCase());
  if (copies.length > 0) return copies;
  const known = cached.map((each) => each.name);
  throw new UserError("models/not-cached", { name, nearest: nearest(name, known) });
}

async function isConfirmed(chosen: readonly CachedRepository[], bytes: number, ui: Ui): Promise<boolean> {
  if (process.stdin.isTTY !== true) throw new UserError("models/not-asked", {});
  for (const { name, hub, bytes: size, root } of chosen) {
    ui.tell(`  ${name}  ${say("models/hub", { hub })}  ${byteSize(size)}  ${root}\n`);
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${say("models/ask-remove", { size: byteSize(bytes) })} `);
    return /^(y|yes|是|好|确定)$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
