import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { saveSafetensors } from "../src/core/safetensors.ts";
import { scope } from "../src/core/scope.ts";
import { loadModel } from "../src/models/load.ts";
import { makeTrainable } from "../src/tuner/adapters.ts";
import { cygnetStarted } from "./command-line.ts";
import { patterned } from "./gradients.ts";

export const tinyModel = resolve(import.meta.dirname, "../assets/cygnet-tiny");

export interface StartedServer {
  url: string;
  pid: number;
  /** Ends it as Ctrl-C does; returns what it said. */
  stop(): Promise<{ status: number | null; stderr: string }>;
}

const Listening = z.object({ url: z.string() });

/** `cygnet serve` on the embedded model and a free port, when it listens. */
export async function startServer(
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<StartedServer> {
  const { child, finished } = cygnetStarted(["serve", "--model", tinyModel, "--port", "0", "--json", ...args], { env });
  const url = await new Promise<string>((done, fail) => {
    let text = "";
    child.stdout?.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) done(Listening.parse(JSON.parse(text.slice(0, text.indexOf("\n")))).url);
    });
    void finished.then(({ status, stderr }) => fail(new Error(`cygnet serve ended with ${status}: ${stderr}`)));
  });
  if (child.pid === undefined) throw new Error("a process that listens has a number");
  return {
    url,
    pid: child.pid,
    stop() {
      child.kill("SIGINT");
      return finished;
    },
  };
}

/** A folder with adapters of the embedded model, each with answers of its own; low-rank ones, but for those of another type. */
export function tinyAdapters(names: readonly string[], types: Record<string, "dora"> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-adapters-"));
  for (const [seed, name] of names.entries()) {
    const settings = {
      fine_tune_type: types[name] ?? ("lora" as const),
      num_layers: 2,
      lora_parameters: { rank: 2 + seed, scale: 2, dropout: 0 },
    };
    const model = loadModel(tinyModel);
    makeTrainable(model, settings);
    mkdirSync(join(folder, name));
    scope(() => {
      const shapes = Object.entries(model.trainableParameters());
      const weights = shapes.map(
        ([path, { shape }], i) => [path, patterned(shape, i + 31 * seed).multiply(0.4)] as const,
      );
      saveSafetensors(join(folder, name, "adapters.safetensors"), Object.fromEntries(weights));
    });
    writeFileSync(join(folder, name, "adapter_config.json"), JSON.stringify(settings));
    model.dispose();
  }
  return folder;
}
