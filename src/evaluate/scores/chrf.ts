/** Longest n-grams of characters, and how much recall counts against precision. */
const longest = 6;
const beta = 2;

/**
 * How many n-grams of characters an answer shares with the reference, blanks left out: F2 of precision and recall, averaged over
 * n = 1 to 6, 0 to 1. For languages without spaces it needs no words. Popović 2015, "chrF: character n-gram F-score", as sacreBLEU
 * computes it for one sentence: lengths that neither text has do not count.
 */
export function chrF(answer: string, reference: string): number {
  const [found, wanted] = [answer, reference].map((text) => [...text.replace(/\s+/gu, "")]);
  if (!found || !wanted) return 0;
  if (found.length === 0 || wanted.length === 0) return found.length === wanted.length ? 1 : 0;
  let [precision, recall, lengths] = [0, 0, 0];
  for (let n = 1; n <= longest; n++) {
    const [own, theirs] = [gramsOf(found, n), gramsOf(wanted, n)];
    const [all, possible] = [Math.max(0, found.length - n + 1), Math.max(0, wanted.length - n + 1)];
    if (all === 0 || possible === 0) continue;
    let shared = 0;
    for (const [gram, count] of own) shared += Math.min(count, theirs.get(gram) ?? 0);
    precision += shared / all;
    recall += shared / possible;
    lengths++;
  }
  const [p, r] = [precision / lengths, recall / lengths];
  return p + r === 0 ? 0 : ((1 + beta ** 2) * p * r) / (beta ** 2 * p + r);
}

function gramsOf(characters: readonly string[], n: number): Map<string, number> {
  const grams = new Map<string, number>();
  for (let i = 0; i + n <= characters.length; i++) {
    const gram = characters.slice(i, i + n).join("");
    grams.set(gram, (grams.get(gram) ?? 0) + 1);
  }
  return grams;
}
