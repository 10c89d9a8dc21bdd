// The tokenizer of the bench's models: every token beyond the bytes is a word of letters with its blank, so that texts of
// exactly so many tokens are easily made and each generated token has text. It ends no text: all servers answer to the last
// token asked for.
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const letters = [..."abcdefghijklmnopqrstuvwxyz"];

/** Writes the tokenizer's files into a model folder that has none. */
export function writeTokenizer(folder, size) {
  const path = join(folder, "tokenizer.json");
  if (existsSync(path)) return;
  const settings = { tokenizer_class: "PreTrainedTokenizerFast", clean_up_tokenization_spaces: false };
  writeFileSync(join(folder, "tokenizer_config.json"), `${JSON.stringify(settings, null, 2)}\n`);
  writeFileSync(`${path}.partial`, JSON.stringify(tokenizer(size)));
  renameSync(`${path}.partial`, path);
}

/** Byte-level BPE whose merges lengthen a word by one letter. */
function tokenizer(size) {
  const bytes = byteAlphabet();
  const merges = [];
  for (const [word, letter] of longerWords("Ġ")) {
    if (bytes.length + merges.length === size) break;
    merges.push([word, letter]);
  }
  const pieces = [...bytes, ...merges.map((merge) => merge.join(""))];
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    ...{ version: "1.0", truncation: null, padding: null, added_tokens: [], normalizer: null },
    ...{ pre_tokenizer: byteLevel, post_processor: null, decoder: byteLevel },
    model: {
      ...{ type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges,
    },
  };
}

/** A word and a letter after it: all words of one letter, then of two, and so on. */
function* longerWords(start) {
  let words = [start];
  while (true) {
    for (const word of words) for (const letter of letters) yield [word, letter];
    words = words.flatMap((word) => letters.map((letter) => word + letter));
  }
}

/** GPT-2's letters for the 256 bytes: those that print as themselves, the others from 256 on. */
function byteAlphabet() {
  const printed = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printed(byte) ? byte : next++));
}
