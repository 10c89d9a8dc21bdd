// The products of a training step and of a decoded token, and this machine's limits as far as Cygnet reaches them: the
// task is the JSON of the first argument, the result one line of JSON. Through Cygnet's public functions only.
import { mlxVersion } from "../../dist/core/device.js";
import * as random from "../../dist/core/random.js";
import { dispose, scope } from "../../dist/core/scope.js";
import { customVjp, evaluate, valueAndGrad } from "../../dist/core/transforms.js";
import { Linear } from "../../dist/nn/linear.js";
import { QuantizedLinear } from "../../dist/nn/quantized.js";
import { median } from "../markdown.mjs";
import { cpuSeconds } from "./process.mjs";

/** Bytes of different weights that a measurement goes through, so that none is still in a small cache. */
const coldBytes = 128 * 2 ** 20;
/** Bytes of results that one evaluation leaves. */
const groupBytes = 64 * 2 ** 20;
const packing = { group_size: 64, bits: 4, mode: "affine" };
const computeDtype = { f32: "float32", bf16: "bfloat16", "4bit": "bfloat16" };

const task = JSON.parse(process.argv[2]);
const result = task.kind === "peaks" ? peaks(task) : { products: task.forms.flatMap(ofForm) };
process.stdout.write(`${JSON.stringify({ ...result, mlx: mlxVersion(), cpuSeconds: cpuSeconds() })}\n`);

/** Operations a second of large products, and bytes a second of reading a large weight once. */
function peaks({ size, bytes }) {
  const speed = (dtype) => {
    const [x, w] = [matrix(size, size, dtype), matrix(size, size, dtype)];
    const layer = Linear.of(w);
    const seconds = typical(() => [layer.forward(x)]);
    dispose([x, w]);
    return (2 * size ** 3) / seconds;
  };
  const [weight, x] = [matrix(bytes / 4 / 4096, 4096, "float32"), matrix(1, 4096, "float32")];
  const read = weight.nbytes / typical(() => [x.matmul(weight.transpose())]);
  dispose([weight, x]);
  return { float32: speed("float32"), bfloat16: speed("bfloat16"), read };
}

/** Seconds, operations and least bytes of each product with weights in this form. */
function ofForm(form) {
  return task.products.flatMap(({ name, inputs, outputs }) => {
    const one = weightOf(form, inputs, outputs);
    const copies = [one];
    while (copies.length * one.bytes < coldBytes) copies.push(weightOf(form, inputs, outputs));
    const found = task.rows.flatMap((rows) =>
      (rows === 1 ? ["forward"] : ["forward", "backward"]).map((direction) => {
        const bytes = one.bytes + rows * (inputs + outputs) * (form === "f32" ? 4 : 2);
        const seconds = timed(copies, rows, direction);
        return { form, name, rows, direction, seconds, operations: 2 * rows * inputs * outputs, bytes };
      }),
    );
    for (const { tensors } of copies) dispose(tensors);
    return found;
  });
}

/** A linear layer as models have them, and the two products of a step with its weight. */
function weightOf(form, inputs, outputs) {
  const dtype = computeDtype[form];
  const w = matrix(outputs, inputs, dtype);
  const layer = form === "4bit" ? QuantizedLinear.from(Linear.of(w), packing) : Linear.of(w);
  evaluate(layer.parameters());
  if (form === "4bit") w.dispose();
  const tensors = Object.values(layer.parameters());
  const forward = (x) => layer.forward(x);
  // The gradient of the output is given as it is, so only the product with the weight is computed.
  const backward = (dy, x) =>
    valueAndGrad(
      ([each]) =>
        customVjp(
          ([y]) => [y.sum()],
          () => [dy],
          [layer.forward(each)],
        ),
      [x],
    ).gradients[0];
  const bytes = tensors.reduce((sum, { nbytes }) => sum + nbytes, 0);
  return { dtype, inputs, outputs, forward, backward, tensors, bytes };
}

/** Seconds of one product: the median over several, each with another weight, a group to an evaluation as in a step. */
function timed(copies, rows, direction) {
  const given = operands(copies[0], rows, direction);
  const { inputs, outputs } = copies[0];
  const each = Math.max(1, Math.floor(groupBytes / (4 * rows * (direction === "forward" ? outputs : inputs))));
  const groups = [];
  for (let from = 0; from < copies.length; from += each) groups.push(copies.slice(from, from + each));
  const pass = () =>
    groups.map((group) => seconds(() => group.map((copy) => copy[direction](...given))) / group.length);
  pass();
  const all = [];
  const start = performance.now();
  while (all.length < 3 || performance.now() - start < 200) all.push(...pass());
  dispose(given);
  return median(all);
}

/** x, and for the product backward the gradient of the output before it. */
function operands({ inputs, outputs, dtype }, rows, direction) {
  const x = matrix(rows, inputs, dtype);
  return direction === "forward" ? [x] : [matrix(rows, outputs, dtype), x];
}

/** Seconds of a large computation: the median of six, after one. */
function typical(build) {
  seconds(build);
  return median(Array.from({ length: 6 }, () => seconds(build)));
}

/** Seconds of computing what is built, without building it. */
function seconds(build) {
  const outputs = scope(build);
  const start = performance.now();
  evaluate(outputs);
  const taken = (performance.now() - start) / 1000;
  dispose(outputs);
  return taken;
}

function matrix(rows, columns, dtype) {
  const made = scope(() => random.normal([rows, columns]).astype(dtype));
  evaluate(made);
  return made;
}
