/** The tokens of a model as a grammar engine reads them. */
export interface Vocabulary {
  /** How pieces spell text: GPT-2's alphabet of bytes, SentencePiece with `<0xNN>`, or plainly. */
  kind: "byte_level" | "byte_fallback" | "raw";
  /** By id; "" for a token that no text is written with. */
  pieces: readonly string[];
  /** Of the logits, which may be more. */
  size: number;
  endIds: readonly number[];
}

/** Special tokens that stand in an answer's text: marks of tool calls and of channels. */
export const isWrittenSpecial = (token: string): boolean =>
  /tool|\[ARGS\]|\[CALL_ID\]|python|function|channel|message|constrain/i.test(token);
