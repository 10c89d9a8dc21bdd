import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { addonPath, native } from "./binding.ts";

/** Runs `body(native, parentPort, workerData)` in a worker that loads the addon for itself; resolves to what it posts. */
function inWorker(body: string, workerData: Record<string, unknown> = {}): Promise<unknown> {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const native = require(workerData.addonPath);
    (async () => { ${body} })();`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData: { addonPath, ...workerData } });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

const float32 = 10;

/** 40 products of a matrix by itself, each evaluated; posts the last one's sum (exact in float32) and the tensors left. */
const products = `
  const { n } = workerData;
  let last = 0;
  for (let i = 0; i < 40; i++) {
    native.pushScope();
    const a = native.multiplyScalar(native.ones([n, n], ${float32}), 1 + (i % 2));
    const sum = native.sum(native.matmul(a, a), undefined, false);
    await native.asyncEval([sum]);
    last = native.item(sum);
    native.popScope([]);
  }
  parentPort.postMessage({ last, live: native.liveTensors() });`;

const Result = z.object({ last: z.number(), live: z.number() });

describe("the addon in worker threads", () => {
  test("several compute at once, beside the main thread, each with its own tensors", async () => {
    const mine = native.full([3], 7, float32);
    const live = native.liveTensors();
    const workers = [64, 96, 128].map((n) => inWorker(products, { n }));
    const here = native.sum(native.multiplyScalar(mine, 2), undefined, false);
    expect(native.item(here)).toBe(42);
    native.free(here);
    native.keep(mine);
    const results = (await Promise.all(workers)).map((result) => Result.parse(result));
    expect(results).toEqual([64, 96, 128].map((n) => ({ last: 4 * n ** 3, live: 0 })));
    expect(Array.from(native.toTypedArray(mine), Number)).toEqual([7, 7, 7]);
    expect(native.liveTensors()).toBeLessThanOrEqual(live + 1);
    native.free(mine);
  });

  test("a handle of one thread means nothing in another", async () => {
    const foreign = native.full([1], 5, float32);
    const answer = await inWorker(
      `try { parentPort.postMessage(native.item(workerData.foreign)); } catch (error) { parentPort.postMessage(error.message); }`,
      { foreign },
    );
    expect(answer).toBe("tensor is already freed");
    native.free(foreign);
  });

  test("gradients through JavaScript functions work in a worker, and so do their errors", async () => {
    const answer = await inWorker(`
      const x = native.full([4], 3, ${float32});
      const square = ([a]) => [native.sum(native.square(a), undefined, false)];
      const [values, gradients] = native.valueAndGrad(square, [x], 1);
      let message = "";
      try { native.valueAndGrad(() => { throw new RangeError("from the trace"); }, [x], 1); }
      catch (error) { message = error.name + ": " + error.message; }
      parentPort.postMessage([native.item(values[0]), Array.from(native.toTypedArray(gradients[0])), message]);`);
    expect(answer).toEqual([36, [6, 6, 6, 6], "RangeError: from the trace"]);
  });

  test("random sequences of threads are separate", async () => {
    const draw = `native.randomSeed(workerData.seed);
      const drawn = [1, 2, 3].map(() => Array.from(native.toTypedArray(native.randomNextKey())));
      parentPort.postMessage(drawn);`;
    const [first, again, other] = await Promise.all([5, 5, 6].map((seed) => inWorker(draw, { seed })));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });
});
