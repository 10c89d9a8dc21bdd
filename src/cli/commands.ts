import type { Code } from "../protocol/messages/catalogue.ts";
import type { Command } from "./command.ts";

export interface CommandEntry {
  /** What is typed after `cygnet`; two words for a command of a group. */
  name: string;
  /** mlx-lm's names for it. */
  aliases?: readonly string[];
  summary: Extract<Code, `command/${string}`>;
  load: () => Promise<Command>;
}

/** Every command, in the order of help. Loading happens on use: help and mistakes cost no tensor library. */
export const commands: readonly CommandEntry[] = [
  { name: "doctor", summary: "command/doctor", load: async () => (await import("./commands/doctor.ts")).doctor },
  {
    name: "models recommend",
    summary: "command/models-recommend",
    load: async () => (await import("./commands/models-recommend.ts")).modelsRecommend,
  },
  {
    name: "models info",
    summary: "command/models-info",
    load: async () => (await import("./commands/models-info.ts")).modelsInfo,
  },
  {
    name: "models list",
    summary: "command/models-list",
    load: async () => (await import("./commands/models-list.ts")).modelsList,
  },
  {
    name: "models remove",
    summary: "command/models-remove",
    load: async () => (await import("./commands/models-remove.ts")).modelsRemove,
  },
  { name: "pull", summary: "command/pull", load: async () => (await import("./commands/pull.ts")).pull },
  {
    name: "data convert",
    summary: "command/data-convert",
    load: async () => (await import("./commands/data-convert.ts")).dataConvert,
  },
  {
    name: "train",
    aliases: ["lora"],
    summary: "command/train",
    load: async () => (await import("./commands/train.ts")).train,
  },
  {
    name: "generate",
    summary: "command/generate",
    load: async () => (await import("./commands/generate.ts")).generate,
  },
  { name: "chat", summary: "command/chat", load: async () => (await import("./commands/chat.ts")).chat },
  { name: "compare", summary: "command/compare", load: async () => (await import("./commands/compare.ts")).compare },
  {
    name: "serve",
    aliases: ["server"],
    summary: "command/serve",
    load: async () => (await import("./commands/serve.ts")).serve,
  },
  {
    name: "bench serve",
    summary: "command/bench-serve",
    load: async () => (await import("./commands/bench-serve.ts")).benchServe,
  },
  {
    name: "bench compare",
    summary: "command/bench-compare",
    load: async () => (await import("./commands/bench-compare.ts")).benchCompare,
  },
  { name: "fuse", summary: "command/fuse", load: async () => (await import("./commands/fuse.ts")).fuse },
  { name: "convert", summary: "command/convert", load: async () => (await import("./commands/convert.ts")).convert },
  {
    name: "export gguf",
    summary: "command/export-gguf",
    load: async () => (await import("./commands/export-gguf.ts")).exportGguf,
  },
  {
    name: "export peft",
    summary: "command/export-peft",
    load: async () => (await import("./commands/export-peft.ts")).exportPeft,
  },
  {
    name: "eval perplexity",
    summary: "command/eval-perplexity",
    load: async () => (await import("./commands/eval-perplexity.ts")).evalPerplexity,
  },
  { name: "demo", summary: "command/demo", load: async () => (await import("./commands/demo.ts")).demo },
];
