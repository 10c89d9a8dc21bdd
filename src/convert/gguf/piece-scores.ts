/**
 * Scores with which llama.cpp joins pieces in the order of a tokenizer.json's merges: it always joins the two neighbours
 * whose joined piece has the highest score. Pieces that nothing is joined to come last.
 */
export function pieceScores(
  size: number,
  merges: readonly (readonly [string, string])[],
  vocab: Readonly<Record<string, number>>,
): number[] {
  const scores = Array.from({ length: size }, (_, id) => -(merges.length + id));
  const seen = new Set<number>();
  for (const [rank, [left, right]] of merges.entries()) {
    const id = vocab[left + right];
    if (id === undefined || seen.has(id)) continue;
    seen.add(id);
    scores[id] = -rank;
  }
  return scores;
}
