"""What a run trains on: made from text, or read from one packed file that travels to another machine."""

import io
import json
import lzma
from functools import cached_property
from pathlib import Path

import numpy as np
import sentencepiece as spm

import align
import corpus
import data
from copying import copied_pairs
from typed import is_brief, typed_pairs


class Links:
    """Word alignment of the training pairs: flat (links, 2) of [source unit, target unit], and how many each pair has."""

    def __init__(self, flat: np.ndarray, count: np.ndarray):
        self.flat, self.count = flat, count
        self.offset = np.concatenate([[0], np.cumsum(count, dtype=np.int64)])

    def matrix(self, index: np.ndarray, source_units: int, target_units: int, last: tuple[np.ndarray, np.ndarray]):
        """(B, target_units, source_units) of 0 and 1; `last`: the unit of each end, which links the ends to each other."""
        out = np.zeros((len(index), target_units, source_units), dtype=np.float32)
        row = np.repeat(np.arange(len(index)), self.count[index])
        some = [self.flat[self.offset[i] : self.offset[i + 1]] for i in index]
        flat = np.concatenate(some) if some else self.flat[:0]
        out[row, flat[:, 1], flat[:, 0]] = 1
        out[np.arange(len(index)), last[1], last[0]] = 1
        return out


class TextData:
    """Training pairs from folders of text. What takes long is kept in the run folder: vocabulary, copying, alignment."""

    def __init__(self, root: Path, run: Path, config: dict, say):
        self.config = config
        ways = corpus.directions(config)
        pairs = corpus.Corpus(root, config["train"], ways, config.get("check", []))
        say(f"{len(pairs.source)} training pairs, {pairs.leaks} dropped by the leak check")
        tokens = [corpus.language_token(config, target) for _, target in ways]
        vocabulary = run / "vocab.model"
        if not vocabulary.exists():
            lines = [*pairs.source, *pairs.target]
            controls = sorted({token for token in tokens if token})
            data.train_vocabulary(lines, run / "vocab", config, controls)
        self.processor = spm.SentencePieceProcessor(model_file=str(vocabulary))
        self.source, self.target, repeat = pairs.source, pairs.target, pairs.repeat
        ids = [token and self.processor.piece_to_id(token) for token in tokens]
        self.first = [ids[way] for way in pairs.way] if any(ids) else None
        made = []  # (source, target, how often it is seen) of pairs that rules make
        if config.get("typed"):
            typed = list(typed_pairs(pairs.source, pairs.target, config["typed"], config["seed"]))
            made += [(a, b, min(1, repeat[i])) for i, a, b in typed if not pairs.is_held(a, b)]
            say(f"{len(made)} pairs that look typed, {len(typed) - len(made)} more dropped by the leak check")
        if config.get("copying"):
            made += [(a, b, 1) for a, b in zip(*self.copying(run / "copying.json", say))]
        if made:
            if self.first:
                raise ValueError('"copying" and "typed" are for recipes of one direction')
            source, target, times = map(list, zip(*made))
            self.source, self.target, repeat = self.source + source, self.target + target, repeat + times
        self.repeat = np.array(repeat)
        self.book = pairs.book + [""] * (len(repeat) - len(pairs.book))
        every = self.repeat
        self.repeat = self.chosen(every, config, say)
        self.last_repeat = self.chosen(every, config | config["last"], say) if "last" in config else self.repeat
        self.keep((self.repeat > 0) | (self.last_repeat > 0))
        self.links = self.align(run / "alignment.npz", say) if config.get("guided_alignment") else None
        self.valid = validation(root, config)

    @cached_property
    def shared(self) -> np.ndarray:
        """Of each pair the share of the target's characters that the source has too."""
        return np.array([corpus.shared(x, y) for x, y in zip(self.source, self.target)])

    def chosen(self, repeat: np.ndarray, config: dict, say) -> np.ndarray:
        """How often each pair is seen in an epoch, by what `config` asks for."""
        if "most_shared" in config:  # languages of one script: pairs that hardly change teach a model to copy
            kept = self.shared <= config["most_shared"]
            say(f"{kept.sum()} pairs share at most {config['most_shared']} of the target's characters")
            repeat = repeat * kept
        if "length" in config:  # characters of the target for each of the source, at least and at most
            low, high = config["length"]
            repeat = repeat * [low <= len(y) / len(x) <= high for x, y in zip(self.source, self.target)]
            say(f"{np.count_nonzero(repeat)} of them have {low} to {high} characters for one of the source")
        if "short" in config:  # greetings and other short sentences: at most so many words, seen so many times
            most, times = config["short"]
            repeat = repeat * [times if is_brief(x, most) else 1 for x in self.source]
        if "balance" in config:  # 0: books as they are, 1: all as often; one of under 1,000 pairs counts as of so many
            book = np.unique(self.book, return_inverse=True)[1]
            weighted = repeat * (np.bincount(book, repeat).clip(1000) ** -config["balance"])[book]
            repeat = weighted * repeat.sum() / weighted.sum()
        if "share" in config:  # of all pairs, the same ones in every epoch
            repeat = repeat * (np.random.default_rng(config["seed"]).random(len(repeat)) < config["share"])
        return repeat

    def keep(self, which: np.ndarray) -> None:
        """Forgets the pairs that no epoch sees."""

        def kept(values: list) -> list:
            return [value for value, some in zip(values, which) if some]

        self.source, self.target, self.first = kept(self.source), kept(self.target), self.first and kept(self.first)
        self.repeat, self.last_repeat = self.repeat[which], self.last_repeat[which]

    def copying(self, cache: Path, say) -> tuple[list[str], list[str]]:
        """Pairs that teach copying, made once a run; after the vocabulary, which they must not shape."""
        if not cache.exists():
            say("pairs that teach copying")
            made = copied_pairs(self.source, self.target, self.config["copying"], self.config["seed"])
            cache.write_text(json.dumps(made))
        source, target = json.loads(cache.read_text())
        say(f"{len(source)} pairs that teach copying")
        return source, target

    def align(self, cache: Path, say) -> Links:
        self.units = [data.UnitMap(self.processor, lines) for lines in (self.source, self.target)]
        if not cache.exists():
            say("word alignment")
            count = len(self.source)
            some = self.config.get("aligned_pairs", count)  # so many, of all folders, teach the alignment head
            chosen = np.random.default_rng(self.config["seed"]).permutation(count)[:some]
            links = [np.zeros((0, 2), np.int16)] * count
            for i, found in zip(chosen, align.align(*([units.texts[i] for i in chosen] for units in self.units))):
                links[i] = found
            np.savez(cache, links=np.concatenate(links), count=np.array([len(x) for x in links]))
        stored = np.load(cache)
        if len(stored["count"]) != len(self.source):
            raise ValueError(
                f"{cache} is of {len(stored['count'])} pairs, the corpus has {len(self.source)}: delete it"
            )
        return Links(stored["links"], stored["count"])

    def segmented(self, sampled: bool) -> tuple[data.Side, data.Side]:
        alpha = self.config["sampling_alpha"] if sampled else None
        source = data.encode(self.processor, self.source, alpha, self.first)
        target = data.encode(self.processor, self.target, alpha)
        if self.links:
            for side, units in zip((source, target), self.units):
                side.units = units.of(side)
            if self.first:  # what asks for the language belongs to no word
                source.units[source.offset[:-1]] = self.units[0].count
        return source, target

    def epoch(self, number: int) -> tuple[data.Side, data.Side]:
        return self.segmented(sampled(self.config, number))

    def pack(self, path: Path, segmentations: int) -> None:
        """Writes all that training needs: token ids (the best segmentation and so many sampled ones), units, links."""
        members: dict[str, np.ndarray] = {"repeat": self.repeat, "last_repeat": self.last_repeat}
        if self.links:
            members |= {"links": narrow(self.links.flat), "link_count": narrow(self.links.count)}
        for version in range(1 + (segmentations if self.config.get("sampling_alpha") else 0)):
            for name, side in zip(("source", "target"), self.segmented(version > 0)):
                members |= {f"{name}.{version}": side.ids, f"{name}.{version}.length": side.length.astype(np.uint16)}
                if side.units is not None:
                    members[f"{name}.{version}.units"] = side.units
        members["vocabulary"] = np.frombuffer(self.processor.serialized_model_proto(), np.uint8)
        members["valid"] = np.frombuffer(json.dumps(self.valid).encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, **members)
        path.write_bytes(lzma.compress(buffer.getvalue()))


class PackedData:
    """The same from a file that `TextData.pack` wrote; its segmentations are taken in turn."""

    def __init__(self, path: Path, run: Path, config: dict):
        self.config = config
        members = np.load(io.BytesIO(lzma.decompress(path.read_bytes())))
        (run / "vocab.model").write_bytes(members["vocabulary"].tobytes())
        self.processor = spm.SentencePieceProcessor(model_file=str(run / "vocab.model"))
        self.repeat, self.last_repeat = members["repeat"], members["last_repeat"]
        self.valid = json.loads(members["valid"].tobytes())
        self.links = None
        if "links" in members:
            self.links = Links(members["links"].astype(np.int64), members["link_count"].astype(np.int64))
        self.versions = []
        while f"source.{len(self.versions)}" in members:
            names = [f"{side}.{len(self.versions)}" for side in ("source", "target")]
            sides = [
                data.Side(members[n], members[n + ".length"].astype(np.int64), members.get(n + ".units")) for n in names
            ]
            self.versions.append((sides[0], sides[1]))

    def epoch(self, number: int) -> tuple[data.Side, data.Side]:
        if len(self.versions) == 1 or not sampled(self.config, number):
            return self.versions[0]
        return self.versions[1 + number % (len(self.versions) - 1)]


def validation(root: Path, config: dict) -> dict[str, tuple[list[str], list[str], str | None]]:
    """By name (and direction, where there are several) the pairs, and the token that asks for the language."""
    out = {}
    ways = corpus.directions(config)
    for name in config["valid"]:
        for source, target in ways:
            label = name if len(ways) == 1 else f"{name} {source}-{target}"
            pairs = corpus.read_pairs(root / name, "valid", source, target)
            if pairs[0]:
                out[label] = (*pairs, corpus.language_token(config, target))
    return out


def sampled(config: dict, epoch: int) -> bool:
    """Whether an epoch samples its segmentations."""
    rng = np.random.default_rng([config["seed"], epoch, 1])
    return "sampling_alpha" in config and rng.random() < config.get("sampling_share", 1.0)


def narrow(x: np.ndarray) -> np.ndarray:
    return x.astype(np.uint8 if x.size == 0 or x.max() < 256 else np.uint16)
