// What Cygnet wants to reach against its rivals, and what it reached in this run.
import { digits, markdown, median } from "./markdown.mjs";
import { directions, forms, sharesOf } from "./products.mjs";
import { memoryColumns, speedColumns } from "./tables.mjs";
import { manyRows } from "./tasks.mjs";

const torch = { title: "PyTorch + PEFT bf16", sides: ["torch-bf16"] };
const llama = (...types) => ({ title: `llama.cpp ${types.join("/")}`, sides: types.map((type) => `llama-${type}`) });

/** Cygnet's median over the best rival's. */
const speedGoals = [
  { column: /^LoRA/, ours: "bf16", rival: torch, least: 1.6 },
  { column: /^LoRA/, ours: "4-bit", rival: torch, least: 1.4 },
  { column: /^prefill/, ours: "bf16", rival: llama("F16", "Q8_0", "Q4_0", "Q4_K_M"), least: 1.1 },
  { column: /^decode \d+$/, ours: "bf16", rival: llama("F16"), least: 1.05 },
  { column: /^decode \d+$/, ours: "8-bit", rival: llama("Q8_0"), least: 1.05 },
  { column: /^decode \d+$/, ours: "4-bit", rival: llama("Q4_0"), least: 1.05 },
];

/** One line for each goal whose sides ran, or an empty text. */
export function goalsTable(model, measured, productResults) {
  const speed = speedColumns(measured);
  const found = [
    ...speedGoals.flatMap((goal) => speed.filter(({ title }) => goal.column.test(title)).map((at) => raced(goal, at))),
    ...["bf16", "4-bit"].map((form) => together(form, speed)),
    ...memoryColumns(measured.filter(({ task }) => task.spec.kind === "train")).map(ofMemory),
    ...(productResults.length > 0 ? ofProducts(model, productResults) : []),
  ].filter(Boolean);
  if (found.length === 0) return "";
  return markdown([["goal", "at least", "measured", "reached"], ...found]);
}

function raced({ ours, rival, least }, column) {
  const mine = column.of(nameOf(ours));
  const theirs = rival.sides.map(column.of).filter((values) => values.length > 0);
  if (mine.length === 0 || theirs.length === 0) return undefined;
  const ratio = median(mine) / Math.max(...theirs.map(median));
  return line(`${column.title}: Cygnet ${ours} / ${rival.title}`, `${least}×`, `${digits(ratio)}×`, ratio >= least);
}

/** Tokens a second of many rows decoded at once over those of one. */
function together(form, speed) {
  const [one, many] = [/short prompt/, /at once/].map((title) => speed.find((column) => title.test(column.title)));
  if (!many || many.of(nameOf(form)).length === 0) return undefined;
  const ratio = median(many.of(nameOf(form))) / median(one.of(nameOf(form)));
  return line(`decode: Cygnet ${form}, ${manyRows} rows / 1 row`, "6×", `${digits(ratio)}×`, ratio >= 6);
}

function ofMemory(column) {
  const [mine, theirs] = [column.of("ours-bf16"), column.of("torch-bf16")];
  if (mine.length === 0 || theirs.length === 0) return undefined;
  const ratio = median(mine) / median(theirs);
  return line(`${column.title}, peak memory: Cygnet bf16 / ${torch.title}`, "at most 1", digits(ratio), ratio <= 1);
}

/** All products of a step together, and in brackets the one farthest from its limit. */
function ofProducts(model, results) {
  const shares = sharesOf(model, results);
  const whole = shares.filter(({ rows, direction }) => rows > 1 && direction === "");
  return whole.map(({ form, rows, share }) => {
    const each = shares.filter((one) => one.form === form && one.rows === rows && one.direction);
    const least = each.reduce((a, b) => (a.share < b.share ? a : b));
    const measured = `${percent(share)} (${least.name} ${directions[least.direction]}: ${percent(least.share)})`;
    const goal = `products of a step of ${rows} tokens, ${forms[form]}, against the machine's limit`;
    return line(goal, "75 %", measured, share >= 0.75);
  });
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

function line(goal, least, measured, isReached) {
  return [goal, least, measured, isReached ? "yes" : "no"];
}

function nameOf(form) {
  return `ours-${form.replace("-", "")}`;
}
