import { expect, test } from "vitest";
import { AfterThoughts, allows, firstAllowed, maskBias, type TokenConstraint } from "./token-constraint.ts";

const [open, close, brace] = [40, 41, 7];

/** Allows one token, and remembers what came. */
class Only implements TokenConstraint {
  readonly accepted: number[] = [];
  async mask(): Promise<Int32Array> {
    return Int32Array.of(1 << brace, 0);
  }
  accept(id: number): void {
    this.accepted.push(id);
  }
  dispose(): void {}
}

test("thoughts are free, and what follows is not", async () => {
  const answer = new Only();
  const constraint = new AfterThoughts(answer, { open, close }, true);
  expect(await constraint.mask()).toBeUndefined();
  for (const id of [3, open, 9, close]) constraint.accept(id);
  expect(await constraint.mask()).toEqual(Int32Array.of(1 << brace, 0));
  constraint.accept(brace);
  expect(answer.accepted).toEqual([brace]);
});

test("an answer that may think can open thoughts, once and at its beginning, or do without", async () => {
  const answer = new Only();
  const constraint = new AfterThoughts(answer, { open, close }, false);
  const first = await constraint.mask();
  expect(first && [allows(first, open), allows(first, brace), allows(first, 3)]).toEqual([true, true, false]);
  constraint.accept(open);
  expect(await constraint.mask()).toBeUndefined();
  constraint.accept(close);
  const behind = await constraint.mask();
  expect(behind && [allows(behind, open), allows(behind, brace)]).toEqual([false, true]);
  const other = new AfterThoughts(new Only(), { open, close }, false);
  other.accept(brace);
  const without = await other.mask();
  expect(without && allows(without, open)).toBe(false);
});

test("a mask becomes what is added to logits", () => {
  const ids = [0, 31, 32, 63, 70];
  const mask = new Int32Array(4);
  for (const id of ids) mask[id >>> 5] = (mask[id >>> 5] ?? 0) | (1 << (id & 31));
  mask[3] = -1;
  const bias = maskBias(mask, 100);
  const allowed = Array.from(bias.keys()).filter((id) => bias[id] === 0);
  expect(allowed).toEqual([...ids, 96, 97, 98, 99]);
  expect(firstAllowed(Int32Array.of(0, 1 << 31))).toBe(63);
});
