import type { CompiledGrammar, GrammarCompiler } from "@mlc-ai/web-xgrammar";
import { UserError } from "../../protocol/user-error.ts";
import type { Vocabulary } from "../../tokenizer/vocabulary.ts";
import type { Grammar } from "./schema-grammar.ts";
import { GrammarConstraint, type TokenConstraint } from "./token-constraint.ts";
import { loadXGrammar, type XGrammarInstance } from "./xgrammar.ts";

interface Compiler {
  xgrammar: XGrammarInstance;
  compiler: GrammarCompiler;
}

interface Compiled {
  xgrammar: XGrammarInstance;
  grammar: CompiledGrammar;
}

/** Grammars that are kept for further texts. */
const mostKept = 64;

/** What grammars mean for the tokens of one vocabulary. Each grammar is compiled once, as long as it is kept. */
export class TokenGrammars {
  readonly #vocabulary: Vocabulary;
  #compiler: Promise<Compiler> | undefined;
  /** Least recently used first. */
  readonly #compiled = new Map<Grammar, Promise<Compiled>>();

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** For one text. @throws UserError when the grammar cannot be compiled. */
  async constraint(grammar: Grammar): Promise<TokenConstraint> {
    const compiled = this.#compiled.get(grammar) ?? this.#compile(grammar);
    this.#compiled.delete(grammar);
    this.#compiled.set(grammar, compiled);
    try {
      const { xgrammar, grammar: found } = await compiled;
      const matcher = await xgrammar.library.GrammarMatcher.createGrammarMatcher(found);
      this.#forgetOldest();
      return new GrammarConstraint(matcher);
    } catch (error) {
      this.#compiled.delete(grammar);
      throw error;
    }
  }

  dispose(): void {
    for (const grammar of [...this.#compiled.keys()]) this.#forget(grammar);
    const compiler = this.#compiler;
    this.#compiler = undefined;
    compiler?.then((each) => each.compiler.dispose()).catch(() => {});
  }

  async #compile(grammar: Grammar): Promise<Compiled> {
    this.#compiler ??= newCompiler(this.#vocabulary);
    const { xgrammar, compiler } = await this.#compiler;
    try {
      return { xgrammar, grammar: await compiler.compileGrammar(grammar) };
    } catch {
      this.#compiler = undefined; // the instance has aborted; what was compiled in it still works
      throw new UserError("grammar/refused", { reason: reasonOf(xgrammar.said()) });
    }
  }

  #forgetOldest(): void {
    const [oldest] = this.#compiled.keys();
    if (oldest !== undefined && this.#compiled.size > mostKept) this.#forget(oldest);
  }

  #forget(grammar: Grammar): void {
    const compiled = this.#compiled.get(grammar);
    this.#compiled.delete(grammar);
    compiled?.then((each) => each.grammar.dispose()).catch(() => {});
  }
}

async function newCompiler({ kind, pieces, size, endIds }: Vocabulary): Promise<Compiler> {
  const xgrammar = loadXGrammar();
  const { TokenizerInfo, GrammarCompiler } = xgrammar.library;
  const info = await TokenizerInfo.createTokenizerInfo([...pieces], kind, false, size, [...endIds]);
  return { xgrammar, compiler: await GrammarCompiler.createGrammarCompiler(info, false) };
}

function reasonOf(said: string): string {
  return [...said.matchAll(/\[FATAL\].*\.cc:\d+: (.*)/g)].at(-1)?.[1] ?? said;
}
