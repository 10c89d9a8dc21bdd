import { UserError } from "../protocol/user-error.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Api } from "./endpoint.ts";
import type { RandomNumbers } from "./random-numbers.ts";
import type { Vocabulary } from "./random-prompts.ts";

const mostWords = 2000;
const mostTries = 20_000;

/** The words of a tokenizer, counted as a server with this tokenizer and its chat template counts them. */
export function tokenizerVocabulary(
  tokenizer: Tokenizer,
  api: Api,
  templateVariables: Record<string, unknown>,
  random: RandomNumbers,
): Vocabulary {
  const text = (words: readonly string[]) => words.join("");
  const options = {
    addGenerationPrompt: true,
    templateVariables,
    ...(typeof templateVariables.enable_thinking === "boolean" && {
      enableThinking: templateVariables.enable_thinking,
    }),
  };
  return {
    words: wordsOf(tokenizer, random),
    text,
    async count(words) {
      const content = text(words);
      const ids =
        api === "chat"
          ? await tokenizer.encodeChat([{ role: "user", content }], options)
          : await tokenizer.encode(content);
      return ids.length;
    },
  };
}

/** Tokens that are a word with its blank; where a vocabulary has none (it is Chinese, say), tokens of letters. */
function wordsOf(tokenizer: Tokenizer, random: RandomNumbers): string[] {
  const withBlank = new Set<string>();
  const letters = new Set<string>();
  const { vocabSize } = tokenizer;
  for (let i = 0; i < Math.min(mostTries, vocabSize) && withBlank.size < mostWords; i++) {
    const word = tokenizer.tokenText(vocabSize > mostTries ? random.below(vocabSize) : i);
    if (/^ \p{L}+$/u.test(word)) withBlank.add(word);
    else if (/^\p{L}+$/u.test(word)) letters.add(word);
  }
  const words = [...(withBlank.size > 0 ? withBlank : letters)];
  if (words.length === 0) throw new Error("the tokenizer has no token of letters");
  return words;
}

const commonWords = (
  "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not what all were we " +
  "when your can said there use an each which she do how their if will up other about out many then them these so some her would make " +
  "like him into time has look two more write go see number no way could people my than first water been call who its now find"
).split(" ");
const opening = "a";
const fewestWords = 4;

/**
 * Words that are one token each on a server whose tokenizer is not at hand: those for which its own count says so.
 * @param ask how many tokens the server counts in a prompt
 */
export async function serverVocabulary(ask: (text: string) => Promise<number>): Promise<Vocabulary> {
  const text = (words: readonly string[]) => [opening, ...words].join(" ");
  const base = await ask(text([]));
  const single = async (words: readonly string[]): Promise<string[]> => {
    if ((await ask(text(words))) === base + words.length) return [...words];
    if (words.length === 1) return [];
    const middle = Math.ceil(words.length / 2);
    return [...(await single(words.slice(0, middle))), ...(await single(words.slice(middle)))];
  };
  const words = await single(commonWords);
  if (words.length < fewestWords) throw new UserError("bench/no-words", {});
  return { words, text, count: async (chosen) => base + chosen.length };
}
