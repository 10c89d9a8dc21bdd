import { afterAll, beforeAll, describe } from "vitest";
import { useCpuKernels } from "../src/core/kernels.ts";
import { native } from "../src/native/binding.ts";

/** Whether this build has our CPU kernels. */
export const here = native.hasCpuKernels();
if (!here) console.warn("This build has no CPU kernels: their tests are skipped.");

const threads = here ? native.cpuThreads() : 1;
const best = here ? native.cpuIsa() : "";

/** For `afterEach`: kernels are on, with the threads that they began with. */
export function restoreKernels(): void {
  if (here) native.setCpuThreads(threads);
  useCpuKernels(true);
}

/** Describes tests once for each instruction set that this processor has. */
export function onEachIsa(what: string, body: () => void): void {
  describe.skipIf(!here).each(here ? native.cpuIsas() : [])(`${what} on %s`, (isa) => {
    beforeAll(() => native.setCpuIsa(isa));
    afterAll(() => native.setCpuIsa(best));
    body();
  });
}
