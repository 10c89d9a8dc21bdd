import { type Field, fieldsOf } from "./protobuf-fields.ts";

// sentencepiece_model.proto of https://github.com/google/sentencepiece, the fields that decide how text is cut.

export const pieceTypes = {
  1: "normal",
  2: "unknown",
  3: "control",
  4: "user-defined",
  5: "unused",
  6: "byte",
} as const;
export type PieceType = (typeof pieceTypes)[keyof typeof pieceTypes];

const algorithms = { 1: "unigram", 2: "bpe", 3: "word", 4: "char" } as const;
export type Algorithm = (typeof algorithms)[keyof typeof algorithms];

/** A piece's id is its place in the list. */
export interface Piece {
  text: string;
  score: number;
  type: PieceType;
}

export interface SentencePieceModel {
  pieces: Piece[];
  algorithm: Algorithm;
  /** Characters outside the vocabulary become byte pieces, <0x41>. */
  byteFallback: boolean;
  /** The blank that marks words stands behind them. */
  blankAsSuffix: boolean;
  /** Ids; -1: there is none. */
  bosId: number;
  eosId: number;
  /** Character replacements, compiled; empty: none. */
  charsmap: Uint8Array;
  /** A blank is put before the text. */
  addDummyPrefix: boolean;
  /** Blanks at both ends go, and runs of them become one. */
  removeExtraBlanks: boolean;
  /** Blanks are spelt ▁. */
  escapeBlanks: boolean;
}

/** @throws Error where the bytes are no SentencePiece model. */
export function readSentencePiece(bytes: Uint8Array): SentencePieceModel {
  const model: SentencePieceModel = {
    pieces: [],
    algorithm: "unigram",
    byteFallback: false,
    blankAsSuffix: false,
    bosId: 1,
    eosId: 2,
    charsmap: new Uint8Array(),
    addDummyPrefix: true,
    removeExtraBlanks: true,
    escapeBlanks: true,
  };
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 1) model.pieces.push(pieceOf(message(value)));
    else if (number === 2) readTrainerSpec(model, message(value));
    else if (number === 3) readNormalizerSpec(model, message(value));
  }
  if (model.pieces.length === 0) throw new RangeError("there are no pieces in it");
  return model;
}

function pieceOf(bytes: Uint8Array): Piece {
  const piece: Piece = { text: "", score: 0, type: "normal" };
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 1) piece.text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(message(value));
    else if (number === 2) piece.score = integer(value);
    else if (number === 3) piece.type = known(pieceTypes, value, "type of piece");
  }
  return piece;
}

function readTrainerSpec(model: SentencePieceModel, bytes: Uint8Array): void {
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 3) model.algorithm = known(algorithms, value, "algorithm");
    else if (number === 24) model.blankAsSuffix = value === 1;
    else if (number === 35) model.byteFallback = value === 1;
    else if (number === 41) model.bosId = integer(value) | 0;
    else if (number === 42) model.eosId = integer(value) | 0;
  }
}

function readNormalizerSpec(model: SentencePieceModel, bytes: Uint8Array): void {
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 2) model.charsmap = message(value);
    else if (number === 3) model.addDummyPrefix = value === 1;
    else if (number === 4) model.removeExtraBlanks = value === 1;
    else if (number === 5) model.escapeBlanks = value === 1;
  }
}

function known<T>(names: Readonly<Record<number, T>>, value: Field["value"], what: string): T {
  const name = names[integer(value)];
  if (name === undefined) throw new RangeError(`it has an unknown ${what}: ${value}`);
  return name;
}

function integer(value: Field["value"]): number {
  if (typeof value !== "number") throw new RangeError("a number is expected where bytes are");
  return value;
}

function message(value: Field["value"]): Uint8Array {
  if (typeof value === "number") throw new RangeError("bytes are expected where a number is");
  return value;
}
