import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { binaryOps, native, reductionOps, unaryOps } from "./binding.ts";

/** The methods that the interface of binding.ts declares. */
function declaredMethods(): string[] {
  const text = readFileSync(new URL("./binding.ts", import.meta.url), "utf8");
  const body = /interface NamedOps \{\n([\s\S]*?)\n\}/.exec(text)?.[1] ?? "";
  // Elsewhere than on a Linux CPU the addon has no kernels of its own, but says so.
  const available = native.hasCpuKernels() ? body : body.replace(/cpuThreads[\s\S]*?\/\/ Transforms/, "cpuThreads();");
  return [...available.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1] ?? "");
}

const declared = [
  ...unaryOps,
  ...binaryOps.flatMap((op) => [op, `${op}Scalar`]),
  ...reductionOps,
  ...declaredMethods(),
].sort();

test("the addon has every function that is declared, and no other", () => {
  expect(declared.length).toBeGreaterThan(150);
  expect(Object.keys(native).sort()).toEqual(declared);
  for (const name of declared) expect(Reflect.get(native, name), name).toBeTypeOf("function");
});

test("nothing is declared twice", () => {
  expect(new Set(declared).size).toBe(declared.length);
});

test("wrong arguments are JavaScript errors that say what was expected", () => {
  expect(() => Reflect.apply(native.abs, undefined, [])).toThrow("expected a tensor");
  expect(() => Reflect.apply(native.abs, undefined, ["x"])).toThrow("expected a tensor");
  expect(() => Reflect.apply(native.zeros, undefined, ["abc", 0])).toThrow("expected an array");
  expect(() => Reflect.apply(native.zeros, undefined, [["abc"], 0])).toThrow("expected an integer");
  expect(() => Reflect.apply(native.mean, undefined, [native.zeros([2], 10), undefined, 1])).toThrow(
    "expected a boolean",
  );
  expect(() => native.zeros([1], 99)).toThrow();
  expect(() => native.deviceAvailable("tpu")).toThrow('unknown device "tpu"');
});

test("a handle that was never given is refused", () => {
  expect(() => native.shape(4_000_000)).toThrow("tensor is already freed");
  expect(() => native.shape(0x7fffffff)).toThrow("tensor is already freed");
});
