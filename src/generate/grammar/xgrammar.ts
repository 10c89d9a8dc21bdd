import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compileFunction } from "node:vm";
import type * as XGrammar from "@mlc-ai/web-xgrammar";

/** One WebAssembly instance of XGrammar. Dong et al. 2024, arXiv:2411.15100. */
export interface XGrammarInstance {
  library: Pick<typeof XGrammar, "TokenizerInfo" | "GrammarCompiler" | "GrammarMatcher">;
  /** What it wrote to the console since this was asked last: why it aborted. */
  said(): string;
}

/**
 * Loads the library anew: what it cannot compile aborts the instance, and it writes reasons to the console. Its file is a script
 * for browsers that cannot be imported (its package says module, and it is none). Told of no `process` it imports nothing.
 */
export function loadXGrammar(): XGrammarInstance {
  const path = createRequire(import.meta.url).resolve("@mlc-ai/web-xgrammar");
  const names = ["exports", "module", "process", "location", "console"];
  const run = compileFunction(readFileSync(path, "utf8"), names, { filename: path });
  const exports: Partial<typeof XGrammar> = {};
  const lines: unknown[] = [];
  const write = (...parts: unknown[]): void => void lines.push(...parts);
  run(exports, { exports }, undefined, { href: "file:///" }, { log: write, warn: write, error: write });
  const { TokenizerInfo, GrammarCompiler, GrammarMatcher } = exports;
  if (!TokenizerInfo || !GrammarCompiler || !GrammarMatcher) throw new Error("XGrammar has other exports than it had");
  return {
    library: { TokenizerInfo, GrammarCompiler, GrammarMatcher },
    said: () => lines.splice(0).join("\n"),
  };
}
