import { UserError } from "../protocol/user-error.ts";
import type { Piece, SentencePieceModel } from "./sentencepiece-model.ts";
import {
  type AddedToken,
  addedToken,
  type ConvertedTokenizer,
  mergedTokens,
  type TokenizerSettings,
  templateProcessor,
} from "./tokenizer-json.ts";

// Kudo & Richardson 2018, arXiv:1808.06226, and its `normalizer.cc`, `bpe_model.cc`, `unigram_model.cc`.

/** The mark that SentencePiece spells blanks with. */
const mark = "\u2581";

/**
 * A SentencePiece model as a `tokenizer.json` that cuts text as SentencePiece does, and besides knows special tokens in text.
 * @throws UserError for the algorithms and options that no tokenizer.json can express.
 */
export function fromSentencePiece(
  path: string,
  model: SentencePieceModel,
  settings: TokenizerSettings,
): ConvertedTokenizer {
  if (model.algorithm === "word" || model.algorithm === "char") {
    throw new UserError("tokenizer/sentencepiece-kind", { path, kind: model.algorithm });
  }
  if (model.blankAsSuffix) throw new UserError("tokenizer/sentencepiece-kind", { path, kind: "whitespace suffix" });
  const added = mergedTokens(ownTokens(model.pieces), settings);
  const named = { ...namedTokens(model), ...settings.specialTokens };
  const byName = (name: string) => added.filter((token) => token.content === named[name]);
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: normalizerOf(model, settings),
    pre_tokenizer: hasFirstPrefix(model, settings)
      ? { type: "Metaspace", replacement: mark, prepend_scheme: "first", split: false }
      : null,
    post_processor: templateProcessor(
      (settings.addBosToken ?? true) ? byName("bos_token") : [],
      settings.addEosToken ? byName("eos_token") : [],
    ),
    decoder: decoderOf(model),
    model: model.algorithm === "bpe" ? bpeOf(model) : unigramOf(model),
  };
  return { json: JSON.stringify(json), specialTokens: namedTokens(model) };
}

/** Control symbols are special; what users defined is cut out of the text before all else. */
function ownTokens(pieces: readonly Piece[]): AddedToken[] {
  return pieces.flatMap(({ text, type }, id) => {
    if (type === "control" || type === "unknown") return [addedToken(id, text)];
    return type === "user-defined" ? [addedToken(id, text, { special: false, normalized: true })] : [];
  });
}

function namedTokens({ pieces, bosId, eosId }: SentencePieceModel): Record<string, string> {
  const names: Record<string, string> = {};
  const name = (key: string, piece: Piece | undefined) => {
    if (piece) names[key] = piece.text;
  };
  name(
    "unk_token",
    pieces.find(({ type }) => type === "unknown"),
  );
  name("bos_token", pieces[bosId]?.type === "control" ? pieces[bosId] : undefined);
  name("eos_token", pieces[eosId]?.type === "control" ? pieces[eosId] : undefined);
  return names;
}

function hasFirstPrefix({ addDummyPrefix, escapeBlanks }: SentencePieceModel, { legacy }: TokenizerSettings): boolean {
  return addDummyPrefix && escapeBlanks && legacy === false;
}

function normalizerOf(model: SentencePieceModel, settings: TokenizerSettings): object {
  const { charsmap, removeExtraBlanks, addDummyPrefix, escapeBlanks } = model;
  const replace = (pattern: object, content: string) => ({ type: "Replace", pattern, content });
  const steps: object[] = [];
  if (charsmap.length > 0) {
    steps.push({ type: "Precompiled", precompiled_charsmap: Buffer.from(charsmap).toString("base64") });
  }
  if (removeExtraBlanks) {
    steps.push(replace({ Regex: `\\A +|[ ${mark}]+\\z` }, ""), replace({ Regex: " {2,}" }, " "));
  }
  if (addDummyPrefix && !hasFirstPrefix(model, settings)) steps.push(prefixOf(model));
  if (escapeBlanks) steps.push(replace({ String: " " }, mark));
  return { type: "Sequence", normalizers: steps };
}

/** The blank before a text. The library normalizes the user-defined symbols too, which stay as they are. */
function prefixOf({ pieces }: SentencePieceModel): object {
  const defined = pieces.filter(({ type }) => type === "user-defined").map(({ text }) => escaped(text));
  if (defined.length === 0) return { type: "Prepend", prepend: " " };
  return { type: "Replace", pattern: { Regex: `\\A(?!(?:${defined.join("|")})?\\z)` }, content: " " };
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}

function decoderOf({ addDummyPrefix, byteFallback }: SentencePieceModel): object {
  const decoders: object[] = [{ type: "Replace", pattern: { String: mark }, content: " " }];
  if (byteFallback) decoders.push({ type: "ByteFallback" });
  decoders.push({ type: "Fuse" });
  if (addDummyPrefix) decoders.push({ type: "Strip", content: " ", start: 1, stop: 0 });
  return { type: "Sequence", decoders };
}

function unigramOf({ pieces, byteFallback }: SentencePieceModel): object {
  return {
    type: "Unigram",
    unk_id: pieces.findIndex(({ type }) => type === "unknown"),
    vocab: pieces.map(({ text, score }) => [text, score]),
    byte_fallback: byteFallback,
  };
}

function bpeOf({ pieces, byteFallback }: SentencePieceModel): object {
  return {
    type: "BPE",
    dropout: null,
    unk_token: pieces.find(({ type }) => type === "unknown")?.text ?? null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
    merges: mergesOf(pieces),
  };
}

/** SentencePiece joins any two neighbours that give a piece, best score first: every way to halve a piece is a merge. */
function mergesOf(pieces: readonly Piece[]): [string, string][] {
  const mergeable = pieces.filter(({ type }) => type === "normal");
  const known = new Set(mergeable.map(({ text }) => text));
  return mergeable
    .toSorted((a, b) => b.score - a.score)
    .flatMap(({ text }) => halves(text).filter(([left, right]) => known.has(left) && known.has(right)));
}

function halves(text: string): [string, string][] {
  const characters = [...text];
  return characters.slice(1).map((_, i) => [characters.slice(0, i + 1).join(""), characters.slice(i + 1).join("")]);
}
