import { say } from "./language.ts";
import { type Code, catalogue, type Facts, type Text } from "./messages/catalogue.ts";

/**
 * Something the user can mend: it says what was found, what is possible and what to do.
 * The command line prints it without a stack and ends with status 2; anything else that is thrown is a bug.
 */
export class UserError<C extends Code = Code> extends Error {
  override readonly name = "UserError";

  constructor(
    readonly code: C,
    readonly facts: Facts[C],
  ) {
    super(say(code, facts));
  }

  /** What it says, in every language: for another process. */
  get text(): Text {
    return catalogue[this.code](this.facts);
  }
}
