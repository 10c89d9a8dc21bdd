import { sample } from "../core/kernels.ts";
import { concatenate, integers, tensor } from "../core/ops.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { maskBias, type TokenMask } from "./grammar/token-constraint.ts";
import type { Choice, Sampler } from "./sampler.ts";

// R texts whose next token is chosen · V vocabulary

/** Tokens chosen for some texts; with `top`, for one. */
export interface TextChoice<T> {
  texts: readonly T[];
  choice: Choice;
}

/** What a text's next token is chosen with. */
export interface ChoosingText {
  sampler: Sampler;
  draws: random.Sequence;
  /** Tokens that may come next. */
  mask: TokenMask | undefined;
}

/** logits: [R, V], a row for each text. Those that our kernel chooses for in the same way go together. */
export function choose<T extends ChoosingText>(logits: Tensor, texts: readonly T[]): TextChoice<T>[] {
  const groups = new Map<string, number[]>();
  for (const [row, { sampler, mask }] of texts.entries()) {
    const { bias, ...rest } = sampler.kernelOptions ?? {};
    const key = sampler.kernelOptions && !bias && !mask ? JSON.stringify(rest) : `alone ${row}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((rows) => {
    const own = rows.flatMap((row) => texts[row] ?? []);
    const part = rows.length === texts.length ? logits : logits.take(integers(rows), 0);
    return together(part, own) ?? own.map((text, i) => alone(part.slice(0, i, i + 1), text));
  });
}

function together<T extends ChoosingText>(logits: Tensor, texts: readonly T[]): TextChoice<T>[] | undefined {
  const options = texts[0]?.sampler.kernelOptions;
  if (!options || texts.length === 1) return undefined;
  const words = () =>
    concatenate(
      texts.map(({ draws }) => random.bits([1, 2], draws.nextKey())),
      0,
    );
  const choice = sample(logits, options, words);
  return choice && [{ texts, choice }];
}

function alone<T extends ChoosingText>(logits: Tensor, text: T): TextChoice<T> {
  const mask = text.mask && tensor(maskBias(text.mask, logits.dim(-1)));
  return { texts: [text], choice: text.sampler.choose(logits, () => text.draws.nextKey(), mask) };
}
