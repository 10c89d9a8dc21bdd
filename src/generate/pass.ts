import { concatenate, integers } from "../core/ops.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import type { ChoosingText } from "./choose-tokens.ts";
import type { RunningText } from "./running-text.ts";

// L tokens of a pass, of all texts · R texts with guesses, n each

/** What a pass takes of a text: so many of its tokens, and guesses of those after them. */
export interface Part {
  text: RunningText;
  count: number;
  guesses: number;
}

/** A place in a text whose token is chosen. */
export interface Row extends ChoosingText {
  text: RunningText;
}

/** The places of a part whose tokens are chosen. Each draws what it would if those before it had come one by one. */
export function rowsOf({ text, guesses }: Part): Row[] {
  const { sampler, mask } = text;
  if (guesses === 0 || sampler.isGreedy) {
    return Array.from({ length: guesses + 1 }, () => ({ text, sampler, mask, draws: text.draws }));
  }
  const rows: Row[] = [];
  for (let i = 0; i <= guesses; i++) {
    const draws = new random.Sequence(rows[i - 1]?.draws ?? text.draws);
    if (i > 0) draws.nextKey().dispose();
    rows.push({ text, sampler, mask, draws });
  }
  return rows;
}

/** The tokens of a pass, [1, L]; guesses: [R, n], a row for each part that has some. */
export function tokensOf(parts: readonly Part[], guesses: Tensor | undefined): Tensor {
  const known = ({ text: { tokens, past }, count }: Part): number[] => tokens.slice(past, past + count);
  if (!guesses) {
    const ids = parts.flatMap(known);
    return integers(ids, [1, ids.length]);
  }
  let row = 0;
  const pieces = parts.flatMap((part) => {
    const own = integers(known(part));
    return part.guesses > 0 ? [own, guesses.at(0, row++)] : [own];
  });
  return concatenate(pieces, 0).expandDims(0);
}

/** Where in a pass those places are, from 0 on. */
export function placesOf(parts: readonly Part[]): number[] {
  let end = 0;
  return parts.flatMap((part) => {
    end += part.count + part.guesses;
    return isDue(part) ? Array.from({ length: part.guesses + 1 }, (_, i) => end - 1 - part.guesses + i) : [];
  });
}

/** All of a text is in the cache after this part: its next token is chosen. */
export function isDue({ text, count }: Part): boolean {
  return text.past + count === text.tokens.length;
}
