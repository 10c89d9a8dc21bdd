import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** The folder of real data that lies beside the checkout, and not in the repository. */
export const sharedData = resolve(import.meta.dirname, "../../shared/data");

/** False where the real data is absent: tests on it then skip. */
export const hasSharedData = existsSync(sharedData);

if (!hasSharedData) console.warn(`No ${sharedData}: the tests on real data are skipped.`);
