import { bytesOfPiece } from "./byte-alphabet.ts";

/** Turns the tokens of one sequence into text. */
export interface TokenDecoder {
  /** The token's text in the vocabulary; null for an id that has none. */
  piece(id: number): string | null;
  /** The text of whole pieces, as the tokenizer's own decoder makes it. */
  decode(pieces: string[]): string;
  /** Pieces spell bytes, one character each (GPT-2's alphabet). */
  readonly byteLevel: boolean;
}

/**
 * Text from token ids, one at a time: each call gives the text that no later token can change. All texts joined equal the
 * tokenizer's decoding of the whole sequence. The work per token does not grow with the length of the sequence.
 */
export class StreamingDetokenizer {
  readonly #decoder: TokenDecoder;
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Pieces that are not yet certain: a run of byte tokens is decided as a whole by the token after it. */
  #pending: string[] = [];
  #started = false;
  #text = "";

  constructor(decoder: TokenDecoder) {
    this.#decoder = decoder;
  }

  /** Everything that `add` and `finish` have given. */
  get text(): string {
    return this.#text;
  }

  /** The new text that is certain; "" while a character is incomplete. */
  add(id: number): string {
    const piece = this.#decoder.piece(id);
    if (piece === null) return "";
    if (this.#decoder.byteLevel) return this.#give(this.#utf8.decode(bytesOfPiece(piece), { stream: true }));
    this.#pending.push(piece);
    return isByte(piece) ? "" : this.#give(this.#flush(false));
  }

  /** What was held back, at the end of the sequence. An incomplete character becomes U+FFFD. */
  finish(): string {
    return this.#give(this.#decoder.byteLevel ? this.#utf8.decode() : this.#flush(true));
  }

  #give(text: string): string {
    this.#text += text;
    return text;
  }

  #flush(isEnd: boolean): string {
    if (this.#pending.length === 0) return "";
    // Some decoders take a blank off the first piece: in the middle of a text another piece stands first.
    const anchor = this.#started ? ["x"] : [];
    const text = this.#decoder.decode([...anchor, ...this.#pending]).slice(anchor.length);
    // Decoders that only partly spell bytes write an incomplete character so.
    if (text.endsWith("\ufffd") && !isEnd) return "";
    this.#pending = [];
    this.#started = true;
    return text;
  }
}

function isByte(piece: string): boolean {
  return /^<0x[0-9A-F]{2}>$/i.test(piece);
}
