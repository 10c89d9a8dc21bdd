import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { fieldText } from "../protocol/fields.ts";
import { setLanguage } from "../protocol/language.ts";
import { UserError } from "../protocol/user-error.ts";
import { command } from "./command.ts";
import { Ui } from "./ui.ts";
import { jsonFlag } from "./values.ts";

const Config = z.object({
  inputs: z.array(z.string()).min(1).register(fieldText, { en: "files to read", zh: "要读取的文件" }),
  num_layers: z.int().default(16).register(fieldText, { en: "blocks to adapt", zh: "要适配的层数", short: "n" }),
  temp: z.number().min(0).default(0),
  kind: z.enum(["lora", "full"]).default("lora"),
  train: z.boolean().default(false),
  cache: z.boolean().default(true),
  stop: z.array(z.string()).default([]),
  bias: jsonFlag(z.record(z.string(), z.number())).optional(),
  nested: z.object({ rank: z.int() }).default({ rank: 8 }),
});

async function runWith(...args: string[]): Promise<unknown> {
  let seen: unknown;
  const show = command({
    config: Config,
    positional: "inputs",
    async run(config) {
      seen = config;
    },
  });
  await show.execute("show", args, new Ui(false));
  return seen;
}

afterEach(() => setLanguage("en"));

test("flags carry the schema's types and defaults, negative numbers and repeated values included", async () => {
  const args = ["a", "b", "--num-layers", "-1", "--temp=0.5", "--train", "--no-cache", "--stop", "x", "y"];
  expect(await runWith(...args, "--bias", '{"5": -100}')).toEqual({
    inputs: ["a", "b"],
    num_layers: -1,
    temp: 0.5,
    kind: "lora",
    train: true,
    cache: false,
    stop: ["x", "y"],
    bias: { "5": -100 },
    nested: { rank: 8 },
  });
});

test("an unknown flag is answered with the nearest known one", async () => {
  await expect(runWith("a", "--num-layer", "3")).rejects.toThrow("Did you mean --num-layers?");
});

test("every wrong value is named in one error, with what is possible", async () => {
  const failure = runWith("a", "--num-layers", "2.5", "--temp", "-1", "--kind", "dora", "--bias", "{");
  await expect(failure).rejects.toThrow(UserError);
  await expect(failure).rejects.toThrow(
    '--num-layers is 2.5: expected a whole number\n--temp is -1: expected a number, at least 0\n--kind is "dora": expected lora or full\n--bias is "{"',
  );
});

test("a plain argument is answered with the flag that it is likely the value of", async () => {
  const chat = command({
    config: z.object({
      model: z.string().register(fieldText, { en: "a model", zh: "模型" }),
      prompt: z.string().optional(),
    }),
    run: async () => {},
  });
  const failure = (...args: string[]) => expect(chat.execute("chat", args, new Ui(false))).rejects;
  await failure("org/m").toThrow("Did you mean --model org/m?");
  await failure("--model", "m", "Who are you?").toThrow('Did you mean --prompt "Who are you?"?');
  await failure("--model", "m", "--prompt", "who", "are").toThrow("needs quotes");
  await failure().toThrow('--model is required: a model. "cygnet models list"');
});

test("a flag does not swallow the next flag as its value", async () => {
  await expect(runWith("a", "--kind", "--train")).rejects.toThrow("--kind needs a value");
  await expect(runWith("a", "--kind")).rejects.toThrow("--kind needs a value");
});

test("a missing positional argument is an error that names it", async () => {
  await expect(runWith()).rejects.toThrow("cygnet show needs INPUTS");
});

test("help shows descriptions, choices and defaults in the user's language and runs nothing", async () => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  setLanguage("zh");
  expect(await runWith("--help")).toBeUndefined();
  const help = String(write.mock.calls[0]?.[0]);
  write.mockRestore();
  expect(help).toContain("-n, --num-layers <LAYERS>");
  expect(help).toContain("要适配的层数（默认：16）");
  expect(help).toContain("（lora、full）");
  expect(help).toContain("--no-cache");
  expect(help).not.toContain("--nested");
});
