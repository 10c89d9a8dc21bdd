import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { loadSafetensors } from "../../src/core/safetensors.ts";
import { cygnet } from "../command-line.ts";
import { index, parity, read, relativeDifference } from "./fixtures.ts";

const Case = z.object({ model: z.string(), adapter: z.string(), dequantize: z.boolean() });

/** Packed values of a weight that lies between two steps may fall either way. */
const mostMoved = 1e-3;

test.each(index.fuse)("fuse writes mlx-lm's weights: %s", (name) => {
  const { model, adapter, dequantize } = read(join("fuse", name, "case.json"), Case);
  const target = join(mkdtempSync(join(tmpdir(), "cygnet-fuse-")), "fused");
  const paths = ["--model", join(parity, model), "--adapter-path", join(parity, adapter), "--save-path", target];
  const { status, stderr } = cygnet(["fuse", ...paths, ...(dequantize ? ["--dequantize"] : [])]);
  expect(status, stderr).toBe(0);
  const ours = loadSafetensors(join(target, "model.safetensors")).tensors;
  const theirs = loadSafetensors(join(parity, "fuse", name, "fused/model.safetensors")).tensors;
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  for (const [path, tensor] of Object.entries(theirs)) {
    const found = ours[path];
    expect([found?.dtype, found?.shape], path).toEqual([tensor.dtype, tensor.shape]);
    if (tensor.dtype === "uint32") {
      const [a, b] = [found?.toBytes() ?? Buffer.of(), tensor.toBytes()];
      const moved = a.reduce((count, byte, i) => count + Number(byte !== b[i]), 0);
      expect(moved / b.length, path).toBeLessThan(mostMoved);
    } else {
      expect(relativeDifference(found?.toArray() ?? [], tensor.toArray()), path).toBeLessThan(1e-5);
    }
  }
});
