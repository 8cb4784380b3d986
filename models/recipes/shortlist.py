#!/usr/bin/env python3
"""Makes the lexical shortlist of a run: for each source piece the target pieces that its translations are made of.

    python shortlist.py RUN_DIR --data DATA_ROOT [--common 2000] [--best 64] [--pairs N]

The output layer is then multiplied for these candidates alone. Every sentence also has the bytes, so that any text can be
said, its own source pieces, for names, and the most common pieces of the target language: they are the list of the end of
the sentence, which each sentence has. Counts pieces of words that the aligner links, writes lex.bin (Marian's binary
format), which `glossa convert` takes up, and prints how many pieces of validation references are among the candidates.
"""

import argparse
import struct
from pathlib import Path

import numpy as np
import torch

import align
import corpus
import data

MAGIC = 0xF11A48D5013417F5


def linked_pieces(
    processor, source: list[str], target: list[str], repeat: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (source piece, target piece) that stand in linked words, how often training sees each, and how often each
    target piece. `repeat`: how often it sees a line."""
    vocab = processor.get_piece_size()
    units = [data.UnitMap(processor, lines) for lines in (source, target)]
    links = align.align(*(side.texts for side in units))
    sides = [data.encode(processor, lines) for lines in (source, target)]
    of = [unit.of(side) for unit, side in zip(units, sides)]
    keys, weights = [], []
    for i, linked in enumerate(links):
        (a, b), (ua, ub) = ([side.ids[side.offset[i] : side.offset[i + 1]] for side in sides],
                            [x[side.offset[i] : side.offset[i + 1]] for x, side in zip(of, sides)])  # fmt: skip
        table = np.zeros((ua[-1] + 1, ub[-1] + 1), bool)  # the end of a line has the number of its units
        table[linked[:, 0], linked[:, 1]] = True
        s, t = np.nonzero(table[ua[:, None], ub[None, :]])
        keys.append(a[s].astype(np.int64) * vocab + b[t])
        weights.append(np.full(len(s), repeat[i]))
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    frequency = np.bincount(sides[1].ids, np.repeat(repeat, sides[1].length), vocab)
    return pairs, np.bincount(place, np.concatenate(weights)), frequency


def lists(
    pairs: np.ndarray, count: np.ndarray, everywhere: np.ndarray, eos: int, vocab: int, first: int, best: int
) -> list[np.ndarray]:
    """For each source piece, ascending, its `best` target pieces beside the `first` and those that are `everywhere`."""
    source, target = np.divmod(pairs, vocab)
    keep = (target >= first) & ~np.isin(target, everywhere) & (count > 1) & (source != eos)
    source, target, count = source[keep], target[keep], count[keep]
    order = np.lexsort((target, -count, source))
    source, target = source[order], target[order]
    begin = np.searchsorted(source, np.arange(vocab + 1))
    out = [np.sort(target[begin[i] : min(begin[i] + best, begin[i + 1])]) for i in range(vocab)]
    out[eos] = np.sort(everywhere)
    return out


def write(path: Path, candidates: list[np.ndarray], first: int, best: int) -> None:
    """Marian's binary lexical shortlist; the checksum, which nobody verifies, is 0."""
    offsets = np.cumsum([0, *map(len, candidates)]).astype("<u8")
    ids = np.concatenate(candidates).astype("<u4")
    header = struct.pack("<6Q", MAGIC, 0, first, best, len(offsets), len(ids))
    path.write_bytes(header + offsets.tobytes() + ids.tobytes())


def covered(processor, candidates: list[np.ndarray], first: int, source: list[str], target: list[str]):
    """The share of target pieces that are candidates, and how many candidates a sentence has."""
    a, b = data.encode(processor, source), data.encode(processor, target)
    hit = total = size = 0
    for mine, want in zip(a.rows(np.arange(len(a))), b.rows(np.arange(len(b)))):
        some = np.unique(np.concatenate([*(candidates[x] for x in mine), mine[mine >= first]]))
        hit += np.count_nonzero((want < first) | np.isin(want, some))
        total += len(want)
        size += first + len(some)
    return hit / total, size / len(a)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--common", type=int, default=2000, help="target pieces that every sentence has")
    parser.add_argument("--best", type=int, default=64, help="pieces that a source piece adds")
    parser.add_argument("--pairs", type=int, help="training pairs that are counted (all)")
    args = parser.parse_args()
    config = torch.load(args.run / "checkpoint.pt", map_location="cpu", weights_only=True)["config"]
    (way, *_) = corpus.directions(config)
    processor = data.spm.SentencePieceProcessor(model_file=str(args.run / "vocab.model"))
    vocab = processor.get_piece_size()
    text = corpus.Corpus(args.data, config["train"], [way], config.get("check", []))
    chosen = np.random.default_rng(config["seed"]).permutation(len(text.source))[: args.pairs]
    source, target = ([side[i] for i in chosen] for side in (text.source, text.target))
    pairs, count, frequency = linked_pieces(processor, source, target, np.array(text.repeat)[chosen])
    first = 1 + max(i for i in range(vocab) if processor.is_byte(i) or processor.is_control(i))
    common = np.argsort(-frequency, kind="stable")
    everywhere = common[common >= first][: args.common]
    candidates = lists(pairs, count, everywhere, processor.eos_id(), vocab, first, args.best)
    write(args.run / "lex.bin", candidates, first, args.best)
    print(f"{sum(map(len, candidates))} entries, {(args.run / 'lex.bin').stat().st_size} bytes")
    for name in config["valid"]:
        source, target = corpus.read_pairs(args.data / name, "valid", *way)
        share, size = covered(processor, candidates, first, source, target)
        print(f"{name}: {share:.2%} of the pieces of the references; {size:.0f} of {vocab} candidates a sentence")


if __name__ == "__main__":
    main()
