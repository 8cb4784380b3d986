"""What people type first: changed versions of training pairs that look like it.

Corpora hold whole sentences with capitals and full stops. People type greetings, single words, questions in small letters
without punctuation, headlines, and names and numbers that no corpus has. Each rule makes such a version of a random share
of the pairs. Word alignment is not needed; scripts without capitals or spaces only get the rules that fit them.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator

STOP = ".!?。！？…"
NUMBER = re.compile(r"(?<![\w.,:/-])(?:\d{1,2}:\d\d|\d{1,4})(?![\w:/-]|[.,]\d)")  # a time of day too
HAN = re.compile(r"[\u3400-\u9fff]")
# A word with a capital among words without: no part of a longer name, such as Los Angeles.
NAME = re.compile(r"(?:(?<=[a-z,] )|^)[A-Z][a-z]{2,10}(?![\w-]| [A-Z])")
# What a dictionary says of a name in Han signs: "Paris, capital of France"; no language, month or day.
ENTRY = re.compile(r"([A-Z][a-zā-ž]{2,10})(?:, [a-z].*)?")
HAN_NAME = re.compile(r"(?!星期|周|礼拜)[\u3400-\u9fff]{1,4}[^\W月日份周语文人族]")
# Words that stand inside a title in small letters.
SMALL = {"a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}


def without_stop(text: str) -> str:
    return text.rstrip(STOP + " ")


def small(source: str, target: str, r: random.Random) -> tuple[str, str] | None:
    """Small letters; mostly no sign at the end, and then often none in the translation, but for questions."""
    if source.lower() == source or sum(map(str.isupper, source)) > 4:
        return None
    text = source.lower()
    if r.random() < 0.8:
        text = re.sub(r"[,;]", "", without_stop(text)).replace("'", r.choice(["'", ""]))
        if r.random() < 0.3 and target[-1] not in "?？":
            target = without_stop(target)
    return text, target


def bare(source: str, target: str, r: random.Random) -> tuple[str, str] | None:
    """No full stop on either side."""
    if source[-1] not in ".。" or target[-1] not in ".。":
        return None
    return without_stop(source), without_stop(target)


def headline(source: str, target: str, r: random.Random) -> tuple[str, str] | None:
    """Title Case In The Source, no full stop on either side."""
    words = source.split(" ")
    if not 3 <= len(words) <= 14 or source[-1] != "." or target[-1] not in ".。" or source.count(".") > 1:
        return None
    title = [w if i and w in SMALL else w[:1].upper() + w[1:] for i, w in enumerate(words)]
    return without_stop(" ".join(title)), without_stop(target)


def numbers(source: str, target: str, r: random.Random) -> tuple[str, str] | None:
    """Other numbers where both sides have the same ones, once each."""
    found = NUMBER.findall(source)
    if not found or len(set(found)) < len(found) or sorted(found) != sorted(NUMBER.findall(target)):
        return None
    other = {n: another(n, r) for n in found}
    return tuple(NUMBER.sub(lambda m: other[m.group()], text) for text in (source, target))


def another(number: str, r: random.Random) -> str:
    if ":" in number:
        return f"{r.randint(1, 23)}:{r.randrange(12) * 5:02}"
    n = int(number)
    if 1500 <= n < 2100 and len(number) == 4:
        return str(r.randint(1500, 2099))
    if n < 2:  # singular and plural differ
        return number
    return str(r.randint(2, 9) if n < 10 else r.randint(10 ** (len(number) - 1), 10 ** len(number) - 1))


def is_brief(text: str, words: int = 4) -> bool:
    """A sentence (entries of a dictionary are none) of up to so many words, or half as many Han signs again."""
    return text[-1] in STOP and 2 <= len(text) and len(text.split(" ")) <= words and len(HAN.findall(text)) <= 1.5 * words


def short(source: str, target: str, r: random.Random) -> tuple[str, str] | None:
    """Greetings and other short sentences: without the sign at the end, in small letters, or with an exclamation mark."""
    if not is_brief(source):
        return None
    question = source[-1] in "?？"
    text, end = without_stop(source), target if question else without_stop(target)
    way = r.randrange(3)
    if way == 0 or question and way == 1:
        return text.lower(), end
    if way == 1:
        return text, end
    return text + ("?" if question else "!"), end if question else end + ("！" if HAN.search(end) else "!")


def joined(source: list[str], target: list[str]):
    """Behind a short sentence another one, all in small letters without signs: "hello how are you"."""
    brief = [i for i, text in enumerate(source) if is_brief(text)]

    def together(a: str, b: str) -> str:
        return a + ("" if HAN.match(b) else " ") + b

    def rule(a: str, b: str, r: random.Random) -> tuple[str, str] | None:
        if not brief or not is_brief(a) or b[-1] not in STOP:
            return None
        other = r.choice(brief)
        text = together(without_stop(a), without_stop(source[other])).lower()
        return re.sub("[,;，；]", "", text), together(b, target[other])

    return rule


def common_names(source: list[str], target: list[str], least: int = 3) -> list[str]:
    """Capitalized words inside sentences that stay as they are in translation: people and places."""
    count = Counter(x for a, b in zip(source, target) for x in set(NAME.findall(a)) & set(NAME.findall(b)))
    everyday = {word for line in source for word in line.split() if word.islower()}
    return sorted(x for x, n in count.items() if n >= least and x.lower() not in everyday)


def name_pairs(source: list[str], target: list[str]) -> list[tuple[str, str]]:
    """Names as both languages write them: alike, or, where one writes Han signs, as entries of a dictionary have them."""
    names = [(name, name) for name in common_names(source, target)]
    everyday = {word for side in (source, target) for line in side for word in line.split() if word.islower()}
    for a, b in zip(source, target):
        han, latin = (a, b) if HAN.match(a) else (b, a)
        entry = ENTRY.fullmatch(latin)
        if entry and 2 <= len(han) <= 5 and HAN_NAME.fullmatch(han) and entry[1].lower() not in everyday:
            names.append((a, entry[1]) if han is a else (entry[1], b))
    return sorted(set(names))


def renamed(names: list[tuple[str, str]]):
    known: dict[str, list[tuple[str, str]]] = {}
    for pair in names:
        known.setdefault(pair[1] if HAN.match(pair[0]) else pair[0], []).append(pair)

    def swapped(text: str, old: str, new: str) -> str:
        return text.replace(old, new) if HAN.match(old) else re.sub(rf"\b{old}\b", new, text)

    def rule(source: str, target: str, r: random.Random) -> tuple[str, str] | None:
        """Another name where both sides have the same one."""
        words = set(NAME.findall(target if HAN.search(source) else source)) & known.keys()
        found = [pair for word in sorted(words) for pair in known[word] if pair[0] in source and pair[1] in target]
        if not found or source in found[0]:  # the entry of a dictionary itself
            return None
        old, new = r.choice(found), r.choice(names)
        return swapped(source, old[0], new[0]), swapped(target, old[1], new[1])

    return rule


def typed_pairs(
    source: list[str], target: list[str], shares: dict[str, float], seed: int
) -> Iterator[tuple[int, str, str]]:
    """Which pair was changed, and its new sides. `shares`: of each rule, by name, the share of the pairs it is tried on;
    2 tries it twice on each."""
    rules = {"small": small, "bare": bare, "headline": headline, "numbers": numbers, "short": short}
    made_of_all = {"joined": joined, "names": lambda *sides: renamed(name_pairs(*sides))}
    if unknown := set(shares) - {*rules, *made_of_all}:
        raise ValueError(f'"typed" has {sorted(unknown)}; it can have {sorted({*rules, *made_of_all})}')
    rules |= {name: make(source, target) for name, make in made_of_all.items() if name in shares}
    r = random.Random(seed)
    for name, share in shares.items():
        for i, (a, b) in enumerate(zip(source, target)):
            for _ in range(int(share) + (r.random() < share % 1)):
                if (made := rules[name](a, b, r)) and all(made):
                    yield i, *made
