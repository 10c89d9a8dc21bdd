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
 * What differs between the runs of one task; undefined when nothing does. Losses and, in float32, tokens are compared with
 * those of Cygnet in float32, as far as both went, and written weights with Cygnet's of the same form.
 */
export function compare(results) {
  return compareWeights(results) ?? compareComputed(results);
}

function compareWeights(results) {
  const written = Object.entries(results).filter(([, run]) => run?.digest);
  for (const [name, { digest }] of written) {
    const ours = `ours-${name.split("-").at(-1)}`;
    if (results[ours] && results[ours].digest !== digest) return `${ours} and ${name} wrote different weights`;
  }
  return undefined;
}

function compareComputed(results) {
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
