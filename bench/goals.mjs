// What Cygnet wants to reach against its rivals, and what it reached in this run.
import { digits, markdown, median } from "./markdown.mjs";
import { directions, forms, sharesOf } from "./products.mjs";
import { memoryColumns, speedColumns } from "./tables.mjs";
import { rowCounts } from "./tasks.mjs";

const torch = { title: "PyTorch + PEFT bf16", sides: ["torch-bf16"] };
const llama = (...types) => ({ title: `llama.cpp ${types.join("/")}`, sides: types.map((type) => `llama-${type}`) });
/** mlx-lm in the same form, wherever it runs, and llama.cpp in the type that comes closest. */
const alike = (form, type) => ({
  title: `mlx-lm ${form}, llama.cpp ${type}`,
  sides: [...["mlx", "shipped"].map((kind) => `${kind}-${form.replace("-", "")}`), `llama-${type}`],
});
const [ofBf16, of8Bit, of4Bit] = [alike("bf16", "F16"), alike("8-bit", "Q8_0"), alike("4-bit", "Q4_0")];

/** Cygnet's median over the best rival's; with `isTime` the best rival's over Cygnet's. */
const speedGoals = [
  { column: /^LoRA/, ours: "bf16", rival: torch, least: 1.6 },
  { column: /^LoRA/, ours: "4-bit", rival: torch, least: 1.4 },
  { column: /^prefill \d+$/, ours: "bf16", rival: llama("F16", "Q8_0", "Q4_0", "Q4_K_M"), least: 1.1 },
  { column: /^decode \d+$/, ours: "bf16", rival: llama("F16"), least: 1.05 },
  { column: /^decode \d+$/, ours: "8-bit", rival: llama("Q8_0"), least: 1.05 },
  { column: /^decode \d+$/, ours: "4-bit", rival: llama("Q4_0"), least: 1.05 },
  { column: /^prefill \d+ ×|^decode, \d+ row/, ours: "bf16", rival: ofBf16, least: 1 },
  { column: /^prefill \d+ ×|^decode, \d+ row/, ours: "4-bit", rival: of4Bit, least: 1 },
  { column: /first token/, ours: "bf16", rival: ofBf16, least: 1, isTime: true },
  { column: /first token/, ours: "4-bit", rival: of4Bit, least: 1, isTime: true },
  { column: /^convert/, ours: "8-bit", rival: of8Bit, least: 1 },
  { column: /^convert/, ours: "4-bit", rival: of4Bit, least: 1 },
];

/** Cygnet's median over the best rival's. */
const memoryGoals = [
  { column: /^LoRA/, ours: "bf16", rival: torch },
  { column: /^(prompts together|load)$/, ours: "bf16", rival: ofBf16 },
  { column: /^(prompts together|load)$/, ours: "4-bit", rival: of4Bit },
  { column: /^convert$/, ours: "8-bit", rival: of8Bit },
  { column: /^convert$/, ours: "4-bit", rival: of4Bit },
];

/** One line for each goal whose sides ran, or an empty text. */
export function goalsTable(model, measured, productResults) {
  const speed = speedColumns(measured);
  const memory = memoryColumns(measured);
  const found = [
    ...speedGoals.flatMap((goal) => speed.filter(({ title }) => goal.column.test(title)).map((at) => raced(goal, at))),
    ...["bf16", "4-bit"].map((form) => together(form, speed)),
    ...memoryGoals.flatMap((goal) =>
      memory.filter(({ title }) => goal.column.test(title)).map((at) => ofMemory(goal, at)),
    ),
    ...(productResults.length > 0 ? ofProducts(model, productResults) : []),
  ].filter(Boolean);
  if (found.length === 0) return "";
  return markdown([["goal", "at least", "measured", "reached"], ...found]);
}

function raced({ ours, rival, least, isTime = false }, column) {
  const { mine, theirs } = mediansOf(ours, rival, column);
  if (mine === undefined || theirs.length === 0) return undefined;
  const ratio = isTime ? Math.min(...theirs) / mine : mine / Math.max(...theirs);
  return line(`${column.title}: Cygnet ${ours} / ${rival.title}`, `${least}×`, `${digits(ratio)}×`, ratio >= least);
}

function ofMemory({ ours, rival }, column) {
  const { mine, theirs } = mediansOf(ours, rival, column);
  if (mine === undefined || theirs.length === 0) return undefined;
  const ratio = mine / Math.min(...theirs);
  return line(`${column.title}, peak memory: Cygnet ${ours} / ${rival.title}`, "at most 1", digits(ratio), ratio <= 1);
}

/** Of Cygnet, undefined where it did not run, and of each rival that did. */
function mediansOf(ours, rival, column) {
  const [mine, ...theirs] = [nameOf(ours), ...rival.sides].map((name) => {
    const values = column.of(name);
    return values.length > 0 ? median(values) : undefined;
  });
  return { mine, theirs: theirs.filter((value) => value !== undefined) };
}

/** Tokens a second of many rows decoded at once over those of one. */
function together(form, speed) {
  const count = Math.max(...rowCounts);
  const [one, many] = [/1 row$/, new RegExp(`${count} rows$`)].map((title) =>
    speed.find((column) => title.test(column.title)),
  );
  if (!many || many.of(nameOf(form)).length === 0) return undefined;
  const ratio = median(many.of(nameOf(form))) / median(one.of(nameOf(form)));
  return line(`decode: Cygnet ${form}, ${count} rows / 1 row`, "6×", `${digits(ratio)}×`, ratio >= 6);
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
