// What Cygnet wants to reach against its rivals, and what it reached in this run.
import { digits, markdown, median } from "./markdown.mjs";
import { directions, forms, sharesOf } from "./products.mjs";
import { memoryColumns, speedColumns } from "./tables.mjs";
import { clientCounts, rowCounts } from "./tasks.mjs";

const torch = ["torch-bf16"];
const llama = (...types) => types.map((type) => `llama-${type}`);
/** mlx-lm in the same form, on Linux as shipped, and llama.cpp in the type that comes closest. */
const alike = (form, type) => [`mlx-${form}`, `shipped-${form}`, ...llama(type)];
/** mlx-lm with the same BLAS: on Linux that is of use to it in float32 only. */
const mlxServers = (form) => [...new Set(["openblas-f32", "mlx-f32", `mlx-${form}`])];
const [ofBf16, of8Bit, of4Bit] = [alike("bf16", "F16"), alike("8bit", "Q8_0"), alike("4bit", "Q4_0")];

/** Cygnet's median over the best rival's; with `isTime` the best rival's over Cygnet's. */
const speedGoals = [
  { column: /^LoRA/, ours: "bf16", rivals: torch, least: 1.6 },
  { column: /^LoRA/, ours: "4-bit", rivals: torch, least: 1.4 },
  { column: /^prefill \d+$/, ours: "bf16", rivals: llama("F16", "Q8_0", "Q4_0", "Q4_K_M"), least: 1.1 },
  { column: /^decode \d+$/, ours: "bf16", rivals: llama("F16"), least: 1.05 },
  { column: /^decode \d+$/, ours: "8-bit", rivals: llama("Q8_0"), least: 1.05 },
  { column: /^decode \d+$/, ours: "4-bit", rivals: llama("Q4_0"), least: 1.05 },
  { column: /^prefill \d+ ×|^decode, /, ours: "bf16", rivals: ofBf16, least: 1 },
  { column: /^prefill \d+ ×|^decode, /, ours: "4-bit", rivals: of4Bit, least: 1 },
  { column: /^start to first token/, ours: "bf16", rivals: ofBf16, least: 1, isTime: true },
  { column: /^start to first token/, ours: "4-bit", rivals: of4Bit, least: 1, isTime: true },
  { column: /^convert/, ours: "8-bit", rivals: of8Bit, least: 1 },
  { column: /^convert/, ours: "4-bit", rivals: of4Bit, least: 1 },
  ...["bf16", "f32"].flatMap((form) => [
    { column: /^1 client$/, ours: form, rivals: mlxServers(form), least: 1.1, of: "served" },
    { column: /^\d+ clients$/, ours: form, rivals: mlxServers(form), least: 3, of: "served" },
    { column: /^\d+ clients?, mean$/, ours: form, rivals: mlxServers(form), least: 1, isTime: true, of: "first token" },
  ]),
  { column: /^\d+ clients?$/, ours: "bf16", rivals: llama("F16"), least: 1, of: "served" },
  { column: /^\d+ clients?, mean$/, ours: "bf16", rivals: llama("F16"), least: 1, isTime: true, of: "first token" },
];

/** Cygnet's median over the least of the rivals'. mlx-lm as shipped answers shorter prompts together, so it does not count there. */
const memoryGoals = [
  { column: /^LoRA/, ours: "bf16", rivals: torch },
  { column: /^prompts together$/, ours: "bf16", rivals: ["mlx-bf16", "llama-F16"] },
  { column: /^prompts together$/, ours: "4-bit", rivals: ["mlx-4bit", "llama-Q4_0"] },
  { column: /^load$/, ours: "bf16", rivals: ofBf16 },
  { column: /^load$/, ours: "4-bit", rivals: of4Bit },
  { column: /^convert$/, ours: "8-bit", rivals: of8Bit },
  { column: /^convert$/, ours: "4-bit", rivals: of4Bit },
];

/** One line for each goal whose sides ran, or an empty text. */
export function goalsTable(model, sides, measured, productResults) {
  const speed = speedColumns(measured);
  const found = [
    ...raced(sides, speedGoals, speed).map(({ what, mine, theirs, goal: { least, isTime } }) => {
      const ratio = isTime ? theirs / mine : mine / theirs;
      return line(what, `${least}×`, `${digits(ratio)}×`, ratio >= least);
    }),
    ...["bf16", "4-bit"].map((form) => together(form, speed)),
    ...["bf16", "f32"].map((form) => underLoad(form, speed)),
    ...raced(sides, memoryGoals, memoryColumns(measured), { lessIsBetter: true }).map(({ what, mine, theirs }) => {
      return line(`peak memory, ${what}`, "at most 1", digits(mine / theirs), mine <= theirs);
    }),
    ...(productResults.length > 0 ? ofProducts(model, productResults) : []),
  ].filter(Boolean);
  if (found.length === 0) return "";
  return markdown([["goal", "at least", "measured", "reached"], ...found]);
}

/** For each goal and each of its columns in which Cygnet and a rival ran: Cygnet's median and the best rival's. */
function raced(sides, goals, columns, { lessIsBetter = false } = {}) {
  return goals.flatMap((goal) =>
    columns
      .filter(({ title }) => goal.column.test(title))
      .flatMap((column) => {
        const medians = goal.rivals.flatMap((name) => medianOf(column, name));
        const [mine] = medianOf(column, nameOf(goal.ours));
        if (!mine || medians.length === 0) return [];
        const [best] = medians.sort((a, b) => (lessIsBetter || goal.isTime ? a.value - b.value : b.value - a.value));
        const { title } = sides.find(({ name }) => name === best.name);
        const what = `${goal.of ? `${goal.of}, ` : ""}${column.title}: Cygnet ${goal.ours} / ${title}${medians.length > 1 ? `, best of ${medians.length}` : ""}`;
        return [{ what, mine: mine.value, theirs: best.value, goal }];
      }),
  );
}

/** Of a side, in a list that is empty where it did not run. */
function medianOf(column, name) {
  const values = column.of(name);
  return values.length > 0 ? [{ name, value: median(values) }] : [];
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

/** A server's tokens a second to the most clients over those to the next fewer. */
function underLoad(form, speed) {
  const [fewer, most] = clientCounts.slice(-2);
  const [less, more] = [fewer, most].map((count) => speed.find(({ title }) => title === `${count} clients`));
  if (!more || more.of(nameOf(form)).length === 0) return undefined;
  const ratio = median(more.of(nameOf(form))) / median(less.of(nameOf(form)));
  return line(`served: Cygnet ${form}, ${most} clients / ${fewer}`, "1×", `${digits(ratio)}×`, ratio >= 1);
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
