import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** Bytes that are read at the beginning and at the end of a weight file: the names, and weights of the first and last layers. */
const sampleBytes = 1 << 20;

/** What tells one model's weights from another's, without reading all of them: of model folders, and of an adapter's. */
export function modelIdentity(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const names = readdirSync(folder).filter((name) => /^(config|adapter_config)\.json$|\.safetensors$/.test(name));
    for (const name of names.sort()) {
      const path = join(folder, name);
      hash.update(`${name}\n`);
      if (name.endsWith(".json")) hash.update(readFileSync(path));
      else for (const sample of samples(path)) hash.update(sample);
    }
  }
  return hash.digest("hex");
}

function samples(path: string): Buffer[] {
  const { size } = statSync(path);
  const file = openSync(path, "r");
  try {
    return [0, Math.max(0, size - sampleBytes)].map((at) => {
      const buffer = Buffer.alloc(Math.min(sampleBytes, size));
      readSync(file, buffer, 0, buffer.length, at);
      return buffer;
    });
  } finally {
    closeSync(file);
  }
}
