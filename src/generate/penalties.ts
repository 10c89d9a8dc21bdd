import { concatenate, integers, putAlongAxis, takeAlongAxis, where } from "../core/ops.ts";
import { keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";

// B rows · N recent tokens · V vocabulary

/** What a token loses for standing among the last `context` tokens. */
export interface Penalty {
  value: number;
  context: number;
}

export interface PenaltyOptions {
  /** Divides positive logits and multiplies negative ones; 1 changes nothing. Keskar et al. 2019, arXiv:1909.05858. */
  repetition?: Penalty | undefined;
  /** Taken from the logits of tokens that occur. */
  presence?: Penalty | undefined;
  /** Taken from the logits of tokens, for each time that they occur. */
  frequency?: Penalty | undefined;
}

/** Penalties for the tokens of a text so far, prompt included. */
export class Penalties {
  readonly #options: PenaltyOptions;
  readonly #longest: number;
  #recent: Tensor | undefined; // [B, N]

  constructor(options: PenaltyOptions) {
    this.#options = options;
    this.#longest = Math.max(0, ...Object.values(options).map((each?: Penalty) => each?.context ?? 0));
  }

  /** The text begins with these tokens. */
  begin(prompt: readonly number[]): void {
    const last = prompt.slice(Math.max(0, prompt.length - this.#longest));
    this.#replace(last.length > 0 ? integers(last, [1, last.length]) : undefined);
  }

  /** One more token of each row; ids: [B] */
  add(ids: Tensor): void {
    const next = ids.astype("int32").expandDims(1);
    const all = this.#recent ? concatenate([this.#recent, next], 1) : next;
    this.#replace(all.slice(1, Math.max(0, all.dim(1) - this.#longest)));
  }

  /** logits: [B, V] → [B, V] float32 */
  apply(logits: Tensor): Tensor {
    const { repetition, presence, frequency } = this.#options;
    let changed = logits.astype("float32");
    changed = this.#change(changed, repetition, (each, { value }) =>
      where(each.less(0), each.multiply(value), each.multiply(1 / value)),
    );
    changed = this.#change(changed, presence, (each, { value }) => each.subtract(value));
    return this.#change(changed, frequency, (each, { value }, ids) => {
      const count = ids.expandDims(2).equal(ids.expandDims(1)).astype("float32").sum(-1);
      return each.subtract(count.multiply(value));
    });
  }

  dispose(): void {
    this.#replace(undefined);
  }

  /** Tokens that occur twice come twice, with the same new logit. */
  #change(
    logits: Tensor,
    penalty: Penalty | undefined,
    change: (chosen: Tensor, penalty: Penalty, ids: Tensor) => Tensor,
  ): Tensor {
    if (!penalty || !this.#recent) return logits;
    const ids = this.#recent.slice(1, Math.max(0, this.#recent.dim(1) - penalty.context));
    return putAlongAxis(logits, ids, change(takeAlongAxis(logits, ids, 1), penalty, ids), 1);
  }

  #replace(recent: Tensor | undefined): void {
    if (recent) keep(recent);
    this.#recent?.dispose();
    this.#recent = recent;
  }

  /** What the next step needs: evaluate it with this one. */
  get state(): readonly Tensor[] {
    return this.#recent ? [this.#recent] : [];
  }
}
