// llama.cpp's LoRA files: src/llama-adapter.cpp and convert_lora_to_gguf.py.

import { quantizeBlocks } from "../../core/blocks.ts";
import { keep, scope } from "../../core/scope.ts";
import type { Tensor } from "../../core/tensor.ts";
import { evaluate } from "../../core/transforms.ts";
import { loadModel, readModelConfig } from "../../models/load.ts";
import { UserError } from "../../protocol/user-error.ts";
import { adapterLayers } from "../../tuner/adapter-switch.ts";
import { DoRALinear } from "../../tuner/dora.ts";
import { loadAdapter, readAdapterSettings } from "../../tuner/load-adapter.ts";
import { type AdapterLayer, LoRALinear } from "../../tuner/lora.ts";
import { LoRASwitchLinear } from "../../tuner/lora-switch.ts";
import { exportedModel } from "./architecture.ts";
import { type ExportedFiles, requireOutput } from "./export-gguf.ts";
import { float32, type Metadata, text } from "./metadata.ts";
import { provenanceMetadata } from "./provenance.ts";
import { inPairs } from "./rotation.ts";
import { ggufName } from "./tensor-names.ts";
import { fileSize, type GgufTensor, writeGgufFiles } from "./writer.ts";

export interface AdapterExport {
  source: string;
  name: string;
  adapter: string;
  output: string;
  force: boolean;
  version: string;
  signal?: AbortSignal | undefined;
}

/**
 * Writes the LoRA adapter of a run folder as a GGUF file that llama.cpp puts on the base model (`llama-server --lora FILE`).
 * @throws UserError for an adapter of another kind, and when the file cannot be written.
 */
export async function exportAdapter(options: AdapterExport): Promise<ExportedFiles> {
  const { source, adapter, output, force, signal } = options;
  requireOutput(output, force);
  const settings = readAdapterSettings(adapter);
  if (settings.fine_tune_type !== "lora")
    throw new UserError("gguf/adapter-kind", { adapter, kind: settings.fine_tune_type });
  const model = loadModel(source, { dtype: "keep", lazy: true });
  try {
    const exported = exportedModel(model, readModelConfig(source), source);
    loadAdapter(model, adapter);
    const { rank, scale } = settings.lora_parameters;
    const tensors = adapterLayers(model).flatMap(([path, layer]) => {
      const turns = exported.architecture.rotatesPairs && /\.[qk]_proj$/.test(path);
      return factorTensors(path, layer, turns ? exported.headSize : undefined, adapter);
    });
    const metadata: Metadata = new Map([
      ["general.architecture", text(exported.architecture.name)],
      ["general.type", text("adapter")],
      ...(await provenanceMetadata(options)),
      ["adapter.type", text("lora")],
      // llama.cpp multiplies the update by α / rank.
      ["adapter.lora.alpha", float32(scale * rank)],
    ]);
    const content = { path: output, metadata, tensors };
    await writeGgufFiles([content], { signal });
    return { paths: [output], bytes: fileSize(content), tensors: tensors.length, bitsPerWeight: 32 };
  } finally {
    model.dispose();
  }
}

/** A: [rank, in]   B: [out, rank], of experts stacked. */
function factorTensors(path: string, layer: AdapterLayer, headSize: number | undefined, adapter: string): GgufTensor[] {
  const isStacked = layer instanceof LoRASwitchLinear;
  if (!isStacked && (!(layer instanceof LoRALinear) || layer instanceof DoRALinear)) {
    throw new UserError("gguf/adapter-layer", { adapter, path });
  }
  const [a, b] = scope(() => {
    const A = isStacked ? layer.lora_a : layer.lora_a.transpose();
    const B = isStacked ? layer.lora_b : layer.lora_b.transpose();
    return [keep(A), keep(headSize === undefined ? B : inPairs(B, headSize))];
  });
  const name = `${ggufName(path)}.weight`;
  return [factor(`${name}.lora_a`, a), factor(`${name}.lora_b`, b)];
}

function factor(name: string, weight: Tensor): GgufTensor {
  return {
    name,
    shape: weight.shape,
    type: "f32",
    pieces: () => {
      evaluate(weight);
      return [quantizeBlocks(weight, "f32", undefined, name)];
    },
  };
}
