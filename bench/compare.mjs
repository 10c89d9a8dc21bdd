// Whether all sides computed the same.

/**
 * Relative differences of losses, of the first one and of those after updates. In float32 mlx-lm's adapters begin with the
 * same random numbers as Cygnet's, PEFT's with others; half precision and packed weights round.
 */
function toleranceOf(name) {
  if (name.startsWith("torch") && name.endsWith("f32")) return { first: 1e-4, later: 0.02 };
  if (name.endsWith("f32")) return { first: 1e-4, later: 1e-4 };
  return { first: 0.02, later: 0.02 };
}

/**
 * What differs between Cygnet in float32 and the other runs of one task, as far as both went; undefined when nothing
 * does. Tokens are compared in float32 only.
 */
export function compare(results) {
  const reference = results["ours-f32"];
  if (!reference) return undefined;
  for (const [name, run] of Object.entries(results)) {
    if (!run) continue;
    const allowed = toleranceOf(name);
    const farOff = (run.losses ?? []).some((loss, i) => {
      const off = Math.abs(loss - reference.losses[i]) / Math.abs(reference.losses[i]);
      return !(off <= (i === 0 ? allowed.first : allowed.later));
    });
    const otherTokens = name.endsWith("f32") && (run.ids ?? []).some((id, i) => id !== reference.ids[i]);
    if (!farOff && !otherTokens) continue;
    const [ours, theirs] = [reference, run].map(({ losses, ids }) => JSON.stringify({ losses, ids }));
    return `ours-f32 and ${name} differ:\n${ours}\n${theirs}`;
  }
  return undefined;
}
