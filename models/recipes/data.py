"""Vocabulary, token ids, alignment units and batches."""

import re
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import sentencepiece as spm

import align


def normalization(keep: str, widen: bool) -> str:
    """SentencePiece's rules nmt_nfkc as a table, but full-width signs in `keep` stay; `widen`: ASCII ones become them."""
    nfkc = spm.SentencePieceNormalizer(
        rule_name="nmt_nfkc", add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    rules: dict[str, str] = {}
    for character in (chr(c) for c in range(1, 0x30000) if not 0xD800 <= c < 0xE000):
        parts = unicodedata.normalize("NFD", character)
        for text in {character, parts if unicodedata.normalize("NFC", parts) == character else character}:
            if (changed := nfkc.normalize(text)) != text:
                rules[text] = changed
    for sign in keep:
        plain = rules.pop(sign)
        if widen:
            rules[plain] = sign

    def code(text: str) -> str:
        return " ".join(f"{ord(c):X}" for c in text)

    return "".join(f"{code(a)}\t{code(b)}\n" for a, b in sorted(rules.items()))


def train_vocabulary(lines: list[str], prefix: Path, config: dict, tokens: list[str]) -> None:
    """`tokens`: pieces that text never gives, such as those that ask for a language."""
    rules = {"normalization_rule_name": "nmt_nfkc"}
    if "keep" in config:
        table = tempfile.NamedTemporaryFile("w", suffix=".tsv")
        table.write(normalization(config["keep"], config.get("widen", False)))
        table.flush()
        rules = {"normalization_rule_tsv": table.name}
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(prefix), vocab_size=config["vocab"], model_type="unigram",
        character_coverage=config["coverage"], byte_fallback=True, pad_id=0, unk_id=1, bos_id=2, eos_id=3,
        input_sentence_size=300_000, shuffle_input_sentence=True, num_threads=2, minloglevel=1,
        control_symbols=tokens, **rules,
    )  # fmt: skip


class Side:
    """Token ids of the lines of one side, the end included, and the alignment unit that each token belongs to."""

    def __init__(self, ids: np.ndarray, length: np.ndarray, units: np.ndarray | None = None):
        """`ids` and `units` hold all lines one after the other, `length` the tokens of each."""
        self.ids, self.length, self.units = ids, length, units
        self.offset = np.concatenate([[0], np.cumsum(length, dtype=np.int64)])

    def __len__(self) -> int:
        return len(self.length)

    def rows(self, index: np.ndarray) -> list[np.ndarray]:
        return [self.ids[self.offset[i] : self.offset[i + 1]] for i in index]

    def unit_rows(self, index: np.ndarray) -> list[np.ndarray]:
        return [self.units[self.offset[i] : self.offset[i + 1]] for i in index]


def encode(
    processor: spm.SentencePieceProcessor,
    lines: list[str],
    alpha: float | None = None,
    first: list[int | None] | None = None,
) -> Side:
    """`alpha`: sub-word regularisation (Kudo 2018); None takes the best segmentation. `first`: a token before each line."""
    if alpha is None:
        ids = processor.encode(lines)
    else:
        ids = processor.encode(lines, enable_sampling=True, alpha=alpha, nbest_size=-1)
    eos = processor.eos_id()
    if first is not None:
        ids = [x if token is None else [token, *x] for token, x in zip(first, ids)]
    length = np.array([len(x) + 1 for x in ids])
    flat = np.fromiter((i for x in ids for i in (*x, eos)), dtype=np.uint16, count=int(length.sum()))
    return Side(flat, length)


class UnitMap:
    """Token -> alignment unit, for any segmentation of the lines it was made from."""

    SPAN = 1 << 20  # more than a line has characters

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
        self.texts = [re.sub(r"(<0x[0-9A-F]{2}>)+", lambda m: _decode_bytes(m.group()), t) for t in texts]
        starts = [align.unit_starts(t) for t in self.texts]
        self.count = np.array([len(s) for s in starts])
        line = np.repeat(np.arange(len(starts)), self.count)
        self.key = line * self.SPAN + np.fromiter((x for s in starts for x in s), np.int64, int(self.count.sum()))

    def of(self, side: Side) -> np.ndarray:
        """The unit of each token; the end of the sentence gets the number of units."""
        width = self.width[side.ids]
        at = np.cumsum(width) - width
        line = np.repeat(np.arange(len(side)), side.length)
        begin = at - at[side.offset[line]] + self.lead[side.ids]
        first = np.concatenate([[0], np.cumsum(self.count)])
        unit = np.searchsorted(self.key, line * self.SPAN + begin, side="right") - 1 - first[line]
        unit = np.clip(unit, 0, self.count[line])
        unit[side.offset[1:] - 1] = self.count
        return unit.astype(np.uint8 if self.count.max() < 256 else np.uint16)


def _decode_bytes(run: str) -> str:
    return bytes(int(x, 16) for x in re.findall(r"<0x(..)>", run)).decode("utf-8", errors="replace")


# A CPU compiles each shape of a product once, so shapes that come again save a quarter of the time: batches are padded to
# a multiple of WIDTH_STEP tokens, and all but small ones hold a multiple of ROWS_STEP lines.
WIDTH_STEP = 4
ROWS_STEP = 8


def padded(length):
    """A length, or an array of them, rounded up to a multiple of WIDTH_STEP."""
    return -(-length // WIDTH_STEP) * WIDTH_STEP


def batches(
    source: np.ndarray,
    target: np.ndarray,
    tokens: int,
    rng: np.random.Generator | None = None,
    order: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Index arrays of lines of similar lengths, whose padded sides have at most `tokens` in the mean; shuffled when `rng`
    is given. Lines are sorted by the sum of both lengths and, within a step of it, by their difference:
    a twentieth less padding than by the longer one."""
    source, target = padded(source), padded(target)
    if order is None:
        order = np.arange(len(source))
    total, difference = (source + target)[order], (source - target)[order].astype(float)
    step = total // (2 * WIDTH_STEP)
    if rng is not None:
        difference += rng.uniform(-0.5, 0.5, len(order))
    order = order[np.lexsort((np.where(step % 2, difference, -difference), step))]
    out, start, widths = [], 0, np.zeros(2, int)
    both = np.stack([source, target], 1)
    for end in range(len(order)):
        widths = np.maximum(widths, both[order[end]])
        if widths.sum() * (end - start + 1) > 2 * tokens and end > start:
            count = end - start
            stop = start + (count - count % ROWS_STEP if count >= 2 * ROWS_STEP else count)
            out.append(order[start:stop])
            start, widths = stop, both[order[stop : end + 1]].max(0)
    out.append(order[start:])
    if rng is not None:
        rng.shuffle(out)
    return out


def pad(rows: list[np.ndarray], value: int) -> np.ndarray:
    out = np.full((len(rows), padded(max(map(len, rows)))), value, dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
