"""Folders of parallel text: reading, and the check that no training line is an evaluation line. Needs no packages."""

import gzip
import re
import unicodedata
from collections import Counter
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


def directions(config: dict) -> list[tuple[str, str]]:
    """(source, target) of each direction that a recipe trains: more than one where it lists several languages."""
    sources, targets = ([x] if isinstance(x, str) else x for x in (config["source"], config["target"]))
    return [(s, t) for s in sources for t in targets if s != t]


def language_token(config: dict, target: str) -> str | None:
    """The token before the source that asks for a language, in models that know several."""
    return None if isinstance(config["target"], str) else f">>{target}<<"


def test_sets(root: Path, config: dict):
    """(name, direction, sources, references) of each test set that the recipe is scored on and that `root` has."""
    ways = directions(config)
    for folder in config["score"]:
        for split in ("test", "dev"):
            for way in ways:
                source, reference = read_pairs(root / folder, split, *way)
                if source:
                    yield f"{folder} {split}" + (f" {way[0]}-{way[1]}" if len(ways) > 1 else ""), way, source, reference


def shared(source: str, target: str) -> float:
    """The share of the target's characters that the source has too."""
    return sum((Counter(source) & Counter(target)).values()) / max(1, len(target))


class Corpus:
    """Training pairs of several folders, less every pair with a side that an evaluation set of any direction also has."""

    def __init__(self, root: Path, folders: dict[str, float], ways: list[tuple[str, str]], check: list[str] = ()):
        """`folders`: name -> how often each pair is seen per epoch. `check`: further folders for the leak check."""
        self.held: set[str] = set()
        for name in [*folders, *check]:
            for split in ("valid", "test", "dev"):
                for source, target in ways:
                    for side in read_pairs(root / name, split, source, target):
                        self.held.update(map(fingerprint, side))
        self.source: list[str] = []
        self.target: list[str] = []
        self.repeat: list[float] = []
        self.way: list[int] = []  # which of `ways` a pair belongs to
        self.book: list[str] = []  # what `train.book` says of a pair, else the folder's name
        self.leaks = 0
        for name, times in folders.items():
            pairs = [(way, *read_pairs(root / name, "train", *languages)) for way, languages in enumerate(ways)]
            if not any(a for _, a, _ in pairs):
                asked = " or ".join(f"train.{s} and train.{t}" for s, t in ways)
                raise FileNotFoundError(f"{root / name}: no {asked}, plain or .gz")
            path = find(root / name, "train.book")
            for way, a, b in pairs:
                for x, y, book in zip(a, b, read_lines(path) if path else [name] * len(a), strict=True):
                    if self.is_held(x, y):
                        self.leaks += 1
                        continue
                    self.source.append(x)
                    self.target.append(y)
                    self.repeat.append(times)
                    self.way.append(way)
                    self.book.append(book)

    def is_held(self, source: str, target: str) -> bool:
        """Whether a side is that of an evaluation pair."""
        return fingerprint(source) in self.held or fingerprint(target) in self.held
