#!/usr/bin/env python3
"""Trains the model of tests/golden/hello: the few phrases, English to Japanese, that the Web Platform Tests translate.

    python tests/golden/make_hello.py RUN_DIR      (needs torch and sentencepiece, node and a build; a minute on one core)

The phrases are ours but for those that the tests name; the model knows them by heart and nothing else. Its vocabulary
is made here, without a normalizer: SentencePiece's own is larger than the rest of the model.
"""

import json
import subprocess
import sys
from pathlib import Path

import sentencepiece as spm

here = Path(__file__).resolve().parent
root = here.parents[1]
folder = here / "hello"


def main() -> None:
    run = Path(sys.argv[1])
    run.mkdir(parents=True, exist_ok=True)
    lines = [line for side in ("en", "ja") for line in (folder / f"train.{side}").read_text("utf-8").splitlines()]
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(run / "vocab"), model_type="unigram", character_coverage=1.0,
        vocab_size=json.loads((folder / "en-ja.json").read_text())["vocab"], normalization_rule_name="identity",
        byte_fallback=True, pad_id=0, unk_id=1, bos_id=2, eos_id=3, num_threads=1, minloglevel=1,
    )  # fmt: skip
    trainer = [sys.executable, root / "models/recipes/train.py", folder / "en-ja.json", "--data", here]
    subprocess.run([*trainer, "--out", run, "--device", "cpu", "--threads", "1", "--no-bf16"], check=True)
    glossa = ["node", root / "src/js/cli/glossa.js"]
    subprocess.run([*glossa, "convert", run, "-o", folder / "en-ja.gguf"], check=True)


main()
