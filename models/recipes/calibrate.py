#!/usr/bin/env python3
"""Finds the log-probabilities below which a word is unsure and a sentence is out of a model's depth.

    python calibrate.py RUN_DIR --data DATA_ROOT [--lines N]

Translates validation text greedily and looks at what the model itself thought of each token. A word counts as right where
the reference has it too (a reference is one translation of many, so this is a lower bound), a sentence where its chrF is
at least GOOD. Prints the thresholds, as `hints.confidence` of a recipe has them, and how well they tell.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import sacrebleu
import torch

import align
import corpus
import data
from export import load_average
from train import translate

GOOD = 45.0  # chrF; by reading, translations above it mostly keep the sense
WORD_RIGHT = 0.25  # marked are words of which at most so many are in the reference


@torch.no_grad()
def token_scores(model, processor, source: list[str], target: list[str]) -> list[np.ndarray]:
    """Of each line the log-probability of each token of `target` (its end included), given `source`."""
    a, b = data.encode(processor, source), data.encode(processor, target)
    out: list[np.ndarray] = [np.zeros(0)] * len(source)
    pad, bos = model.config.pad, model.config.bos
    for index in data.batches(a.length, b.length, 4000):
        ids, want = (torch.from_numpy(data.pad(side.rows(index), pad)) for side in (a, b))
        begin = torch.full((len(index), 1), bos)
        x, _ = model.decode(torch.cat([begin, want[:, :-1]], 1), model.encode(ids), model.mask(ids))
        scores = model.logits(x).log_softmax(-1).gather(-1, want[..., None])[..., 0]
        for i, row in zip(index, scores):
            out[i] = row[: b.length[i]].numpy()
    return out


def words_of(processor, text: str, scores: np.ndarray) -> list[tuple[str, float]]:
    """Each alignment unit (a word, a sign, a Han character) of a translation with the score of its least sure token."""
    units = data.UnitMap(processor, [text])
    of = units.of(data.encode(processor, [text]))
    texts = align.units(units.texts[0])
    return [(word, float(scores[of == i].min())) for i, word in enumerate(texts) if (of == i).any()]


def threshold(value: np.ndarray, right: np.ndarray, share: float) -> float:
    """The highest value such that of the twentieth of all that lies around it at most `share` are right."""
    order = np.argsort(value)
    value, right = value[order], right[order].astype(float)
    window = max(50, len(value) // 20)
    smooth = np.convolve(right, np.ones(window) / window, "valid")
    below = np.flatnonzero(smooth <= share)
    return float(value[below[-1] + window // 2]) if len(below) else float(value[0])


def tells(value: np.ndarray, right: np.ndarray, at: float) -> str:
    marked = value < at
    wrong = ~right
    return (
        f"{marked.mean():.0%} are marked; of the marked {wrong[marked].mean():.0%} are wrong, of the others "
        f"{wrong[~marked].mean():.0%}; {marked[wrong].mean():.0%} of what is wrong is marked"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--lines", type=int, default=400, help="of each validation set")
    args = parser.parse_args()
    model, saved = load_average(args.run)
    config, (way, *_) = saved["config"], corpus.directions(saved["config"])
    processor = data.spm.SentencePieceProcessor(model_file=str(args.run / "vocab.model"))
    words, sentences = [], []
    chrf = sacrebleu.metrics.CHRF()
    for name in [*config["valid"], *config.get("check", [])]:
        source, reference = corpus.read_pairs(args.data / name, "valid", *way)
        source, reference = source[: args.lines], reference[: args.lines]
        if not source:
            continue
        found = translate(model, processor, source, "cpu")
        for text, want, scores in zip(found, reference, token_scores(model, processor, source, found)):
            sentences.append((scores.mean(), chrf.sentence_score(text, [want]).score >= GOOD))
            known = set(align.units(want))
            words += [(score, word in known) for word, score in words_of(processor, text, scores) if word.isalnum()]
    word, is_right = map(np.array, zip(*words))
    sentence, is_good = map(np.array, zip(*sentences))
    found = {
        "word": round(threshold(word, is_right, WORD_RIGHT), 2),
        "sentence": round(threshold(sentence, is_good, 0.25), 2),
    }
    print(json.dumps({"confidence": found}))
    print(f"words: {len(word)}, {is_right.mean():.0%} in the reference; {tells(word, is_right, found['word'])}")
    at = found["sentence"]
    print(f"sentences: {len(sentence)}, {is_good.mean():.0%} with chrF {GOOD:.0f}; {tells(sentence, is_good, at)}")


if __name__ == "__main__":
    main()
