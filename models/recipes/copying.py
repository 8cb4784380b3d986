"""Teaches a model to copy what it cannot know: names, numbers, addresses, placeholders, emoji, other scripts.

Of some training pairs a second version is made in which a word and the word that translates it are both replaced by the
same rare string. With byte fallback the model then has a reason to spell such strings instead of guessing.
"""

import random

import align

VOWELS, CONSONANTS = "aeiouyäöüáéíóúàèêåøæ", "bcdfghjklmnpqrstvwxzñçšžłćğþ"
SCRIPTS = [(0x391, 0x3A9), (0x3B1, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939), (0x3041, 0x3096),
           (0x4E00, 0x62FF), (0xAC00, 0xB3FF), (0x2190, 0x22FF), (0x1D400, 0x1D433)]  # fmt: skip
EMOJI = [(0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F900, 0x1F9FF), (0x2600, 0x26FF)]
TAGS = ["name", "count", "user", "x", "item", "file", "date", "total", "id", "value"]
ENDINGS = ["org", "com", "net", "de", "io", "co.uk", "example.org"]


def word(r: random.Random) -> str:
    accented = r.random() < 0.3
    vowels, consonants = (VOWELS, CONSONANTS) if accented else (VOWELS[:5], CONSONANTS[:18])
    text = "".join(r.choice(consonants) + r.choice(vowels) for _ in range(r.randint(1, 4)))
    return text + (r.choice(consonants) if r.random() < 0.5 else "")


def number(r: random.Random) -> str:
    n = r.randint(0, 10 ** r.randint(1, 6))
    kinds = [str(n), f"{n:,}", f"{n / 100:.2f}", f"{r.randint(0, 23)}:{r.randint(0, 59):02}", f"{r.randint(1500, 2100)}",
             f"{r.randint(1, 28)}.{r.randint(1, 12)}.{r.randint(1900, 2099)}", f"{r.randint(1, 100)}%", f"+{n}"]  # fmt: skip
    return r.choice(kinds)


def characters(r: random.Random, ranges: list[tuple[int, int]], most: int) -> str:
    low, high = r.choice(ranges)
    return "".join(chr(r.randint(low, high)) for _ in range(r.randint(1, most)))


def rare(r: random.Random) -> str:
    kind = r.random()
    if kind < 0.3:
        return word(r).capitalize()
    if kind < 0.5:
        return number(r)
    if kind < 0.62:
        tag = r.choice(TAGS)
        return r.choice(
            [f"{{{tag}}}", f"${{{tag}}}", f"%{r.choice('sd')}", f"<{tag[0]}>", f"[{tag}]", f"@{tag}", f"#{word(r)}"]
        )
    if kind < 0.72:
        host = f"{word(r)}.{r.choice(ENDINGS)}"
        return r.choice([f"https://{host}/{word(r)}", f"www.{host}", f"{word(r)}@{host}", f"/{word(r)}/{word(r)}.txt"])
    if kind < 0.84:
        return characters(r, EMOJI, 2)
    if kind < 0.95:
        return characters(r, SCRIPTS, 4)
    return r.choice(
        [
            word(r).upper(),
            f"{word(r)}_{word(r)}",
            f"{word(r)}{r.randint(0, 99)}",
            f"{r.choice('ABCXYZ')}{r.randint(1, 999)}",
        ]
    )


def copied_pairs(source: list[str], target: list[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Changed versions of a random `share` of the pairs."""
    r = random.Random(seed)
    chosen = [i for i in range(len(source)) if r.random() < share]
    links = align.align([source[i] for i in chosen], [target[i] for i in chosen])
    out_source, out_target = [], []
    for i, linked in zip(chosen, links):
        spans = [[m.span() for m in align.UNIT.finditer(text)] for text in (source[i], target[i])]
        words = [
            (a, b)
            for a, b in linked
            if source[i][slice(*spans[0][a])].isalnum() and target[i][slice(*spans[1][b])].isalnum()
        ]
        if not words:
            continue
        a, b = r.choice(words)
        text = rare(r)
        out_source.append(source[i][: spans[0][a][0]] + text + source[i][spans[0][a][1] :])
        out_target.append(target[i][: spans[1][b][0]] + text + target[i][spans[1][b][1] :])
    return out_source, out_target
