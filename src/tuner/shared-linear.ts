import type { Projection } from "../core/kernels.ts";
import { concatenate, tensor } from "../core/ops.ts";
import { dispose, keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { type LinearLayer, projected } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";

// L tokens of a pass · R ranks of all its adapters together

/** So many tokens in a row are computed with one adapter; "" is the base model. */
export interface AdapterRun {
  adapter: string;
  count: number;
}

/** A low-rank update of a layer: see `LoRALinear`. */
export type LowRankUpdate = NonNullable<Projection["update"]>;

/** Factors of several updates beside each other: A [in, R], B [R, out] with the scales in it. */
interface Factors {
  a: Tensor;
  b: Tensor;
}

/** Sets of adapters whose factors lie ready. */
const readySets = 4;

/**
 * A linear layer with the updates of several adapters, each for its own tokens: their factors lie beside each other, and a mask on
 * x A leaves each token those of its adapter. Chen et al. 2023 (Punica), arXiv:2310.18547; Sheng et al. 2023, arXiv:2311.03285.
 */
export class SharedLinear extends Module implements LinearLayer {
  readonly base: LinearLayer;
  readonly #updates = new Map<string, LowRankUpdate>();
  readonly #ready = new Map<string, Factors>();
  #now: LowRankUpdate | undefined;

  constructor(base: LinearLayer) {
    super();
    this.base = base;
  }

  get inputDims(): number {
    return this.base.inputDims;
  }
  get outputDims(): number {
    return this.base.outputDims;
  }

  /** The tensors stay the caller's. */
  add(adapter: string, update: LowRankUpdate): void {
    this.#updates.set(adapter, update);
  }

  /** Whether another adapter is left. */
  remove(adapter: string): boolean {
    this.#updates.delete(adapter);
    this.#now = undefined;
    for (const factors of this.#ready.values()) dispose(factors);
    this.#ready.clear();
    return this.#updates.size > 0;
  }

  /** What the next pass computes; in the scope of the pass. masks: those that layers of this pass already made, by what they mask. */
  begin(runs: readonly AdapterRun[], masks: Map<string, Tensor>): void {
    const names = [...new Set(runs.map(({ adapter }) => adapter))].filter((name) => this.#updates.has(name));
    const [first] = names;
    if (first === undefined) this.#now = undefined;
    else if (runs.every(({ adapter }) => adapter === first)) this.#now = this.#updates.get(first);
    else this.#now = { ...this.#factors(names), scale: 1, mask: this.#mask(names, runs, masks) };
  }

  forward(x: Tensor): Tensor {
    const [output] = projected(x, [this]) ?? [];
    if (output) return output;
    const base = this.base.forward(x);
    if (!this.#now) return base;
    const { a, b, scale, mask } = this.#now;
    const reduced = x.matmul(a);
    const own = mask ? reduced.multiply(mask) : reduced;
    return base.add(own.matmul(b).multiply(scale).astype(x.dtype));
  }

  denseWeight(): Tensor {
    return this.base.denseWeight();
  }

  projection(): Projection | undefined {
    const base = this.base.projection();
    return base && this.#now ? { ...base, update: this.#now } : base;
  }

  #factors(names: readonly string[]): Factors {
    const key = names.join("\n");
    const ready = this.#ready.get(key);
    if (ready) return ready;
    const updates = names.flatMap((name) => this.#updates.get(name) ?? []);
    const a = concatenate(
      updates.map((each) => each.a),
      1,
    );
    const b = concatenate(
      updates.map((each) => each.b.multiply(each.scale)),
      0,
    );
    const [oldest] = this.#ready.keys();
    if (oldest !== undefined && this.#ready.size >= readySets) {
      dispose(this.#ready.get(oldest));
      this.#ready.delete(oldest);
    }
    const factors = keep({ a, b });
    this.#ready.set(key, factors);
    return factors;
  }

  /** [L, R]: 1 where the column is of the token's adapter. */
  #mask(names: readonly string[], runs: readonly AdapterRun[], masks: Map<string, Tensor>): Tensor {
    const ranks = names.map((name) => this.#updates.get(name)?.b.dim(0) ?? 0);
    const key = JSON.stringify([names, ranks]);
    const known = masks.get(key);
    if (known) return known;
    const rows = runs.flatMap(({ adapter, count }) => {
      const row = names.flatMap((name, i) => Array.from({ length: ranks[i] ?? 0 }, () => Number(name === adapter)));
      return Array.from({ length: count }, () => row);
    });
    const mask = tensor(new Float32Array(rows.flat()), [rows.length, rows[0]?.length ?? 0]);
    masks.set(key, mask);
    return mask;
  }
}
