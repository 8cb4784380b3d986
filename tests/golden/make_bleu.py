#!/usr/bin/env python3
"""Records sacrebleu's scores of the lines in bleu/, for the lab's BLEU (tests/c/test_bleu.c).

    .venv/bin/python tests/golden/make_bleu.py     # the recipes' environment

bleu/texts.tsv has a group, a translation and a reference in each line; bleu/scores.tsv gets, for each group and tokenizer,
the score and the counts that make it up.
"""

from pathlib import Path

import sacrebleu

folder = Path(__file__).parent / "bleu"
groups: dict[str, list[tuple[str, str]]] = {}
for line in (folder / "texts.tsv").read_text("utf-8").split("\n"):
    if line:
        group, translation, reference = line.split("\t")
        groups.setdefault(group, []).append((translation, reference))
with open(folder / "scores.tsv", "w", encoding="utf-8") as out:
    for group, pairs in groups.items():
        for tokenizer in ("13a", "char", "zh"):
            x = sacrebleu.corpus_bleu([a for a, _ in pairs], [[b for _, b in pairs]], tokenize=tokenizer)
            counts = [*x.counts, *x.totals, x.sys_len, x.ref_len]
            print(group, tokenizer, repr(x.score), *counts, sep="\t", file=out)
