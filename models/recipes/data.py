"""Vocabulary, token ids, alignment units and batches."""

import re
from pathlib import Path

import numpy as np
import sentencepiece as spm

import align


def train_vocabulary(lines: list[str], prefix: Path, size: int, coverage: float) -> None:
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(prefix), vocab_size=size, model_type="unigram",
        character_coverage=coverage, byte_fallback=True, pad_id=0, unk_id=1, bos_id=2, eos_id=3,
        input_sentence_size=300_000, shuffle_input_sentence=True, num_threads=2, minloglevel=1,
    )  # fmt: skip


class Side:
    """Token ids of one side of a corpus, with the alignment unit that each token belongs to."""

    def __init__(self, processor: spm.SentencePieceProcessor, lines: list[str], alpha: float | None):
        """`alpha`: sub-word regularisation (Kudo 2018); None takes the best segmentation."""
        if alpha is None:
            ids = processor.encode(lines)
        else:
            ids = processor.encode(lines, enable_sampling=True, alpha=alpha, nbest_size=-1)
        eos = processor.eos_id()
        self.length = np.array([len(x) + 1 for x in ids])  # the end included
        self.offset = np.concatenate([[0], np.cumsum(self.length)])
        self.ids = np.fromiter((i for x in ids for i in (*x, eos)), dtype=np.int32, count=int(self.offset[-1]))

    def __getitem__(self, i: int) -> np.ndarray:
        return self.ids[self.offset[i] : self.offset[i + 1]]


class UnitMap:
    """Token -> alignment unit, for any segmentation of the lines it was made from."""

    def __init__(self, processor: spm.SentencePieceProcessor, lines: list[str]):
        pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
        width = []
        for i, piece in enumerate(pieces):
            if processor.is_byte(i):  # one character a UTF-8 sequence: only the leading byte counts
                byte = int(piece[3:5], 16)
                width.append(0 if 0x80 <= byte < 0xC0 else 1)
            else:
                width.append(0 if processor.is_control(i) else len(piece))
        self.width = np.array(width)
        self.lead = np.array([1 if len(p) > 1 and p.startswith("\u2581") else 0 for p in pieces])
        texts = ["".join(x).replace("\u2581", " ") for x in processor.encode(lines, out_type=str)]
        texts = [re.sub(r"(<0x[0-9A-F]{2}>)+", lambda m: _decode_bytes(m.group()), t) for t in texts]
        self.units = [align.units(t) for t in texts]
        starts = [align.unit_starts(t) for t in texts]
        self.count = np.array([len(s) for s in starts])
        self.starts = starts
        self.texts = texts

    def of(self, i: int, ids: np.ndarray) -> np.ndarray:
        """Unit of each token of line i (the end-of-sentence token gets the number of units)."""
        begin = np.cumsum(self.width[ids]) - self.width[ids] + self.lead[ids]
        unit = np.searchsorted(self.starts[i], begin, side="right") - 1
        unit[-1] = self.count[i]
        return np.maximum(unit, 0)


def _decode_bytes(run: str) -> str:
    return bytes(int(x, 16) for x in re.findall(r"<0x(..)>", run)).decode("utf-8", errors="replace")


def batches(length: np.ndarray, tokens: int, rng: np.random.Generator | None, order: np.ndarray | None = None):
    """Index arrays whose padded size stays within `tokens`, of similar lengths; shuffled when `rng` is given."""
    if order is None:
        order = np.arange(len(length))
    key = length[order].astype(float)
    if rng is not None:
        key = key + rng.uniform(-1.5, 1.5, len(order))
    order = order[np.argsort(key, kind="stable")]
    out, start, longest = [], 0, 0
    for end in range(len(order)):
        longest = max(longest, length[order[end]])
        if longest * (end - start + 1) > tokens and end > start:
            out.append(order[start:end])
            start, longest = end, length[order[end]]
    out.append(order[start:])
    if rng is not None:
        rng.shuffle(out)
    return out


def pad(rows: list[np.ndarray], value: int) -> np.ndarray:
    out = np.full((len(rows), max(map(len, rows))), value, dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
