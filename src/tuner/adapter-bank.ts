import { dispose, keep, scope } from "../core/scope.ts";
import { Tensor } from "../core/tensor.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { Module } from "../nn/module.ts";
import { UserError } from "../protocol/user-error.ts";
import { adapterLayers } from "./adapter-switch.ts";
import { isWholeAdapter, loadAdapter } from "./load-adapter.ts";
import { type AdapterLayer, LoRALinear } from "./lora.ts";
import { type AdapterRun, SharedLinear } from "./shared-linear.ts";

/** Layers to put in the place of others, by path. */
type Layers<L extends Module & { readonly base: Module }> = readonly (readonly [path: string, layer: L])[];

interface Adapter {
  layers: Layers<AdapterLayer>;
  /** Only low-rank updates of linear layers: it is computed beside others. */
  isShared: boolean;
}

/** Several adapters of one model on one set of weights; before each pass `begin` says which tokens belong to which. */
export class AdapterBank {
  readonly #model: LanguageModel;
  readonly #adapters = new Map<string, Adapter>();
  readonly #shared = new Map<string, SharedLinear>();
  /** What stands in the place of base layers. */
  #standing: Layers<Module & { readonly base: Module }> = [];

  constructor(model: LanguageModel) {
    this.#model = model;
  }

  get names(): string[] {
    return [...this.#adapters.keys()];
  }

  /**
   * Loads the adapter of a run folder under a name that is not taken.
   * @throws UserError when it is not there, belongs to another model, or is a set of whole weights; the bank is as before then.
   */
  add(name: string, folder: string): void {
    if (isWholeAdapter(folder)) throw new UserError("adapter/full-weights", { folder });
    this.#stand([]);
    const layers = scope(() => {
      try {
        loadAdapter(this.#model, folder);
      } catch (error) {
        this.#taken();
        throw error;
      }
      const taken = this.#taken();
      for (const [, layer] of taken) keep(ownTensors(layer));
      return taken;
    });
    const isShared = layers.every(([, layer]) => layer instanceof LoRALinear && layer.constructor === LoRALinear);
    this.#adapters.set(name, { layers, isShared });
    for (const [path, layer] of isShared ? layers : []) {
      if (!(layer instanceof LoRALinear)) continue;
      const shared = this.#shared.get(path) ?? new SharedLinear(layer.linear);
      this.#shared.set(path, shared);
      shared.add(name, layer.factors);
    }
  }

  /** Frees an adapter, which no text may be using. */
  remove(name: string): void {
    this.#stand([]);
    for (const [path, layer] of this.#adapters.get(name)?.layers ?? []) {
      if (this.#shared.get(path)?.remove(name) === false) this.#shared.delete(path);
      dispose(ownTensors(layer));
    }
    this.#adapters.delete(name);
  }

  /** Adapters with the same answer can be computed in one pass. */
  passOf(name: string): string {
    return this.#adapters.get(name)?.isShared === false ? name : "";
  }

  /** What the next pass computes, in its order; in the scope of the pass. */
  begin(runs: readonly AdapterRun[]): void {
    const pass = this.passOf(runs[0]?.adapter ?? "");
    this.#stand(pass === "" ? [...this.#shared] : (this.#adapters.get(pass)?.layers ?? []));
    if (pass !== "") return;
    const masks = new Map<string, Tensor>();
    for (const layer of this.#shared.values()) layer.begin(runs, masks);
  }

  #stand(layers: Layers<Module & { readonly base: Module }>): void {
    for (const [path, layer] of this.#standing) this.#model.replace(path, layer.base);
    for (const [path, layer] of layers) this.#model.replace(path, layer);
    this.#standing = layers;
  }

  /** Takes the adapter layers out of the model. */
  #taken(): Adapter["layers"] {
    const layers = adapterLayers(this.#model);
    for (const [path, layer] of layers) this.#model.replace(path, layer.base);
    return layers;
  }
}

/** Those of the layer itself, not of the one under it. */
function ownTensors(layer: Module): Tensor[] {
  return [...layer.members()].flatMap(([, member]) => (member instanceof Tensor ? [member] : []));
}
