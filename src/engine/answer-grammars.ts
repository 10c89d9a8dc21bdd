import { AfterThoughts, type TokenConstraint } from "../generate/grammar/token-constraint.ts";
import { TokenGrammars } from "../generate/grammar/token-grammars.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { GenerateRequest } from "./messages.ts";

interface Loaded {
  tokenizer: Tokenizer;
  grammars: TokenGrammars;
}

/** Grammars for the answers of one model; its tokenizer is read when the first comes. */
export class AnswerGrammars {
  readonly #folder: string;
  readonly #vocabularySize: () => number;
  #loaded: Promise<Loaded> | undefined;

  constructor(folder: string, vocabularySize: () => number) {
    this.#folder = folder;
    this.#vocabularySize = vocabularySize;
  }

  /** @throws UserError when the grammar cannot be compiled. */
  async constraint({ text, thoughts }: NonNullable<GenerateRequest["grammar"]>): Promise<TokenConstraint> {
    this.#loaded ??= this.#load();
    const { tokenizer, grammars } = await this.#loaded;
    const constraint = await grammars.constraint(text);
    const marks = tokenizer.thoughtMarks;
    return thoughts && marks ? new AfterThoughts(constraint, marks, thoughts === "inside") : constraint;
  }

  dispose(): void {
    void this.#loaded?.then(({ grammars }) => grammars.dispose());
  }

  async #load(): Promise<Loaded> {
    const tokenizer = await Tokenizer.load(this.#folder);
    return { tokenizer, grammars: new TokenGrammars(tokenizer.vocabulary(this.#vocabularySize())) };
  }
}
