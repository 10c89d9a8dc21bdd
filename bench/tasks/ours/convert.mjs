import { createHash } from "node:crypto";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { convertModel } from "../../../dist/convert/convert-model.js";
import { memory } from "../process.mjs";

/** Seconds to write a packed copy of a model, the bytes of its source, and a digest of the copy's weights. */
export function measure({ source, target, bits, groupSize }) {
  const settings = { mode: "affine", bits, group_size: groupSize };
  const start = performance.now();
  convertModel({ source, target, force: true, dequantize: false, quantize: { settings, rules: [] } });
  const seconds = (performance.now() - start) / 1000;
  const peakRss = memory("VmHWM");
  const { size } = statSync(join(source, "model.safetensors"));
  const digest = createHash("sha256")
    .update(readFileSync(join(target, "model.safetensors")))
    .digest("hex");
  rmSync(target, { recursive: true });
  return { seconds: [seconds], bytes: size, digest, peakRss };
}
