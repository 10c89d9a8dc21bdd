/** How often one side did better than the other, over the same questions. */
export interface PairedResult {
  wins: number;
  losses: number;
  ties: number;
  /** Wins and half of the ties, of all: 0.5 is even. */
  winRate: number;
  /** 95 % interval of the win rate. */
  interval: [low: number, high: number];
  /** Probability of a difference this large, either way, if the sides were equally good. */
  pValue: number;
}

/** z of a 95 % interval. */
const z = 1.959964;

/**
 * Compares scores of two sides, question by question. The interval is Wilson's (1927) on wins plus half of the ties, the p-value
 * that of the exact sign test, two-sided, ties left out (Dixon and Mood 1946).
 */
export function comparePaired(base: readonly number[], tuned: readonly number[]): PairedResult {
  const differences = tuned.map((score, i) => score - (base[i] ?? 0));
  const wins = differences.filter((each) => each > 0).length;
  const losses = differences.filter((each) => each < 0).length;
  const ties = differences.length - wins - losses;
  const n = differences.length;
  const winRate = n === 0 ? 0.5 : (wins + ties / 2) / n;
  return { wins, losses, ties, winRate, interval: wilson(winRate, n), pValue: signTest(wins, losses) };
}

function wilson(rate: number, n: number): [low: number, high: number] {
  if (n === 0) return [0, 1];
  const middle = (rate + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((rate * (1 - rate)) / n + z ** 2 / (4 * n ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** Twice the smaller tail of a fair coin thrown wins + losses times. */
function signTest(wins: number, losses: number): number {
  const n = wins + losses;
  let logTerm = -n * Math.LN2; // of k = 0
  let tail = 0;
  for (let k = 0; k <= Math.min(wins, losses); k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
