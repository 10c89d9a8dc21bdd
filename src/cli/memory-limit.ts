import { defaultDevice, deviceInfo } from "../core/device.ts";
import { computeDtype, hasCpuKernels } from "../core/kernels.ts";
import type { ComputeFacts } from "../models/memory-estimate.ts";
import { describeMachine } from "./machine.ts";

export interface MemoryLimit {
  /** What models may take. */
  bytes: number;
  /** What the machine, or its GPU, has. */
  totalBytes: number;
  device: "cpu" | "gpu";
}

/** The part of memory that models may take where the system does not say: the rest is for the system and other programs. */
const share = { cpu: 0.9, gpu: 0.95 };
/** A Mac shares its memory with the GPU; by default three quarters of it. */
export const macShare = 0.75;

/** What a model may take on this machine. */
export function memoryLimit(): MemoryLimit {
  const { total_bytes } = describeMachine().memory;
  if (defaultDevice() === "cpu") return { bytes: total_bytes * share.cpu, totalBytes: total_bytes, device: "cpu" };
  const { max_recommended_working_set_size: recommended, memory_size, total_memory } = deviceInfo("gpu");
  const totalBytes = Number(memory_size ?? total_memory ?? total_bytes);
  return { bytes: Number(recommended ?? totalBytes * share.gpu), totalBytes, device: "gpu" };
}

export function computeFacts(): ComputeFacts {
  const dtype = computeDtype("bfloat16");
  return { activationBytes: dtype === "float32" ? 4 : 2, hasKernels: hasCpuKernels(dtype) };
}
