import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { onSmallDisk } from "../../test/small-disk.ts";
import { UserError } from "../protocol/user-error.ts";
import { dtypes } from "./dtype.ts";
import { arange, full, tensor } from "./ops.ts";
import { loadSafetensors, saveSafetensors } from "./safetensors.ts";
import { readJsonFile, writeTextFile } from "./text-file.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-safetensors-"));
afterAll(() => rmSync(folder, { recursive: true }));

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
  return "no error";
}

describe("safetensors", () => {
  test("every dtype, scalars, empty and transposed tensors, and metadata come back as they were", () => {
    const path = join(folder, "all.safetensors");
    const kinds = dtypes.filter((dtype) => dtype !== "float64" && dtype !== "complex64");
    const tensors = {
      ...Object.fromEntries(kinds.map((dtype) => [`of.${dtype}`, tensor([0, 1, 1]).astype(dtype)])),
      scalar: full([], 2.5),
      empty: tensor([], [0, 4]),
      turned: arange(0, 6).reshape(2, 3).transpose(),
    };
    saveSafetensors(path, tensors, { format: "mlx", note: '天鹅 "quoted"' });
    const loaded = loadSafetensors(path);
    expect(loaded.metadata).toEqual({ format: "mlx", note: '天鹅 "quoted"' });
    expect(Object.keys(loaded.tensors).sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, x] of Object.entries(tensors)) {
      const y = loaded.tensors[name];
      expect([y?.dtype, y?.shape, y?.toArray()], name).toEqual([x.dtype, x.shape, x.toArray()]);
    }
    expect(readdirSync(folder)).toEqual(["all.safetensors"]);
  });

  test("a file may be replaced while what was loaded from it is not computed yet", () => {
    const path = join(folder, "replaced.safetensors");
    saveSafetensors(path, { x: tensor([1, 2]) });
    const { x } = loadSafetensors(path).tensors;
    saveSafetensors(path, { x: tensor([3, 4]) });
    expect(x?.toArray()).toEqual([1, 2]);
    expect(loadSafetensors(path).tensors.x?.toArray()).toEqual([3, 4]);
  });

  test("a file that is absent, empty, cut short or something else is a UserError that names it", () => {
    const path = join(folder, "whole.safetensors");
    saveSafetensors(path, { x: arange(0, 1000) });
    const bytes = readFileSync(path);
    const damaged = [bytes.subarray(0, 0), bytes.subarray(0, 4), bytes.subarray(0, 20), bytes.subarray(0, -1)];
    for (const content of [...damaged, Buffer.from("this is no safetensors file")]) {
      const cut = join(folder, "cut.safetensors");
      writeFileSync(cut, content);
      expect(
        codeOf(() => loadSafetensors(cut)),
        `${content.length} bytes`,
      ).toBe("file/unreadable-safetensors");
      expect(() => loadSafetensors(cut)).toThrow(cut);
    }
    expect(codeOf(() => loadSafetensors(join(folder, "absent.safetensors")))).toBe("file/unreadable-safetensors");
  });

  test("a failing save is a UserError and leaves what was there", () => {
    expect(codeOf(() => saveSafetensors(join(folder, "none", "x.safetensors"), { x: full([1], 1) }))).toBe(
      "file/write-failed",
    );
    const path = join(folder, "folder.safetensors");
    mkdirSync(path);
    expect(codeOf(() => saveSafetensors(path, { x: full([1], 1) }))).toBe("file/write-failed");
    const below = join(folder, "file");
    writeFileSync(below, "");
    expect(codeOf(() => saveSafetensors(join(below, "x.safetensors"), { x: full([1], 1) }))).toBe("file/write-failed");
    expect(codeOf(() => writeTextFile(join(below, "x.json"), "{}"))).toBe("file/write-failed");
    expect(readdirSync(folder).filter((name) => name.includes(".part"))).toEqual([]);
  });
});

describe("on a full disk", () => {
  onSmallDisk("the previous safetensors file survives", (disk) => {
    const path = join(disk, "adapters.safetensors");
    saveSafetensors(path, { x: full([1000], 1) });
    expect(codeOf(() => saveSafetensors(path, { x: full([1_000_000], 2) }))).toBe("file/write-failed");
    expect(loadSafetensors(path).tensors.x?.sum().item()).toBe(1000);
    expect(readdirSync(disk)).toEqual(["adapters.safetensors"]);
  });

  onSmallDisk("the previous text file survives", (disk) => {
    const path = join(disk, "state.json");
    writeTextFile(path, "[1]");
    // Fits in part: a write that returns early must not pass for a whole one.
    expect(codeOf(() => writeTextFile(path, " ".repeat(1_500_000)))).toBe("file/write-failed");
    expect(readJsonFile(path)).toEqual([1]);
    expect(readdirSync(disk)).toEqual(["state.json"]);
  });
});

describe("text files", () => {
  test("a missing folder is made, and the text read back", () => {
    const path = join(folder, "a", "b", "c.json");
    writeTextFile(path, '{"鹅": 1}');
    expect(readJsonFile(path)).toEqual({ 鹅: 1 });
  });

  test("what is not JSON or not there is a UserError", () => {
    const path = join(folder, "bad.json");
    writeTextFile(path, "{");
    expect(codeOf(() => readJsonFile(path))).toBe("file/not-json");
    expect(codeOf(() => readJsonFile(join(folder, "absent.json")))).toBe("file/absent");
  });
});
