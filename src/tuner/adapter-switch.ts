import type { LanguageModel } from "../models/language-model.ts";
import type { Module } from "../nn/module.ts";
import { type AdapterLayer, LoRAEmbedding, LoRALinear } from "./lora.ts";
import { LoRASwitchLinear } from "./lora-switch.ts";

/** The layers of a model that have an adapter, with their paths. */
export function adapterLayers(model: Module): [path: string, layer: AdapterLayer][] {
  return [...model.modules()].filter((entry): entry is [string, AdapterLayer] => isAdapter(entry[1]));
}

function isAdapter(module: Module): boolean {
  return module instanceof LoRALinear || module instanceof LoRAEmbedding || module instanceof LoRASwitchLinear;
}

/** Turns a model's adapters off and on: the base model and the tuned one from one set of weights. Leave it on in the end. */
export class AdapterSwitch {
  readonly #model: LanguageModel;
  readonly #layers: ReturnType<typeof adapterLayers>;

  constructor(model: LanguageModel) {
    this.#model = model;
    this.#layers = adapterLayers(model);
  }

  /** False for a model without adapters, or tuned in its own weights. */
  get isUseful(): boolean {
    return this.#layers.length > 0;
  }

  turn(on: boolean): void {
    for (const [path, layer] of this.#layers) this.#model.replace(path, on ? layer : layer.base);
  }
}
