/** Words of text without spaces between words, one character each: Chinese, Japanese, and what else is written so. */
const unspaced = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai}/u;
const words = new RegExp(
  `${unspaced.source}|[\\p{L}\\p{M}\\p{N}]+?(?=${unspaced.source}|[^\\p{L}\\p{M}\\p{N}]|$)`,
  "gu",
);

/** Words in lower case, punctuation left out; each character of Chinese is a word. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(words) ?? [];
}

/**
 * How much of an answer stands in the reference in the same order: F1 of the longest common subsequence of words, 0 to 1.
 * Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 3 (with β = 1).
 */
export function rougeL(answer: string, reference: string): number {
  const [found, wanted] = [wordsOf(answer), wordsOf(reference)];
  if (found.length === 0 || wanted.length === 0) return found.length === wanted.length ? 1 : 0;
  const common = longestCommonSubsequence(found, wanted);
  return (2 * common) / (found.length + wanted.length);
}

function longestCommonSubsequence(a: readonly string[], b: readonly string[]): number {
  let above = new Uint32Array(b.length + 1);
  for (const word of a) {
    const row = new Uint32Array(b.length + 1);
    for (const [j, other] of b.entries()) {
      row[j + 1] = word === other ? (above[j] ?? 0) + 1 : Math.max(above[j + 1] ?? 0, row[j] ?? 0);
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
