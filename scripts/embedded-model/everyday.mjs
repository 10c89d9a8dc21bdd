// Writes assets/identity/everyday.jsonl: ordinary questions of every kind, trained along with a new identity so that
// the rest is not forgotten. None of them is in other-questions.jsonl, which measures that.
//
//   node scripts/embedded-model/everyday.mjs

import { readFileSync, writeFileSync } from "node:fs";
import { phrase } from "./phrasing.mjs";
import { seededRandom } from "./random.mjs";
import { identity, sources } from "./sources.mjs";

const ROWS_EACH = 3;
const folder = new URL("../../assets/identity/", import.meta.url);
const plainText = (text) => text.toLowerCase().replace(/[\s\p{P}\p{S}]/gu, "");

const random = seededRandom(7);
const measured = readFileSync(new URL("other-questions.jsonl", folder), "utf8").trim().split("\n");
const taken = new Set(measured.map((line) => plainText(JSON.parse(line).query)));
const rows = [];
for (const tag of ["zh", "en"]) {
  for (const source of sources.filter(({ draw, language }) => draw !== identity && (language ?? tag) === tag)) {
    for (let made = 0; made < ROWS_EACH; ) {
      const [question, response] = source.draw(random, tag);
      // A question that names the model belongs to its identity.
      if (taken.has(plainText(question)) || /cygnet|天鹅/i.test(question + response)) continue;
      taken.add(plainText(question));
      rows.push({ query: phrase(random, question, tag, true), response, tag });
      made++;
    }
  }
}
const lines = rows.map((row) => JSON.stringify(row));
writeFileSync(new URL("everyday.jsonl", folder), `${lines.join("\n")}\n`);
console.error(`everyday.jsonl: ${rows.length} rows`);
