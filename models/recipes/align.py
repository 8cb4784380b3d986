"""Word alignment for guided attention: IBM model 1 with a diagonal prior (Dyer et al. 2013), both directions, intersected.

    align.py train.en train.de > train.align    # for the lab: links of words as white space parts them, "0-0 1-2"

Works on "units" (a word, a punctuation mark, or one Chinese or Japanese character), so that the links hold for any
sub-word segmentation of the same text.
"""

import re
import sys
from pathlib import Path

import numpy as np

UNIT = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|[^\w\s]")

WORD = re.compile(r"[\u3000-\u9fff\uf900-\ufaff\uff00-\uffef]|[^ \t\u3000-\u9fff\uf900-\ufaff\uff00-\uffef]+")


def unit_starts(text: str) -> list[int]:
    return [m.start() for m in UNIT.finditer(text)]


def units(text: str) -> list[str]:
    return [m.group().lower() for m in UNIT.finditer(text)]


def _number(lines: list[list[str]]) -> tuple[np.ndarray, np.ndarray, int]:
    table: dict[str, int] = {}
    flat = np.fromiter((table.setdefault(u, len(table)) for line in lines for u in line), dtype=np.int64)
    return flat, np.array([len(line) for line in lines]), len(table)


def _model(src, src_len, trg, trg_len, n_src, iterations, tension=4.0) -> np.ndarray:
    """For every target unit the index (within its sentence) of its source unit, or -1 for none."""
    src_off = np.concatenate([[0], np.cumsum(src_len)])
    trg_off = np.concatenate([[0], np.cumsum(trg_len)])
    best = np.full(len(trg), -1, dtype=np.int32)
    # Every (target unit, source unit) cell of a sentence, flattened; index -1 is the empty word.
    width = np.repeat(src_len + 1, trg_len)  # cells of each target unit
    start = np.cumsum(width) - width
    t_index = np.repeat(np.arange(len(trg)), width)
    sentence = np.repeat(np.arange(len(src_len)), trg_len)[t_index]
    row, col = t_index - trg_off[sentence], np.arange(len(t_index)) - start[t_index] - 1
    s_word = np.where(col < 0, n_src, src[np.minimum(src_off[sentence] + np.maximum(col, 0), len(src) - 1)])
    key, pair = np.unique(s_word * (trg.max() + 1) + trg[t_index], return_inverse=True)
    distance = np.abs((row + 0.5) / trg_len[sentence] - (col + 0.5) / np.maximum(src_len[sentence], 1))
    prior = np.where(col < 0, 0.04, np.exp(-tension * distance) / np.maximum(src_len[sentence], 1)).astype(np.float32)
    src_of_key = key // (trg.max() + 1)
    table = np.full(len(key), 1e-3)
    for _ in range(iterations):
        p = table[pair] * prior
        p /= np.bincount(t_index, weights=p, minlength=len(trg))[t_index]
        count = np.bincount(pair, weights=p, minlength=len(key)) + 1e-3
        table = count / np.bincount(src_of_key, weights=count)[src_of_key]
    p = table[pair] * prior
    top = np.flatnonzero(p == np.maximum.reduceat(p, start)[t_index])
    best[t_index[top]] = col[top]  # of several the last
    return best


def align(source: list[str], target: list[str], iterations: int = 5, chunk: int = 20_000) -> list[np.ndarray]:
    """Per pair an array (links, 2) of [source unit, target unit], the links on which both directions agree."""
    out: list[np.ndarray] = []
    for at in range(0, len(source), chunk):
        s_units = [units(t) or ["\0"] for t in source[at : at + chunk]]
        t_units = [units(t) or ["\0"] for t in target[at : at + chunk]]
        s, s_len, n_s = _number(s_units)
        t, t_len, n_t = _number(t_units)
        forward = _model(s, s_len, t, t_len, n_s, iterations)
        backward = _model(t, t_len, s, s_len, n_t, iterations)
        s_off = np.concatenate([[0], np.cumsum(s_len)])
        t_off = np.concatenate([[0], np.cumsum(t_len)])
        for i in range(len(s_units)):
            f = forward[t_off[i] : t_off[i + 1]]
            b = backward[s_off[i] : s_off[i + 1]]
            j = np.flatnonzero(f >= 0)
            j = j[b[f[j]] == j]
            out.append(np.stack([f[j], j], axis=1).astype(np.int16))
    return out


def words(text: str) -> list[int]:
    """For every unit the word that it is in, as the lab counts: parted by white space, each Chinese or Japanese sign one."""
    ends = [m.end() for m in WORD.finditer(text)]
    return [next(i for i, end in enumerate(ends) if start < end) for start in unit_starts(text)]


def main(source_file: str, target_file: str) -> None:
    source, target = (Path(f).read_text(encoding="utf8").split("\n")[:-1] for f in (source_file, target_file))
    for pair, x, y in zip(align(source, target), source, target, strict=True):
        s, t = words(x.strip()), words(y.strip())
        print(" ".join(f"{i}-{j}" for i, j in sorted({(s[i], t[j]) for i, j in pair})))


if __name__ == "__main__":
    main(*sys.argv[1:])
