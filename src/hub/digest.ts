import { createHash, type Hash } from "node:crypto";
import type { RemoteFile } from "./repository.ts";

/** The checksum that a hub gives for a file: SHA-256, or Git's name of its content for small ones. */
export class Digest {
  readonly #expected: string | undefined;
  readonly #hash: Hash | undefined;

  constructor({ sha256, gitOid, size }: Pick<RemoteFile, "sha256" | "gitOid" | "size">) {
    this.#expected = sha256 ?? gitOid;
    if (sha256) this.#hash = createHash("sha256");
    else if (gitOid) this.#hash = createHash("sha1").update(`blob ${size}\0`);
  }

  update(chunk: Uint8Array): void {
    this.#hash?.update(chunk);
  }

  /** Whether what was read is what the hub lists. True where the hub gives no checksum. */
  matches(): boolean {
    return this.#hash === undefined || this.#hash.digest("hex") === this.#expected;
  }
}
