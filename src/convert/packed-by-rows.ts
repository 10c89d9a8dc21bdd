import { defaultDevice } from "../core/device.ts";
import { concatenate, type Quantization, type QuantizedWeight } from "../core/ops.ts";
import type { Weights } from "../core/safetensors.ts";
import { dispose, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";
import { pack } from "../nn/quantized.ts";

/** Elements that are packed at a time. */
const chunkSize = 2 ** 20;

/**
 * Weights that are packed some rows at a time when they are asked for. On a CPU MLX packs in modes other than affine by a
 * chain of operations that holds nineteen times the weight, the whole of it at once.
 */
export class PackedByRows {
  readonly #sources = new Map<string, { weight: Tensor; quantization: Quantization }>();
  readonly #packed: Weights = {};

  /** Takes the weight of the layer at `path` over, if packing it at once would take that much. */
  add(path: string, weight: Tensor, quantization: Quantization): boolean {
    if (quantization.mode === "affine" || defaultDevice() !== "cpu" || weight.size <= chunkSize) return false;
    this.#sources.set(path, { weight, quantization });
    return true;
  }

  /** The parameter at `path`, computed; undefined where it is none of a layer taken over. */
  take(path: string): Tensor | undefined {
    const layer = path.replace(/\.[^.]+$/, "");
    const source = this.#sources.get(layer);
    if (source) {
      this.#sources.delete(layer);
      const { weight, scales } = packByRows(source.weight, source.quantization);
      Object.assign(this.#packed, { [`${layer}.weight`]: weight, [`${layer}.scales`]: scales });
      source.weight.dispose();
    }
    const found = this.#packed[path];
    delete this.#packed[path];
    return found;
  }
}

/** As `pack`, computed: w [..., in]. */
export function packByRows(w: Tensor, quantization: Quantization): Pick<QuantizedWeight, "weight" | "scales"> {
  evaluate(w);
  const [lead, columns] = [w.shape.slice(0, -1), w.dim(-1)];
  const rows = w.size / columns;
  const step = Math.max(1, Math.floor(chunkSize / columns));
  const parts: { weight: Tensor; scales: Tensor }[] = [];
  for (let start = 0; start < rows; start += step) {
    const part = scope(() => {
      const chunk = w.reshape(rows, columns).slice(0, start, Math.min(start + step, rows));
      const { weight, scales } = pack(chunk, quantization);
      return { weight, scales };
    });
    evaluate(part);
    parts.push(part);
  }
  const joined = (of: Tensor[]) => scope(() => concatenate(of, 0).reshape(...lead, -1));
  const packed = {
    weight: joined(parts.map(({ weight }) => weight)),
    scales: joined(parts.map(({ scales }) => scales)),
  };
  evaluate(packed);
  dispose(parts);
  return packed;
}
