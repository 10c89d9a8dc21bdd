import { native } from "../native/binding.ts";

// Sizes in bytes.

/** Tensors that have not been freed in this thread: flat over a loop, or the loop leaks. */
export function liveTensors(): number {
  return native.liveTensors();
}
export function activeMemory(): number {
  return native.activeMemory();
}
/** The most memory in use at once since the start or the last `resetPeakMemory`. */
export function peakMemory(): number {
  return native.peakMemory();
}
export function resetPeakMemory(): void {
  native.resetPeakMemory();
}
/** Buffers that MLX keeps for reuse. */
export function cacheMemory(): number {
  return native.cacheMemory();
}
/** Gives buffers that MLX keeps for reuse back to the system. */
export function clearCache(): void {
  native.clearCache();
}
export function setCacheLimit(bytes: number): number {
  return native.setCacheLimit(bytes);
}
export function setMemoryLimit(bytes: number): number {
  return native.setMemoryLimit(bytes);
}
