"""Writes test/fixtures/tokenizers/: small vocabularies, and how the library they are made for cuts texts with them.

Run by hand, never by `npm test`:

    python3 -m venv v && v/bin/pip install sentencepiece==0.2.1 tokenizers==0.23.3
    v/bin/python scripts/write-tokenizer-fixtures.py [MISTRAL_TOKENIZER_MODEL]

The vocabularies are trained on this project's own readme. With the path of Mistral v0.3's tokenizer.model, its ids for the
texts of the tests' real vectors are written too (../shared/data/llama.cpp-vocab, not part of the repository).
"""

import json
import random
import shutil
import sys
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

REPOSITORY = Path(__file__).resolve().parent.parent
ROOT = REPOSITORY / "test/fixtures/tokenizers"
VECTORS = REPOSITORY.parent / "shared/data/llama.cpp-vocab/ggml-vocab-phi-3.gguf.inp"
CORPUS = [REPOSITORY / "README.md", REPOSITORY / "README.zh-CN.md"]
TEXTS = [
    "",
    " ",
    "   ",
    "\n",
    " \n\t \n",
    "Hello, world!",
    " leading and trailing  ",
    "two  blanks   three",
    "fine-tune a model on one's own machine",
    "微调大语言模型，在自己的电脑上",
    "mixed 中文 and English，以及 123456 numbers",
    "é e\u0301 ﬁ ﬂ Ａ１ ™ ½ ㌕",
    "👩‍👩‍👧 🇨🇳 emoji 😀",
    "def f(x):\n\treturn x ** 2  # comment\n",
    "<s> is no token here? </s> <unk>",
    "<user>hello<assistant>  world<user>",
    "<user>",
    "a<user> <user>b",
    "\u00a0no-break\u3000ideographic\u2003em",
    "▁ marks ▁blanks▁",
    "NUL \x00 and bell \x07",
    "UPPER lower MiXeD",
    "ลึกลับ русский العربية",
    "x" * 60,
]
# Rules of a charsmap of our own: the usual ones take 240 kB.
RULES = "\n".join(
    f"{' '.join(f'{ord(c):04X}' for c in source)}\t{' '.join(f'{ord(c):04X}' for c in target)}"
    for source, target in [("ﬁ", "fi"), ("ﬂ", "fl"), ("Ａ", "A"), ("１", "1"), ("½", "1/2"), ("\u00a0", " "), ("\u3000", " "), ("\x07", ""), ("\n", " "), ("\t", " ")]
)
DEFINED = ["<user>", "<assistant>"]
SENTENCEPIECE = {
    "bpe-byte-fallback": dict(
        model_type="bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False
    ),
    "bpe-defined-no-prefix": dict(
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        split_digits=True,
        user_defined_symbols=[*DEFINED, "▁▁", "▁▁▁"],
        control_symbols=["<tool>"],
    ),
    "bpe-defined": dict(model_type="bpe", user_defined_symbols=DEFINED, byte_fallback=True, normalization_rule_name="identity"),
    "bpe-rules": dict(model_type="bpe", rules=True),
    "unigram": dict(model_type="unigram", normalization_rule_name="identity"),
    "unigram-byte-fallback": dict(
        model_type="unigram",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        user_defined_symbols=DEFINED,
        control_symbols=["<tool>"],
    ),
    "unigram-rules": dict(model_type="unigram", rules=True),
}


def random_texts() -> list:
    """Pieces of the corpus and of TEXTS in any order."""
    generator = random.Random(1)
    words = [word for path in CORPUS for word in path.read_text().split()] + [t for t in TEXTS if len(t) < 40]
    return ["".join(generator.choice(words) + generator.choice(["", " ", "  "]) for _ in range(8)) for _ in range(16)]


def write_sentencepiece(name: str, options: dict, size: int) -> None:
    folder = ROOT / name
    folder.mkdir(parents=True)
    options = dict(options)
    if options.pop("rules", False):
        (folder / "rules.tsv").write_text(RULES + "\n")
        options["normalization_rule_tsv"] = str(folder / "rules.tsv")
    prefix = folder / "tokenizer"
    sentencepiece.SentencePieceTrainer.train(
        input=",".join(map(str, CORPUS)), model_prefix=prefix, vocab_size=size, minloglevel=2, num_threads=1, **options
    )
    for left in ("tokenizer.vocab", "rules.tsv"):
        (folder / left).unlink(missing_ok=True)
    processor = sentencepiece.SentencePieceProcessor(model_file=f"{prefix}.model")
    write_vectors(folder / "vectors.json", processor, TEXTS + random_texts())


def write_vectors(path: Path, processor, texts: list) -> None:
    rows = [{"text": t, "ids": (ids := processor.encode(t)), "decoded": processor.decode(ids)} for t in texts]
    write_rows(path, rows)


def write_rows(path: Path, rows: list) -> None:
    path.write_text("\n".join(["[", ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "]"]) + "\n")


def write_unigram_json() -> None:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=700, special_tokens=["<unk>", "</s>"], unk_token="<unk>", show_progress=False)
    tokenizer.train([str(path) for path in CORPUS], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    write_json_tokenizer("unigram-json", tokenizer)


def write_wordpiece_json() -> None:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=700, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    tokenizer.train([str(path) for path in CORPUS], trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    write_json_tokenizer("wordpiece-json", tokenizer)


def write_json_tokenizer(name: str, tokenizer: Tokenizer) -> None:
    (ROOT / name).mkdir(parents=True)
    tokenizer.save(str(ROOT / name / "tokenizer.json"), pretty=False)
    rows = [{"text": t, "ids": (ids := tokenizer.encode(t).ids), "decoded": tokenizer.decode(ids)} for t in TEXTS]
    write_rows(ROOT / name / "vectors.json", rows)


def write_mistral(model: str) -> None:
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    texts = VECTORS.read_text().split("\n__ggml_vocab_test__\n")
    ids = [processor.encode(text) for text in texts]
    (ROOT / "mistral-v0.3.json").write_text(json.dumps(ids) + "\n")


if __name__ == "__main__":
    shutil.rmtree(ROOT, ignore_errors=True)
    for name, options in SENTENCEPIECE.items():
        write_sentencepiece(name, options, 700)
    write_unigram_json()
    write_wordpiece_json()
    if len(sys.argv) > 1:
        write_mistral(sys.argv[1])
