import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../core/text-file.ts";
import { measureDivergence } from "../evaluate/divergence.ts";
import type { Predictor } from "../evaluate/perplexity.ts";
import { cutRows, requireRows, tokensOfFile } from "../evaluate/token-rows.ts";
import { loadModel } from "../models/load.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { AdapterSwitch } from "../tuner/adapter-switch.ts";
import { loadAdapter } from "../tuner/load-adapter.ts";
import type { FuseConfig } from "./commands/fuse.ts";
import { dataFile } from "./data-file.ts";
import type { Ui } from "./ui.ts";

/** Tokens of a row, and rows at most, that a merge is measured on. */
const measured = { rowLength: 512, rows: 32 };

const RunFacts = z.looseObject({ data: z.string().nullish() });

export interface FuseQuality {
  data: string;
  tokens: number;
  /** Mean loss in nats of the base, of base and adapter where that was one with all its update, and of the merged model. */
  losses: { base: number; tuned?: number; fused: number };
  /** Mean KL from the first of tuned and base to the merged model, and how often both hold the same token for the likeliest. */
  kl: number;
  topAgreement: number;
  /** Of what the adapter gained, the share that the merged model has; undefined where it gained nothing. */
  kept?: number;
}

/** The rows to measure on; undefined where none are given and the run's are not found. @throws UserError: see `tokensOfFile`. */
export async function fuseRows(
  folder: string,
  config: FuseConfig,
  ui: Ui,
): Promise<{ data: string; rows: number[][] } | undefined> {
  const place = join(config.adapter_path, "adapter_config.json");
  const asked = config.data ?? (existsSync(place) ? RunFacts.parse(readJsonFile(place)).data : undefined) ?? undefined;
  if (asked === undefined) return undefined;
  if (config.data === undefined && !existsSync(asked)) return undefined;
  const data = await dataFile(asked, config, ui);
  const rows = cutRows(await tokensOfFile(data, await Tokenizer.load(folder)), measured.rowLength, measured.rows);
  return { data, rows };
}

/** How much of an adapter a merged model has kept. isPlain: one adapter, all of its update. Both models are in memory. */
export async function fuseQuality(
  folder: string,
  { adapter_path, save_path }: FuseConfig,
  { data, rows }: { data: string; rows: number[][] },
  isPlain: boolean,
): Promise<FuseQuality> {
  const [fused, tuned] = [loadModel(save_path), loadModel(folder)];
  requireRows(rows, tuned.config.vocab_size, data);
  if (!isPlain) {
    const { source, copy, kl, topAgreement } = await measureDivergence(tuned, fused, rows);
    return { data, tokens: source.tokens, losses: { base: source.loss, fused: copy.loss }, kl, topAgreement };
  }
  loadAdapter(tuned, adapter_path);
  tuned.train(false);
  const adapters = new AdapterSwitch(tuned);
  const base: Predictor = adapters.isUseful ? switched(tuned, adapters, false) : loadModel(folder);
  const whole = switched(tuned, adapters, true);
  const learnt = await measureDivergence(whole, base, rows);
  const { copy, kl, topAgreement } = await measureDivergence(whole, fused, rows);
  const losses = { base: learnt.copy.loss, tuned: learnt.source.loss, fused: copy.loss };
  const gained = losses.base - losses.tuned;
  const kept = gained > 0 ? (losses.base - losses.fused) / gained : undefined;
  return { data, tokens: copy.tokens, losses, kl, topAgreement, ...(kept !== undefined && { kept }) };
}

/** A model with its adapters turned so before each use. */
function switched(model: Predictor, adapters: AdapterSwitch, on: boolean): Predictor {
  const turned = (): Predictor => {
    adapters.turn(on);
    return model;
  };
  return {
    config: model.config,
    hidden: (tokens, cache) => turned().hidden(tokens, cache),
    logits: (hidden) => turned().logits(hidden),
  };
}
