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
  const answer = config.yes ? "yes" : await confirm(chosen, bytes, ui);
  if (answer !== "yes") {
    ui.say("models/kept", {});
    return answer === "no" ? 0 : 130;
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

async function confirm(
  chosen: readonly CachedRepository[],
  bytes: number,
  ui: Ui,
): Promise<"yes" | "no" | "interrupted"> {
  if (process.stdin.isTTY !== true) throw new UserError("models/not-asked", {});
  for (const { name, hub, bytes: size, root } of chosen) {
    ui.tell(`  ${name}  ${say("models/hub", { hub })}  ${byteSize(size)}  ${root}\n`);
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  prompt.once("SIGINT", () => stop.abort());
  try {
    const question = `${say("models/ask-remove", { size: byteSize(bytes) })} `;
    const answer = await prompt.question(question, { signal: stop.signal });
    return /^(y|yes|是|好|确定)$/i.test(answer.trim()) ? "yes" : "no";
  } catch (error) {
    if (!(error instanceof Error && error.name === "AbortError")) throw error;
    ui.tell("\n");
    return stop.signal.aborted ? "interrupted" : "no"; // Ctrl-D ends the question without an answer
  } finally {
    prompt.close();
  }
}
