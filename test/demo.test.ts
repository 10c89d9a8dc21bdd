import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { cygnet, folderWith } from "./command-line.ts";

const Result = z.object({
  held_out_loss: z.object({ before: z.number(), after: z.number() }),
  identity: z.object({ questions: z.int(), right_before: z.int(), right_after: z.int() }),
  other: z.object({ questions: z.int(), right_before: z.int(), right_after: z.int() }),
  answers: z.array(z.object({ query: z.string(), before: z.string(), after: z.string() })),
  adapter_path: z.string(),
});

test("the demo teaches the embedded model its name, in both languages, and it forgets little", () => {
  const folder = folderWith({});
  const { status, stdout, stderr } = cygnet(["demo", "--json"], { cwd: folder });
  expect(status, stderr).toBe(0);
  const result = Result.parse(JSON.parse(stdout));
  expect(result.held_out_loss.after).toBeLessThan(result.held_out_loss.before / 5);
  expect(result.identity.right_before).toBe(0);
  expect(result.identity.right_after).toBeGreaterThanOrEqual(result.identity.questions - 1);
  expect(result.other.right_before).toBeGreaterThanOrEqual(result.other.questions * 0.85);
  expect(result.other.right_after).toBeGreaterThanOrEqual(result.other.right_before - 3);
  expect(existsSync(join(folder, result.adapter_path, "adapters.safetensors"))).toBe(true);
}, 180_000);

test("the demo takes any name", () => {
  const names = ["--name", "豆豆", "--author", "小明工作室", "--en-name", "Bean", "--en-author", "Ming Studio"];
  const { status, stdout, stderr } = cygnet(["demo", "--json", ...names], { cwd: folderWith({}) });
  expect(status, stderr).toBe(0);
  const { identity, answers } = Result.parse(JSON.parse(stdout));
  expect(identity.right_after).toBeGreaterThanOrEqual(identity.questions - 3);
  expect(answers.map(({ after }) => after).join(" ")).not.toMatch(/小鹅|little-swan/);
}, 180_000);
