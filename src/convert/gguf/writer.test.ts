import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { onSmallDisk } from "../../../test/small-disk.ts";
import { UserError } from "../../protocol/user-error.ts";
import { bool, float32s, int32s, type Metadata, text, texts, uint32 } from "./metadata.ts";
import { readBytes, readGguf } from "./reader.ts";
import { fileSize, type GgufTensor, writeGgufFiles } from "./writer.ts";

const metadata: Metadata = new Map([
  ["general.architecture", text("llama")],
  ["a number", uint32(4_000_000_000)],
  ["a long number", { type: "uint64", value: 2 ** 40 }],
  ["a negative number", { type: "int16", value: -300 }],
  ["a fraction", { type: "float64", value: 0.1 }],
  ["a switch", bool(true)],
  ["switches", { type: "bools", value: [true, false] }],
  ["words", texts(["北京", "", "a b"])],
  ["scores", float32s([-1.5, 0.25])],
  ["kinds", int32s([1, -6])],
]);

function floats(name: string, values: readonly number[], shape: readonly number[]): GgufTensor {
  return { name, shape, type: "f32", pieces: () => [new Uint8Array(Float32Array.from(values).buffer)] };
}
const tensors = [floats("one", [1, 2, 3], [3]), floats("two", [4, 5, 6, 7, 8, 9], [2, 3])];

function folder(): string {
  return mkdtempSync(join(tmpdir(), "cygnet-gguf-"));
}

test("what is written is read", async () => {
  const path = join(folder(), "new", "a.gguf");
  await writeGgufFiles([{ path, metadata, tensors }]);
  const file = readGguf(path);
  expect(file.metadata).toEqual(metadata);
  expect([...file.tensors.values()].map(({ name, shape, type }) => ({ name, shape, type }))).toEqual([
    { name: "one", shape: [3], type: "f32" },
    { name: "two", shape: [2, 3], type: "f32" },
  ]);
  const two = file.tensors.get("two");
  if (!two) throw new Error("two is there");
  expect(two.offset % 32).toBe(0);
  expect(new Float32Array(readBytes(two, 4, 8).buffer)).toEqual(Float32Array.of(5, 6));
  expect(statSync(path).size).toBe(fileSize({ metadata, tensors }));
});

test.each(["aborted", "failed"])("of files that are %s none stays, and what was there does", async (how) => {
  const place = folder();
  const [first, second] = [join(place, "a.gguf"), join(place, "b.gguf")];
  writeFileSync(first, "before");
  const controller = new AbortController();
  const stopping: GgufTensor = {
    ...floats("three", [1], [1]),
    *pieces() {
      if (how === "failed") throw new Error("a bug");
      controller.abort();
      yield new Uint8Array(4);
    },
  };
  const files = [
    { path: first, metadata, tensors },
    { path: second, metadata, tensors: [stopping] },
  ];
  const written = writeGgufFiles(files, { signal: controller.signal });
  await expect(written).rejects.toThrow(how === "failed" ? "a bug" : /aborted/);
  expect(readdirSync(place)).toEqual(["a.gguf"]);
  expect(readFileSync(first, "utf8")).toBe("before");
});

onSmallDisk("a disk that fills is told, and nothing stays", async (disk) => {
  const large = floats("large", new Array(600_000).fill(1), [600_000]);
  const written = writeGgufFiles([{ path: join(disk, "a.gguf"), metadata, tensors: [large] }]);
  await expect(written).rejects.toThrow(UserError);
  expect(readdirSync(disk)).toEqual([]);
});
