import { setTimeout as sleep } from "node:timers/promises";
import type { RequestRecord } from "../protocol/bench-result.ts";
import type { Connections } from "./endpoint.ts";

/** `parallel` clients; each sends its next request when the last one is answered, until all bodies are sent. */
export async function runClosedLoop(
  connections: Connections,
  bodies: readonly string[],
  parallel: number,
  signal?: AbortSignal,
): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  let next = 0;
  const client = async () => {
    for (let index = next++; index < bodies.length && !signal?.aborted; index = next++) {
      records[index] = await connections.send(bodies[index] ?? "");
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, bodies.length) }, client));
  signal?.throwIfAborted();
  return records;
}

/**
 * Sends each body at its planned time, however many are still without an answer: a slow server gets no mercy, as from clients who
 * know nothing of each other.
 * @param arrivalsMs ascending; one for each body
 */
export async function runOpenLoop(
  connections: Connections,
  bodies: readonly string[],
  arrivalsMs: readonly number[],
  signal?: AbortSignal,
): Promise<RequestRecord[]> {
  const begun = performance.now();
  const records: Promise<RequestRecord>[] = [];
  for (const [i, body] of bodies.entries()) {
    const planned = arrivalsMs[i] ?? 0;
    const wait = planned - (performance.now() - begun);
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {});
    signal?.throwIfAborted();
    records.push(connections.send(body, Math.max(0, performance.now() - begun - planned)));
  }
  return Promise.all(records);
}
