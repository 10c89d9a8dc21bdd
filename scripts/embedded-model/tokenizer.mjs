// Trains the embedded model's byte-level BPE tokenizer and writes its model folder, all but the weights:
//
//   node scripts/embedded-model/tokenizer.mjs CORPUS_FOLDER MODEL_FOLDER [--vocab-size 4096]
//
// tokenizer.json, tokenizer_config.json, chat_template.jinja, config.json, generation_config.json.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import tokenizers from "tokenizers";

const SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
// Qwen's split: contractions, words with the space before them, single digits, punctuation, line ends.
const SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const SEPARATOR = "\u0001";

/** Chinese is written without spaces; cut into words, so that no token holds half a sentence of ours. */
function separateWords(text) {
  const segmenter = new Intl.Segmenter("zh", { granularity: "word" });
  return text.replace(/\p{Script=Han}+/gu, (run) => {
    const words = [...segmenter.segment(run)].map(({ segment }) => segment);
    return (
      SEPARATOR + words.map((word) => (word.length > 2 ? [...word].join(SEPARATOR) : word)).join(SEPARATOR) + SEPARATOR
    );
  });
}

function trainingText(corpus) {
  const rows = readFileSync(join(corpus, "train.jsonl"), "utf8").trim().split("\n");
  const contents = rows.flatMap((row) => JSON.parse(row).messages.flatMap(({ role, content }) => [role, content]));
  return contents.map(separateWords).join(`${SEPARATOR}\n${SEPARATOR}`);
}

/** Merges in the order in which the library learnt them, as pairs of byte-level strings. */
function learnMerges(text) {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-tokenizer-"));
  const empty = tokenizerJson([], 0);
  const separated = { type: "Split", pattern: { String: SEPARATOR }, behavior: "Removed", invert: false };
  empty.pre_tokenizer.pretokenizers.unshift(separated);
  const tokenizer = tokenizers.Tokenizer.fromString(JSON.stringify(empty));
  writeFileSync(join(folder, "text.txt"), text);
  tokenizer.train([join(folder, "text.txt")]);
  tokenizer.save(join(folder, "trained.json"));
  const { merges } = JSON.parse(readFileSync(join(folder, "trained.json"), "utf8")).model;
  rmSync(folder, { recursive: true });
  return merges;
}

/** The library's default trainer knows no vocabulary size: its merges are cut to the size wanted. */
function tokenizerJson(merges, vocabSize) {
  const bytes = tokenizers.byteLevelAlphabet().sort();
  const kept = [];
  const vocab = new Map(bytes.map((byte, id) => [byte, id]));
  for (const [left, right] of merges) {
    if (vocab.size + SPECIAL.length >= vocabSize) break;
    kept.push([left, right]);
    if (!vocab.has(left + right)) vocab.set(left + right, vocab.size);
  }
  const special = SPECIAL.map((content, i) => ({
    id: vocab.size + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "Split", pattern: { Regex: SPLIT }, behavior: "Isolated", invert: false }, byteLevel],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocab),
      merges: kept,
    },
  };
}

function modelConfig(tokenizer) {
  const id = (token) => tokenizer.added_tokens.find(({ content }) => content === token).id;
  const size = id("<|im_end|>") + 1;
  return {
    architectures: ["Qwen3ForCausalLM"],
    attention_bias: false,
    bos_token_id: id("<|endoftext|>"),
    eos_token_id: id("<|im_end|>"),
    head_dim: 32,
    hidden_act: "silu",
    hidden_size: 192,
    initializer_range: 0.02,
    intermediate_size: 512,
    max_position_embeddings: 1024,
    model_type: "qwen3",
    num_attention_heads: 6,
    num_hidden_layers: 6,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    use_cache: true,
    vocab_size: Math.ceil(size / 64) * 64,
  };
}

function writeModelFolder(folder, tokenizer) {
  const config = modelConfig(tokenizer);
  const json = (name, value, indent = 2) =>
    writeFileSync(join(folder, name), `${JSON.stringify(value, null, indent)}\n`);
  mkdirSync(folder, { recursive: true });
  json("tokenizer.json", tokenizer, 0);
  json("tokenizer_config.json", {
    add_bos_token: false,
    bos_token: null,
    clean_up_tokenization_spaces: false,
    eos_token: "<|im_end|>",
    model_max_length: config.max_position_embeddings,
    pad_token: "<|endoftext|>",
    tokenizer_class: "PreTrainedTokenizerFast",
  });
  json("config.json", config);
  json("generation_config.json", {
    bos_token_id: config.bos_token_id,
    eos_token_id: [config.eos_token_id, config.bos_token_id],
    pad_token_id: config.bos_token_id,
  });
  copyFileSync(new URL("chat_template.jinja", import.meta.url), join(folder, "chat_template.jinja"));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "vocab-size": { type: "string", default: "4096" } },
});
const [corpus, folder] = positionals;
if (corpus === undefined || folder === undefined)
  throw new Error("usage: tokenizer.mjs CORPUS_FOLDER MODEL_FOLDER [--vocab-size N]");
writeModelFolder(folder, tokenizerJson(learnMerges(trainingText(corpus)), Number(values["vocab-size"])));
