import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import * as random from "../core/random.ts";
import { loadSafetensors, saveSafetensors, type Weights } from "../core/safetensors.ts";
import { discard, makeFolder, readJsonFile, writeTextFile } from "../core/text-file.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { UserError } from "../protocol/user-error.ts";
import { loadTrainable } from "./adapters.ts";
import type { SaveState } from "./trainer.ts";

/** What `state.json` of a checkpoint holds beside the tensors. */
const State = z.object({ iteration: z.int(), trained_tokens: z.int(), optimizer_step: z.int(), optimizer: z.string() });

const adaptersFile = "adapters.safetensors";
const optimizerFile = "optimizer.safetensors";
/** Before the paths of gradients that wait for the rest of their update. */
const accumulatedPrefix = "accumulated.";

/**
 * Writes everything that continuing needs into `folder/checkpoints/NNNNNNN`, which appears whole or not at all, and then
 * removes older ones.
 */
export function saveCheckpoint(folder: string, model: LanguageModel, optimizer: Optimizer, state: SaveState): void {
  const parent = join(folder, "checkpoints");
  const name = String(state.iteration).padStart(7, "0");
  const part = join(parent, `${name}.part`);
  makeFolder(parent);
  rmSync(part, { recursive: true, force: true });
  makeFolder(part);
  try {
    writeState(part, model, optimizer, state);
  } catch (error) {
    discard(part);
    throw error;
  }
  rmSync(join(parent, name), { recursive: true, force: true });
  renameSync(part, join(parent, name));
  for (const other of checkpointsIn(parent)) if (other !== name) rmSync(join(parent, other), { recursive: true });
}

function writeState(folder: string, model: LanguageModel, optimizer: Optimizer, state: SaveState): void {
  const sums = Object.entries(state.accumulated).map(([path, tensor]) => [accumulatedPrefix + path, tensor] as const);
  const moments: Weights = { ...optimizer.state, ...Object.fromEntries(sums), "random.state": random.state() };
  saveSafetensors(join(folder, adaptersFile), model.trainableParameters());
  saveSafetensors(join(folder, optimizerFile), moments);
  const facts = {
    iteration: state.iteration,
    trained_tokens: state.trainedTokens,
    optimizer_step: optimizer.step,
    optimizer: optimizer.constructor.name,
  };
  writeTextFile(join(folder, "state.json"), `${JSON.stringify(facts, null, 2)}\n`);
}

/** Removes the checkpoints of `folder`, and nothing else that may lie there. */
export function removeCheckpoints(folder: string): void {
  const parent = join(folder, "checkpoints");
  for (const name of checkpointsIn(parent)) rmSync(join(parent, name), { recursive: true, force: true });
}

/** The names of checkpoints, oldest first. */
function checkpointsIn(parent: string): string[] {
  const isFolder = existsSync(parent) && statSync(parent).isDirectory();
  return isFolder
    ? readdirSync(parent)
        .filter((name) => /^\d+$/.test(name))
        .sort()
    : [];
}

/**
 * Puts model, optimizer and random sequence back to the newest checkpoint of `folder`.
 * @throws UserError when there is none, or when it is of other layers or another optimizer.
 */
export function restoreCheckpoint(
  folder: string,
  model: LanguageModel,
  optimizer: Optimizer,
): Omit<SaveState, "isLast"> {
  const parent = join(folder, "checkpoints");
  const newest = checkpointsIn(parent).at(-1);
  if (!newest) throw new UserError("trainer/no-checkpoint", { folder });
  const path = join(parent, newest);
  const facts = State.parse(readJsonFile(join(path, "state.json")));
  const weights = loadSafetensors(join(path, adaptersFile)).tensors;
  const missing = Object.keys(model.trainableParameters()).filter((name) => !(name in weights));
  if (missing.length > 0 || facts.optimizer !== optimizer.constructor.name) {
    throw new UserError("trainer/resume-changed", {
      path,
      missing,
      was: facts.optimizer,
      is: optimizer.constructor.name,
    });
  }
  loadTrainable(model, weights, path);
  const { "random.state": sequence, ...others } = loadSafetensors(join(path, optimizerFile)).tensors;
  const moments: Weights = {};
  const accumulated: Weights = {};
  for (const [name, tensor] of Object.entries(others)) {
    if (name.startsWith(accumulatedPrefix)) accumulated[name.slice(accumulatedPrefix.length)] = tensor;
    else moments[name] = tensor;
  }
  optimizer.restore(moments, facts.optimizer_step);
  if (sequence) random.setState(sequence);
  evaluate(moments, accumulated, random.state());
  return { iteration: facts.iteration, trainedTokens: facts.trained_tokens, accumulated };
}
