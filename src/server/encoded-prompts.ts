import type { CompletionRequest } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** Texts or token ids, one prompt or several, as token ids. @throws UserError when an id is outside the vocabulary. */
export async function encodedPrompts(prompt: CompletionRequest["prompt"], tokenizer: Tokenizer): Promise<number[][]> {
  if (typeof prompt === "string") return [await tokenizer.encode(prompt)];
  const all = await Promise.all(
    prompt.map((each) => (typeof each === "number" ? [] : typeof each === "string" ? tokenizer.encode(each) : each)),
  );
  const ids = prompt.filter((each) => typeof each === "number");
  const prompts = ids.length > 0 ? [ids] : all;
  for (const id of prompts.flat()) {
    if (id >= tokenizer.vocabSize) throw new UserError("server/id-outside", { id, vocabulary: tokenizer.vocabSize });
  }
  return prompts.length > 0 ? prompts : [[]];
}
