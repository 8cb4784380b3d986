"""Folders of parallel text: reading, and the check that no training line is an evaluation line. Needs no packages."""

import gzip
import re
import unicodedata
from pathlib import Path


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
        self.repeat = repeat
