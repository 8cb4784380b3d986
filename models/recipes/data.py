"""Parallel text: reading, leak check, vocabulary, alignment, and batches of token ids."""

import gzip
import re
import unicodedata
from pathlib import Path

import numpy as np
import sentencepiece as spm

import align


def read_lines(path: Path) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as f:
        return f.read().split("\n")[:-1]


def find(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / name, folder / (name + ".gz")) if p.exists()), None)


def read_pairs(folder: Path, split: str, source: str, target: str) -> tuple[list[str], list[str]]:
    """Lines of `split.source` and `split.target` (plain or .gz); both empty where the folder lacks the split."""
    paths = [find(folder, f"{split}.{language}") for language in (source, target)]
    if None in paths:
        return [], []
    a, b = map(read_lines, paths)
    if len(a) != len(b):
        raise ValueError(f"{folder}: {split}.{source} has {len(a)} lines, {split}.{target} has {len(b)}")
    return a, b


def fingerprint(text: str) -> str:
    """Letters and digits only, case folded: how two sentences are compared in the leak check."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", text).casefold())


class Corpus:
    """Training pairs of several folders, less every pair with a side that an evaluation set of them also has."""

    def __init__(self, root: Path, folders: dict[str, int], source: str, target: str, check: list[str] = ()):
        """`folders`: name -> how often each pair is seen per epoch. `check`: further folders for the leak check."""
        held: set[str] = set()
        for name in [*folders, *check]:
            for split in ("valid", "test", "dev"):
                for side in read_pairs(root / name, split, source, target):
                    held.update(map(fingerprint, side))
        self.source: list[str] = []
        self.target: list[str] = []
        repeat: list[int] = []
        self.leaks = 0
        for name, times in folders.items():
            a, b = read_pairs(root / name, "train", source, target)
            if not a:
                raise FileNotFoundError(f"{root / name}: no train.{source} and train.{target}, plain or .gz")
            for x, y in zip(a, b):
                if fingerprint(x) in held or fingerprint(y) in held:
                    self.leaks += 1
                    continue
                self.source.append(x)
                self.target.append(y)
                repeat.append(times)
        self.repeat = np.array(repeat)


def train_vocabulary(lines: list[str], prefix: Path, size: int, coverage: float) -> None:
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(prefix), vocab_size=size, model_type="unigram",
        character_coverage=coverage, byte_fallback=True, pad_id=0, unk_id=1, bos_id=2, eos_id=3,
        input_sentence_size=2_000_000, shuffle_input_sentence=True, num_threads=2, minloglevel=1,
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
