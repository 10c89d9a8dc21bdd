import { closeSync, fsyncSync, openSync, renameSync } from "node:fs";
import { native } from "../native/binding.ts";
import { UserError } from "../protocol/user-error.ts";
import { handles } from "./ops.ts";
import { Tensor } from "./tensor.ts";
import { discard, partSuffix } from "./text-file.ts";

/** Named tensors, `model.layers.0.…` → tensor. */
export type Weights = Record<string, Tensor>;

export interface SafetensorsFile {
  tensors: Weights;
  metadata: Record<string, string>;
}

/**
 * Opens a safetensors file; each tensor is read when first evaluated.
 * @throws UserError when the file is absent, cut short or not in this format.
 */
export function loadSafetensors(path: string): SafetensorsFile {
  try {
    const [tensors, metadata] = native.loadSafetensors(path);
    return {
      tensors: Object.fromEntries(Object.entries(tensors).map(([name, handle]) => [name, new Tensor(handle)])),
      metadata,
    };
  } catch (error) {
    throw new UserError("file/unreadable-safetensors", { path, reason: reasonOf(error) });
  }
}

/**
 * Writes tensors beside `path` and renames the file into place, so that `path` is always absent or whole.
 * @throws UserError when the file cannot be written (disk full, no permission); what was at `path` stays.
 */
export function saveSafetensors(path: string, tensors: Weights, metadata: Record<string, string> = {}): void {
  const temporary = path.replace(/(\.safetensors)?$/, `.${partSuffix()}.safetensors`);
  try {
    native.saveSafetensors(temporary, Object.keys(tensors), handles(Object.values(tensors)), metadata);
    const file = openSync(temporary, "r+");
    fsyncSync(file);
    closeSync(file);
    renameSync(temporary, path);
  } catch (error) {
    discard(temporary);
    throw new UserError("file/write-failed", { path, reason: reasonOf(error) });
  }
}

/** What MLX says, without its function's name and the full stop, which the sentence around it has. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^\[\w+\] /, "").replace(/[.?]+$/, "");
}
