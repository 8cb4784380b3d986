"""The end of a training by reward: translations that the model draws itself, and how near each comes to the reference.

Cross-entropy alone leaves a model that is unsure with translations that are too short: the likeliest one skips what could
be said in several ways. Here those that score above the mean of their sentence become likelier and the others less so
(REINFORCE with the mean as baseline; Ranzato et al. 2016, Edunov et al. 2018).
"""

import math
from collections import Counter

import torch


def ngrams(tokens: list[str], n: int) -> Counter:
    return Counter(zip(*(tokens[i:] for i in range(n))))


def sentence_bleu(hypothesis: list[str], reference: list[str]) -> float:
    """0 to 1; one is added to the counts of n-grams beyond the first (Lin and Och 2004)."""
    if not hypothesis:
        return 0.0
    total = min(0.0, 1 - len(reference) / len(hypothesis))
    for n in range(1, 5):
        ours, theirs = ngrams(hypothesis, n), ngrams(reference, n)
        more = int(n > 1)
        hits = sum((ours & theirs).values()) + more
        if hits == 0:
            return 0.0
        total += math.log(hits / (max(0, len(hypothesis) - n + 1) + more)) / 4
    return math.exp(total)


def advantages(translations: list[list[str]], references: list[list[str]]) -> tuple[torch.Tensor, float]:
    """How far each translation is above the mean of its sentence, in standard deviations, and the mean score.

    `translations`: as many for each reference, those of one after the other; the advantages are in that order.
    """
    count = len(translations) // len(references)
    scores = [sentence_bleu(x, references[i // count]) for i, x in enumerate(translations)]
    table = torch.tensor(scores).view(-1, count)
    spread = table.std(1, keepdim=True).clamp(min=1e-3)
    return ((table - table.mean(1, keepdim=True)) / spread).flatten(), float(table.mean())
