import { integers, takeAlongAxis } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval } from "../core/transforms.ts";
import { chunksOf, type Perplexity, type Predictor, perplexityOf, predictions } from "./perplexity.ts";

/** How far a copy of a model is from its source on the same tokens. */
export interface Divergence {
  source: Perplexity;
  copy: Perplexity;
  /** Mean over tokens of KL(source ‖ copy), in nats: 0 where both predict the same. */
  kl: number;
  /** How often both hold the same next token for the likeliest. */
  topAgreement: number;
}

export async function measureDivergence(
  source: Predictor,
  copy: Predictor,
  rows: readonly number[][],
): Promise<Divergence> {
  const losses: { source: number[]; copy: number[] } = { source: [], copy: [] };
  let kl = 0;
  let agreed = 0;
  for (const row of rows) {
    const [ours, theirs] = [await predictions(source, [row]), await predictions(copy, [row])];
    for (const [start, stop] of chunksOf(source, ours.targets.length)) {
      const targets = ours.targets.slice(start, stop);
      const measured = scope(() => {
        const p = logProbabilities(source, ours.hidden.slice(0, start, stop));
        const q = logProbabilities(copy, theirs.hidden.slice(0, start, stop));
        return compared(p, q, integers(targets, [targets.length, 1]));
      });
      await asyncEval(measured);
      losses.source.push(...measured.sourceLosses.toArray());
      losses.copy.push(...measured.copyLosses.toArray());
      kl += measured.kl.item();
      agreed += measured.agreed.item();
      for (const tensor of Object.values(measured)) tensor.dispose();
    }
    ours.hidden.dispose();
    theirs.hidden.dispose();
  }
  const tokens = losses.source.length;
  return {
    source: perplexityOf(losses.source),
    copy: perplexityOf(losses.copy),
    kl: kl / tokens,
    topAgreement: agreed / tokens,
  };
}

/** hidden [N, D] → [N, V], float32. */
function logProbabilities(model: Predictor, hidden: Tensor): Tensor {
  const logits = model.logits(hidden).astype("float32");
  return logits.subtract(logits.logsumexp(-1, true));
}

/** p, q: log-probabilities [N, V] · targets [N, 1] */
function compared(p: Tensor, q: Tensor, targets: Tensor) {
  const lossOf = (logProbabilities: Tensor) => takeAlongAxis(logProbabilities, targets, -1).negative().squeeze(-1);
  return {
    sourceLosses: lossOf(p),
    copyLosses: lossOf(q),
    kl: p.exp().multiply(p.subtract(q)).sum(),
    agreed: p.argmax(-1).equal(q.argmax(-1)).astype("float32").sum(),
  };
}
