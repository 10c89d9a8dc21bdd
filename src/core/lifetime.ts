import { type Handle, native } from "../native/binding.ts";

// Who frees a tensor: the scope it was made in, or its owner (keep), or, for one made outside every scope, the garbage
// collector at some later time. docs/memory.md tells why collection alone is not enough.

const safetyNet = new FinalizationRegistry<Handle>((handle) => native.free(handle));
let depth = 0;

/** Called for every new tensor. */
export function born(owner: object, handle: Handle): void {
  if (depth === 0) safetyNet.register(owner, handle, owner);
}

/** Frees a tensor now. Graphs that use it are not affected. */
export function release(owner: object, handle: Handle): void {
  safetyNet.unregister(owner);
  native.free(handle);
}

export function enterScope(): void {
  native.pushScope();
  depth++;
}

export function leaveScope(returned: Handle[]): void {
  depth--;
  native.popScope(returned);
}

export function isInScope(): boolean {
  return depth > 0;
}

/** Puts a tensor that left the outermost scope under the collector's care. */
export function adopt(owner: object, handle: Handle): void {
  safetyNet.register(owner, handle, owner);
}
