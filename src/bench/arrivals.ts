import type { RandomNumbers } from "./random-numbers.ts";

/**
 * When `count` requests arrive, in milliseconds: a Poisson process, whose gaps are exponential with mean 1 / rate. The first
 * is at 0. As in vLLM the times are stretched so that the last gap ends at count / rate: the planned rate is kept exactly.
 */
export function poissonArrivals(count: number, ratePerSecond: number, random: RandomNumbers): number[] {
  const times: number[] = [];
  let time = 0;
  for (let i = 0; i < count; i++) {
    times.push(time);
    time -= Math.log(1 - random.next());
  }
  const stretch = (1000 * count) / ratePerSecond / time;
  return times.map((each) => each * stretch);
}
