import { UserError } from "../protocol/user-error.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";

type Tokenized = { name: string } & ({ folder: string } | { tokenizer: Tokenizer });

/** @throws UserError unless what a draft guesses means the same to the model. */
export async function requireSameTokens(model: Tokenized, draft: Tokenized): Promise<void> {
  const [a, b] = await Promise.all([model, draft].map(encodedProbe));
  if (a?.join() !== b?.join()) throw new UserError("generate/draft-tokens", { draft: draft.name, model: model.name });
}

async function encodedProbe(model: Tokenized): Promise<number[]> {
  const tokenizer = "folder" in model ? await Tokenizer.load(model.folder) : model.tokenizer;
  return await tokenizer.encode("The quick brown fox, 12.5 € — 你好，世界 <|im_end|>\n");
}
