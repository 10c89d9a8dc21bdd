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
/**
 * Whether the cache needs no clearing: on a Linux CPU what is kept and what is in use together stay at the most that was in
 * use at once since the last `clearCache`.
 */
export function cacheIsBounded(): boolean {
  return native.cacheIsBounded();
}
/** Clears a cache of at least `threshold` bytes; without a threshold every cache that is not bounded by itself. */
export function limitCache(threshold: number = cacheIsBounded() ? Number.POSITIVE_INFINITY : 0): void {
  if (cacheMemory() >= threshold) clearCache();
}
export function setCacheLimit(bytes: number): number {
  return native.setCacheLimit(bytes);
}
export function setMemoryLimit(bytes: number): number {
  return native.setMemoryLimit(bytes);
}
