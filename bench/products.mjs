// How close the products of a training step and of a decoded token come to the limits of this machine: its largest
// speeds of big products and of reading memory, measured in the same run by Cygnet and, where it is there, PyTorch.
import { join } from "node:path";
import { markdown, median } from "./markdown.mjs";
import { configs } from "./models.mjs";

export const directions = { forward: "x Wᵀ", backward: "dy W" };
export const forms = { bf16: "bf16", f32: "f32", "4bit": "4-bit" };
/** Rows of x: one decoded token, and short and long training steps. */
export const rows = [1, 128, 512];

/** The specs of one round: the limits by each side that can measure them, then all products by Cygnet. */
export function productSpecs(model, sides) {
  const ours = {
    name: "products",
    title: "Cygnet",
    program: process.execPath,
    script: join(import.meta.dirname, "tasks/products.mjs"),
    env: {},
  };
  const large = { kind: "peaks", size: 4096, bytes: 2 ** 30 };
  const torch = sides.find(({ name }) => name === "torch-bf16");
  return [
    ...(torch ? [{ side: { ...torch, title: "PyTorch" }, spec: large }] : []),
    { side: ours, spec: large },
    { side: ours, spec: { kind: "products", forms: Object.keys(forms), rows, products: productsOf(model) } },
  ];
}

/** The weights of the linear layers by shape, and how often each is used in one pass through the model. */
function productsOf(model) {
  const { hidden_size, num_hidden_layers, intermediate_size, vocab_size, ...config } = configs[model];
  const queries = config.num_attention_heads * config.head_dim;
  const keys = config.num_key_value_heads * config.head_dim;
  return [
    { name: "q", inputs: hidden_size, outputs: queries, count: num_hidden_layers },
    { name: "k, v", inputs: hidden_size, outputs: keys, count: 2 * num_hidden_layers },
    { name: "o", inputs: queries, outputs: hidden_size, count: num_hidden_layers },
    { name: "gate, up", inputs: hidden_size, outputs: intermediate_size, count: 2 * num_hidden_layers },
    { name: "down", inputs: intermediate_size, outputs: hidden_size, count: num_hidden_layers },
    { name: "head", inputs: hidden_size, outputs: vocab_size, count: 1 },
  ];
}

/** What the machine can do: for each limit the best side's median over the rounds. */
export function limitsOf(results) {
  const measured = results.filter(({ spec }) => spec.kind === "peaks");
  const titles = [...new Set(measured.map(({ title }) => title))];
  const best = (limit) =>
    Math.max(...titles.map((title) => median(measured.filter((run) => run.title === title).map((run) => run[limit]))));
  return { bfloat16: best("bfloat16"), float32: best("float32"), read: best("read") };
}

/** Each product's share of its limit, and that of all products of a pass together. */
export function sharesOf(model, results) {
  const limits = limitsOf(results);
  const measured = results.flatMap((run) => run.products ?? []);
  const shares = [];
  for (const form of Object.keys(forms)) {
    for (const count of rows) {
      const all = { possible: 0, taken: 0 };
      for (const { name, count: times } of productsOf(model)) {
        for (const direction of Object.keys(directions)) {
          const runs = measured.filter(
            (each) => each.form === form && each.rows === count && each.name === name && each.direction === direction,
          );
          if (runs.length === 0) continue;
          const possible = secondsPossible(runs[0], limits);
          const taken = median(runs.map((run) => run.seconds));
          shares.push({ form, rows: count, name, direction, share: possible / taken });
          all.possible += times * possible;
          all.taken += times * taken;
        }
      }
      shares.push({ form, rows: count, name: "all, as often as used", direction: "", share: all.possible / all.taken });
    }
  }
  return shares;
}

/** The longer of computing at the peak and of reading and writing everything once. */
function secondsPossible({ form, operations, bytes }, limits) {
  return Math.max(operations / limits[form === "f32" ? "float32" : "bfloat16"], bytes / limits.read);
}

export function productsTable(model, results) {
  const shares = sharesOf(model, results);
  const columns = Object.keys(forms).flatMap((form) => rows.map((count) => ({ form, count })));
  const header = ["product", ...columns.map(({ form, count }) => `${forms[form]}, ${count}`)];
  const names = [
    ...new Map(shares.map(({ name, direction }) => [`${name} ${direction}`, { name, direction }])).values(),
  ];
  const order = names.filter(({ direction }) => direction).concat(names.filter(({ direction }) => !direction));
  const lines = order.map(({ name, direction }) => [
    direction ? `${name}: ${directions[direction]}` : name,
    ...columns.map(({ form, count }) => {
      const found = shares.find(
        (each) => each.form === form && each.rows === count && each.name === name && each.direction === direction,
      );
      return found ? `${Math.round(100 * found.share)} %` : "–";
    }),
  ]);
  const { bfloat16, float32, read } = limitsOf(results);
  const giga = (value) => (value / 1e9).toFixed(0);
  const limits = `This machine in this run: bf16 products ${giga(bfloat16)} GFLOP/s, f32 products ${giga(float32)} GFLOP/s, memory read ${giga(read)} GB/s.`;
  return `${limits}\n\n${markdown([header, ...lines])}`;
}
