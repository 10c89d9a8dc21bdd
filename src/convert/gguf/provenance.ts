import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type Metadata, text, uint32 } from "./metadata.ts";

export interface Provenance {
  /** As the user named it: ORG/NAME, or a folder. */
  name: string;
  /** The folder that the model was read from. */
  source: string;
  adapter?: string | undefined;
  /** Cygnet's. */
  version: string;
}

/** Where the model comes from: names, and hashes of its weights as `sha256sum` gives them, of each file in turn. */
export async function provenanceMetadata({ name, source, adapter, version }: Provenance): Promise<Metadata> {
  const metadata: Metadata = new Map([
    ["general.name", text(modelName(name, source))],
    ["general.quantized_by", text(`Cygnet ${version}`)],
    ["general.base_model.count", uint32(1)],
    ["general.base_model.0.name", text(modelName(name, source))],
    ["cygnet.version", text(version)],
    ["cygnet.base_model", text(name)],
    ["cygnet.base_model.sha256", text(await weightsHash(source))],
  ]);
  if (adapter !== undefined) {
    metadata.set("cygnet.adapter", text(basename(resolve(adapter))));
    metadata.set("cygnet.adapter.sha256", text(await weightsHash(adapter)));
    metadata.set("cygnet.adapter.config", text(readFileSync(join(adapter, "adapter_config.json"), "utf8")));
  }
  return metadata;
}

/** A folder's own name; of a hub's, what stands behind the organisation. */
export function modelName(name: string, source: string): string {
  return existsSync(name) ? basename(resolve(source)) : (name.split("/").at(-1) ?? name);
}

/** sha256 over all safetensors files of a folder, in the order of their names. */
export async function weightsHash(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const names = readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
  for (const name of names.sort()) {
    for await (const chunk of createReadStream(join(folder, name))) hash.update(chunk);
  }
  return hash.digest("hex");
}
