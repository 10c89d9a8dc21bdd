import { expect, test } from "vitest";
import { liveTensors } from "./memory.ts";
import { ones } from "./ops.ts";
import { scope } from "./scope.ts";
import { asyncEval } from "./transforms.ts";

// In a file of its own: while a test waits, the collector may free what others left outside every scope.
test("a result may be freed while it is being computed", async () => {
  const before = liveTensors();
  const result = scope(() => ones([128, 128]).matmul(ones([128, 128])));
  const ready = asyncEval(result);
  result.dispose();
  await ready;
  expect(liveTensors()).toBe(before);
});
