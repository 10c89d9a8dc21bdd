// The parts of a `tokenizer.json` that converted vocabularies share. https://github.com/huggingface/tokenizers

/** An entry of `added_tokens`. */
export interface AddedToken {
  id: number;
  content: string;
  special: boolean;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
}

/** What other files of the folder say about how text becomes tokens. */
export interface TokenizerSettings {
  /** By id: `added_tokens_decoder` of tokenizer_config.json, and added_tokens.json. */
  addedTokens: ReadonlyMap<number, AddedToken>;
  addBosToken: boolean | undefined;
  addEosToken: boolean | undefined;
  /** False: only the very first word gets SentencePiece's blank, not one behind each special token. */
  legacy: boolean | undefined;
  /** `bos_token` and so on, by name. */
  specialTokens: Readonly<Record<string, string>>;
}

export interface ConvertedTokenizer {
  /** The text of a `tokenizer.json`. */
  json: string;
  /** Special tokens that the vocabulary itself names. */
  specialTokens: Record<string, string>;
}

export function addedToken(id: number, content: string, { special = true, normalized = false } = {}): AddedToken {
  return { id, content, special, single_word: false, lstrip: false, rstrip: false, normalized };
}

/** Tokens by id, the folder's own before those of the vocabulary. */
export function mergedTokens(own: readonly AddedToken[], { addedTokens }: TokenizerSettings): AddedToken[] {
  const merged = new Map(own.map((token) => [token.id, token]));
  for (const [id, token] of addedTokens) merged.set(id, token);
  return [...merged.values()].sort((a, b) => a.id - b.id);
}

/** Puts tokens around a text. */
export function templateProcessor(before: readonly AddedToken[], after: readonly AddedToken[]): object {
  const around = [...before, ...after];
  const special = ({ content }: AddedToken) => ({ SpecialToken: { id: content, type_id: 0 } });
  const single = [...before.map(special), { Sequence: { id: "A", type_id: 0 } }, ...after.map(special)];
  return {
    type: "TemplateProcessing",
    single,
    pair: [...single, { Sequence: { id: "B", type_id: 1 } }],
    special_tokens: Object.fromEntries(
      around.map(({ id, content }) => [content, { id: content, ids: [id], tokens: [content] }]),
    ),
  };
}
