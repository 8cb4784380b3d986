#!/usr/bin/env python3
"""Makes the golden references of the lab: what PyTorch computes in float64 for a tiny encoder-decoder of every variant.

    python tests/golden/make_lab.py            (needs torch; run from anywhere)

Twenty configs cover every pair of options, which is as few as can be, since activations and positions alone have twenty
pairs. The network is written here once more on torch's own functions. Weights and batches are not stored: a hash of
name, element and seed gives them, here and in tests/c/test_lab_golden.c. Gradients are not stored whole: of each tensor
the norm and four products with vectors of the same hash, which no wrong gradient has by chance.

tests/golden/lab/gradients.txt    a config, its loss, and one line for each tensor
tests/golden/lab/steps.txt        twenty steps of each optimizer: losses, and products of the final values
tests/golden/lab/plateau.txt      learning rates of torch's ReduceLROnPlateau over seeded validation losses
tests/golden/lab/family.txt       as gradients.txt: Transformers of which parts are left out, recurrent networks, classifiers
tests/golden/lab/networks.txt     as gradients.txt: language models and ViT on torch.nn.TransformerEncoderLayer, Swin, and
                                  networks with torch's batch norm, these also with the loss of an evaluation
"""

import itertools
import math
import random
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

here = Path(__file__).parent
sys.path.insert(0, str(here.parent.parent / "models" / "recipes"))
from make import uniform  # noqa: E402
from muon import Muon  # noqa: E402

OPTIONS = {
    "activation": ["relu", "silu", "gelu-erf", "gelu-tanh", "gelu-sigmoid"],
    "position": ["sinusoid-interleaved", "sinusoid-halves", "sinusoid-marian", "learned"],
    "norm": ["post", "pre"],
    "mixer": ["attention", "ssru"],
    "output": ["tied", "untied"],
    "output_bias": ["yes", "no"],
    "start": ["bos", "zero-vector"],
    "heads": [1, 4],
    "encoder_layers": [1, 2],
    "decoder_layers": [1, 2],
    "label_smoothing": [0, 0.1],
    "guided": [0, 0.5],
    "dropout": [0, 0.25],
    "activation_dropout": [0, 0.2],
    "attention_dropout": [0, 0.15],
}
SWITCHES = {
    "normalise": ["layer", "none"],
    "residual": ["yes", "no"],
    "causal": ["yes", "no"],
    "score": ["scaled-dot", "dot"],
    "selection": ["soft", "hard"],
    "position": ["none", "learned"],
    "norm": ["post", "pre"],
    "guided": [0, 0.5],
    "attention_dropout": [0, 0.15],
}
CLASSIFIER = {
    "pool": ["mean", "token"],
    "norm": ["post", "pre"],
    "position": ["learned", "sinusoid-halves"],
    "encoder_layers": [1, 2],
    "attention_dropout": [0, 0.15],
    "dropout": [0, 0.25],
}
RECURRENT = {
    "cell": ["gated", "plain"],
    "direction": ["both", "forward"],
    "keys": ["whole", "split"],
    "selection": ["soft", "hard"],
    "heads": [1, 2],
    "encoder_layers": [1, 2],
    "decoder_layers": [1, 2],
    "output": ["tied", "untied"],
    "dropout": [0, 0.25],
    "attention_dropout": [0, 0.15],
    "guided": [0, 0.5],
}
SCORES = ["scaled-dot", "dot", "general", "additive", "concat", "cosine", "none"]
D, FFN, V, CONTEXT, EPSILON = 16, 32, 20, 12, 1e-5
SOURCES, TARGETS = [5, 3, 9, 1], [4, 6, 2, 7]  # tokens of the batch's four pairs, ends included
BOS, EOS = 2, 3
PROBES = 4


def pairs_of(config: dict) -> set:
    return set(itertools.combinations(config.items(), 2))


def covering() -> list[dict]:
    """Twenty configs with every pair of options, by greedy choice among random ones."""
    every = itertools.product(OPTIONS["activation"], OPTIONS["position"])
    needed = {
        pair
        for a, b in itertools.combinations(OPTIONS, 2)
        for pair in itertools.product([(a, x) for x in OPTIONS[a]], [(b, x) for x in OPTIONS[b]])
    }
    rng, out = random.Random(1), []
    for activation, position in every:
        drawn = []
        for _ in range(2000):
            config = {name: rng.choice(values) for name, values in OPTIONS.items()}
            drawn.append(config | {"activation": activation, "position": position})
        best = max(drawn, key=lambda config: len(pairs_of(config) & needed))
        needed -= pairs_of(best)
        out.append(best)
    assert not needed, needed
    return out


def philox(key: int, counter: tuple[int, int, int, int]) -> list[int]:
    """Philox4x32-10 (Salmon et al. 2011)."""
    a, b, c, d = counter
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k0, q & 0xFFFFFFFF, (p >> 32) ^ d ^ k1, p & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return [a, b, c, d]


class Draws:
    """Dropout as the lab draws it: each place of the network counts up, each row has blocks of four words."""

    def __init__(self, seed: int, step: int, on: bool = True):
        self.seed, self.step, self.site, self.on = seed, step, 0, on

    def mask(self, p: float, rows: int, width: int, sequence: int, site: int) -> torch.Tensor:
        threshold, blocks = int(p * 4294967296.0), -(-width // 4)
        words = [
            word
            for row in range(rows)
            for word in [
                w for b in range(blocks) for w in philox(self.seed, (row * blocks + b, site, self.step, sequence))
            ][:width]
        ]
        kept = (np.array(words, dtype=np.uint64) >= threshold).astype(np.float64).reshape(rows, width)
        return torch.from_numpy(kept / (1 - p))

    def next_site(self) -> int:
        self.site += 1
        return self.site - 1

    def drop(self, parts: list[torch.Tensor], p: float) -> list[torch.Tensor]:
        if p == 0 or not self.on:
            return parts
        site = self.next_site()
        return [x * self.mask(p, *x.shape, i, site) for i, x in enumerate(parts)]


ACTIVATIONS = {
    "relu": F.relu,
    "silu": F.silu,
    "gelu-erf": F.gelu,
    "gelu-tanh": lambda x: F.gelu(x, approximate="tanh"),
    "gelu-sigmoid": lambda x: x * torch.sigmoid(1.702 * x),
}


def sinusoids(kind: str) -> torch.Tensor:
    half = D // 2
    place = torch.arange(CONTEXT, dtype=torch.float64)[:, None]
    index = torch.arange(half, dtype=torch.float64)[None]
    angle = place * 10000.0 ** (-index / (half - 1 if kind == "sinusoid-marian" else half))
    if kind == "sinusoid-interleaved":
        return torch.stack([angle.sin(), angle.cos()], -1).reshape(CONTEXT, D)
    return torch.cat([angle.sin(), angle.cos()], -1)


class Network:
    """The encoder-decoder over lists of rows, one matrix a sequence, so that nothing is padded."""

    training = True

    def __init__(self, config: dict, seed: int):
        self.c = config
        self.parameters: dict[str, torch.Tensor] = {}
        self.seed = seed
        self.add("token_embd.weight", V, D)
        if config["position"] == "learned":
            self.add("enc.position_embd.weight", CONTEXT, D)
            self.add("dec.position_embd.weight", CONTEXT, D)
        for i in range(config["encoder_layers"]):
            self.add_layer(f"enc.blk.{i}.", ["attn"])
        for i in range(config["decoder_layers"]):
            self.add_layer(f"dec.blk.{i}.", ["ssru" if config["mixer"] == "ssru" else "attn", "cross_attn"])
        if config["norm"] == "pre":
            self.add_norm("enc.output_norm")
            self.add_norm("dec.output_norm")
        if config["output"] == "untied":
            self.add("output.weight", V, D)
        if config["output_bias"] == "yes":
            self.add("output.bias", 1, V)

    def add(self, name: str, rows: int, cols: int) -> None:
        centre, width = 0.0, 0.3
        if name.endswith("norm.weight"):
            centre, width = 1.0, 0.2
        elif name.endswith(".var"):
            centre, width = 1.0, 0.2
        elif rows > 1 and "embd" not in name:
            width = math.sqrt(3.0 / cols)
        values = np.float32(centre) + np.float32(width) * uniform(name, rows * cols, self.seed)
        tensor = torch.from_numpy(values.astype(np.float64)).view(*((rows, cols) if rows > 1 else (cols,)))
        self.parameters[name] = tensor.requires_grad_()

    def add_linear(self, name: str, rows: int, cols: int) -> None:
        self.add(f"{name}.weight", rows, cols)
        self.add(f"{name}.bias", 1, rows)

    def add_norm(self, name: str, width: int = D) -> None:
        if self.c.get("normalise") == "none":
            return
        self.add(f"{name}.weight", 1, width)
        self.add(f"{name}.bias", 1, width)
        if self.c.get("normalise") == "batch":
            self.add(f"{name}.mean", 1, width)
            self.add(f"{name}.var", 1, width)

    def add_layer(self, prefix: str, mixers: list[str]) -> None:
        for mixer in mixers:
            for part in "wf" if mixer == "ssru" else "qkvo":
                self.add_linear(f"{prefix}{mixer}_{part}", D, D)
            self.add_norm(f"{prefix}{mixer}_norm")
        self.add_linear(f"{prefix}ffn_up", FFN, D)
        self.add_linear(f"{prefix}ffn_down", D, FFN)
        self.add_norm(f"{prefix}ffn_norm")

    def linear(self, name: str, parts: list[torch.Tensor]) -> list[torch.Tensor]:
        p = self.parameters
        return [F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"]) for x in parts]

    def norm(self, name: str, parts: list[torch.Tensor]) -> list[torch.Tensor]:
        p = self.parameters
        if self.c.get("normalise") == "none":
            return parts
        weight, bias = p[f"{name}.weight"], p[f"{name}.bias"]
        if self.c.get("normalise") == "batch":
            return self.batch_norm(name, parts, weight, bias)
        return [F.layer_norm(x, (x.shape[-1],), weight, bias, EPSILON) for x in parts]

    def batch_norm(self, name, parts, weight, bias):
        """torch's, over all rows; what its statistics moved by in a step stands for their gradient."""
        mean, variance = (self.parameters[f"{name}.{end}"] for end in ("mean", "var"))
        kept = mean.detach().clone(), variance.detach().clone()
        y = F.batch_norm(torch.cat(parts), *kept, weight, bias, self.training, 0.1, EPSILON)
        if self.training:
            mean.grad, variance.grad = (mean.detach() - kept[0]) / 0.1, (variance.detach() - kept[1]) / 0.1
        return list(y.split([len(x) for x in parts]))

    def input(self, name: str, x: list[torch.Tensor]) -> list[torch.Tensor]:
        return self.norm(name, x) if self.c["norm"] == "pre" else x

    def end(self, name: str, x: list[torch.Tensor], y: list[torch.Tensor], draws: Draws) -> list[torch.Tensor]:
        y = draws.drop(y, self.c["dropout"])
        x = y if self.c.get("residual") == "no" else [a + b for a, b in zip(x, y)]
        return x if self.c["norm"] == "pre" else self.norm(name, x)

    def attend(self, name, x, memory, causal, draws, guide=None):
        """Attention with residual and norm, and the guided loss of head 0."""
        inner = self.input(f"{name}_norm", x)
        memory = inner if memory is None else memory
        q, k, v = self.linear(f"{name}_q", inner), self.linear(f"{name}_k", memory), self.linear(f"{name}_v", memory)
        mixed, loss = self.mix(q, k, v, causal and self.c.get("causal") != "no", draws, guide)
        return self.end(f"{name}_norm", x, self.linear(f"{name}_o", mixed), draws), loss

    def scores(self, q: torch.Tensor, k: torch.Tensor, head: int) -> torch.Tensor:
        """Of one head of one sequence."""
        return q @ k.T / (math.sqrt(q.shape[1]) if self.c.get("score", "scaled-dot") == "scaled-dot" else 1)

    def mix(self, q, k, v, causal, draws, guide):
        """Values by attention, and the guided loss of head 0."""
        heads, p = self.c["heads"], self.c["attention_dropout"]
        hard = self.c.get("selection") == "hard"
        drops = p and draws.on and not hard
        site = draws.next_site() if drops else 0
        out, loss = [], torch.zeros((), dtype=torch.float64)
        for i in range(len(q)):
            mixed = []
            for h in range(heads):
                of = [x[:, slice(h * x.shape[1] // heads, (h + 1) * x.shape[1] // heads)] for x in (q[i], k[i], v[i])]
                scores = self.scores(of[0], of[1], h)
                m, n = scores.shape
                if causal:
                    scores = scores.masked_fill(~torch.ones(m, n, dtype=torch.bool).tril(), float("-inf"))
                weights = scores.softmax(-1)
                if guide is not None and h == 0:
                    loss = loss - (guide[i] * scores.log_softmax(-1)).sum()
                if drops:  # the rows of the heads count on
                    weights = weights * draws.mask(p, (h + 1) * m, n, i, site)[h * m :]
                if hard:  # straight-through: the largest, with the gradient of the soft weights
                    weights = F.one_hot(weights.argmax(-1), n) + weights - weights.detach()
                mixed.append(weights @ of[2])
            out.append(torch.cat(mixed, -1))
        return out, loss

    def feed_forward(self, prefix, x, draws):
        y = self.linear(f"{prefix}ffn_up", self.input(f"{prefix}ffn_norm", x))
        y = draws.drop([ACTIVATIONS[self.c["activation"]](part) for part in y], self.c["activation_dropout"])
        return self.end(f"{prefix}ffn_norm", x, self.linear(f"{prefix}ffn_down", y), draws)

    def ssru(self, prefix, x, draws):
        inner = self.input(f"{prefix}ssru_norm", x)
        w, gates = self.linear(f"{prefix}ssru_w", inner), self.linear(f"{prefix}ssru_f", inner)
        out = []
        for part, gate in zip(w, gates):
            cell, rows = torch.zeros(D, dtype=torch.float64), []
            for a, f in zip(part, gate.sigmoid()):
                cell = f * cell + (1 - f) * a
                rows.append(cell)
            out.append(torch.stack(rows).relu())
        return self.end(f"{prefix}ssru_norm", x, out, draws)

    def embed(self, ids, side, draws):
        learned = self.c["position"] == "learned"
        none = torch.zeros(CONTEXT, D, dtype=torch.float64)
        place = none if self.c["position"] == "none" else sinusoids(self.c["position"])
        place = self.parameters[f"{side}.position_embd.weight"] if learned else place
        parts = []
        for row in ids:
            x = self.parameters["token_embd.weight"][row] * math.sqrt(D)
            if side == "dec" and self.c["start"] == "zero-vector":
                x = torch.cat([torch.zeros_like(x[:1]), x[1:]])
            parts.append(x + place[: len(row)])
        return draws.drop(parts, self.c["dropout"])

    def loss(self, sources, targets, guide, draws) -> torch.Tensor:
        x = self.embed(sources, "enc", draws)
        for i in range(self.c["encoder_layers"]):
            x, _ = self.attend(f"enc.blk.{i}.attn", x, None, False, draws)
            x = self.feed_forward(f"enc.blk.{i}.", x, draws)
        memory = self.norm("enc.output_norm", x) if self.c["norm"] == "pre" else x
        x = self.embed([[BOS, *row[:-1]] for row in targets], "dec", draws)
        guided = torch.zeros((), dtype=torch.float64)
        for i in range(self.c["decoder_layers"]):
            prefix = f"dec.blk.{i}."
            if self.c["mixer"] == "ssru":
                x = self.ssru(prefix, x, draws)
            else:
                x, _ = self.attend(f"{prefix}attn", x, None, True, draws)
            last = i + 1 == self.c["decoder_layers"] and self.c["guided"] > 0
            x, guided = self.attend(f"{prefix}cross_attn", x, memory, False, draws, guide if last else None)
            x = self.feed_forward(prefix, x, draws)
        x = self.norm("dec.output_norm", x) if self.c["norm"] == "pre" else x
        return self.predict(x, targets, guided)

    def predict(self, x, targets, guided) -> torch.Tensor:
        p = self.parameters
        table = p["output.weight"] if self.c["output"] == "untied" else p["token_embd.weight"]
        logits = F.linear(torch.cat(x), table, p.get("output.bias"))
        flat = torch.tensor([token for row in targets for token in row])
        smooth = F.cross_entropy(logits, flat, label_smoothing=self.c["label_smoothing"])
        return smooth + self.c["guided"] * guided / len(flat)


class Recurrent(Network):
    """The recurrent encoder-decoder on torch.nn.GRU and torch.nn.RNN, without attention and with Luong's."""

    def __init__(self, config: dict, seed: int):
        self.c, self.seed = config, seed
        self.parameters = {}
        self.width = D // 2 if config["keys"] == "split" else D
        self.both = config["direction"] == "both"
        own, half = D // 2 if self.both else D, self.width
        self.add("token_embd.weight", V, D)
        for i in range(config["encoder_layers"]):
            for way in ["", "back_"][: 2 if self.both else 1]:
                self.add_linear(f"enc.blk.{i}.{way}input", self.gates() * own, D)
                self.add_linear(f"enc.blk.{i}.{way}state", self.gates() * own, own)
        for i in range(config["decoder_layers"]):
            self.add_linear(f"dec.blk.{i}.begin", D, D)
            self.add_linear(f"dec.blk.{i}.input", self.gates() * D, D)
            self.add_linear(f"dec.blk.{i}.state", self.gates() * D, D)
        score = config["score"]
        if score == "general":
            self.add("dec.attn_k.weight", half, half)
        if score == "additive":
            self.add("dec.attn_q.weight", half, half)
            self.add_linear("dec.attn_k", half, half)
        if score == "concat":
            self.add_linear("dec.attn_qk", half, 2 * half)
        if score in ("additive", "concat"):
            self.add("dec.attn_score.weight", 1, half)
        if score == "cosine":
            self.add("dec.attn_score.weight", 1, config["heads"])
        if score != "none":
            self.add_linear("dec.attn_o", D, half + D)
        if config["output"] == "untied":
            self.add("output.weight", V, D)
        self.add("output.bias", 1, V)

    def gates(self) -> int:
        return 3 if self.c["cell"] == "gated" else 1

    def recur(self, prefix: str, width: int, ways: list[str], x: torch.Tensor, begin=None):
        """States of one sequence (L, ways x width), and the last of each way."""
        kind = torch.nn.GRU if self.c["cell"] == "gated" else torch.nn.RNN
        module = kind(D, width, bidirectional=len(ways) == 2).double()
        weights = {}
        for way, end in zip(ways, ["", "_reverse"]):
            for part, name in (("ih", "input"), ("hh", "state")):
                weights[f"weight_{part}_l0{end}"] = self.parameters[f"{prefix}{way}{name}.weight"]
                weights[f"bias_{part}_l0{end}"] = self.parameters[f"{prefix}{way}{name}.bias"]
        arguments = (x,) if begin is None else (x, begin[None])
        states, last = torch.func.functional_call(module, weights, arguments)
        return states, last.flatten()

    def scores(self, q, k, head):
        score, p = self.c["score"], self.parameters
        if score in ("additive", "concat"):
            v = p["dec.attn_score.weight"][head * q.shape[1] : (head + 1) * q.shape[1]]
            return (q[:, None] + k[None]).tanh() @ v
        if score == "cosine":
            sharp = p["dec.attn_score.weight"][head].clamp(max=math.log(100)).exp()
            return F.cosine_similarity(q[:, None], k[None], dim=-1) * sharp
        return super().scores(q, k, head)

    def attend_to(self, states, memory, draws, guide):
        score, p, half = self.c["score"], self.parameters, self.width
        split = self.c["keys"] == "split"
        q = [x[:, :half] for x in states]
        k = [x[:, :half] for x in memory]
        v = [x[:, half:] for x in memory] if split else memory
        if score == "general":
            k = [F.linear(x, p["dec.attn_k.weight"]) for x in k]
        if score == "additive":
            q = [F.linear(x, p["dec.attn_q.weight"]) for x in q]
            k = self.linear("dec.attn_k", k)
        if score == "concat":  # W [q; k] + b
            w, b = p["dec.attn_qk.weight"], p["dec.attn_qk.bias"]
            q, k = [F.linear(x, w[:, :half], b) for x in q], [F.linear(x, w[:, half:]) for x in k]
        context, loss = self.mix(q, k, v, False, draws, guide)
        joined = [torch.cat(pair, -1) for pair in zip(context, states)]
        return draws.drop([x.tanh() for x in self.linear("dec.attn_o", joined)], self.c["dropout"]), loss

    def loss(self, sources, targets, guide, draws) -> torch.Tensor:
        table, drop = self.parameters["token_embd.weight"], self.c["dropout"]
        ways = ["", "back_"][: 2 if self.both else 1]
        x = draws.drop([table[row] for row in sources], drop)
        for i in range(self.c["encoder_layers"]):
            done = [self.recur(f"enc.blk.{i}.", D // len(ways), ways, part) for part in x]
            x, last = draws.drop([states for states, _ in done], drop), [end for _, end in done]
        memory = x
        x = draws.drop([table[[BOS, *row[:-1]]] for row in targets], drop)
        for i in range(self.c["decoder_layers"]):
            begin = [b.tanh() for b in self.linear(f"dec.blk.{i}.begin", last)]
            done = [self.recur(f"dec.blk.{i}.", D, [""], part, b) for part, b in zip(x, begin)]
            x = draws.drop([states for states, _ in done], drop)
        guided = torch.zeros((), dtype=torch.float64)
        if self.c["score"] != "none":
            x, guided = self.attend_to(x, memory, draws, guide if self.c["guided"] > 0 else None)
        return self.predict(x, targets, guided)


class Classifier(Network):
    """The encoder alone: a label for each source, by the mean of its rows or by that of its end."""

    def __init__(self, config: dict, seed: int):
        self.c, self.seed, self.parameters = config, seed, {}
        self.add("token_embd.weight", V, D)
        if config["position"] == "learned":
            self.add("enc.position_embd.weight", CONTEXT, D)
        for i in range(config["encoder_layers"]):
            self.add_layer(f"enc.blk.{i}.", ["attn"])
        if config["norm"] == "pre":
            self.add_norm("enc.output_norm")
        self.add_linear("class", V, D)

    def loss(self, sources, targets, guide, draws) -> torch.Tensor:
        x = self.embed(sources, "enc", draws)
        for i in range(self.c["encoder_layers"]):
            x, _ = self.attend(f"enc.blk.{i}.attn", x, None, False, draws)
            x = self.feed_forward(f"enc.blk.{i}.", x, draws)
        x = self.norm("enc.output_norm", x) if self.c["norm"] == "pre" else x
        rows = torch.stack([part.mean(0) if self.c["pool"] == "mean" else part[-1] for part in x])
        logits = F.linear(rows, self.parameters["class.weight"], self.parameters["class.bias"])
        labels = torch.tensor([row[0] for row in targets])
        return F.cross_entropy(logits, labels, label_smoothing=self.c["label_smoothing"])


class Stack(Network):
    """What the networks below share: layers of torch.nn.TransformerEncoderLayer, one sequence at a time."""

    def __init__(self, config: dict, seed: int):
        self.c, self.seed, self.parameters = config, seed, {}
        self.fill()

    def layer(self, prefix: str, x: torch.Tensor, mask=None) -> torch.Tensor:
        pre = self.c["norm"] == "pre"
        module = torch.nn.TransformerEncoderLayer(
            D, self.c["heads"], FFN, 0.0, ACTIVATIONS[self.c["activation"]], EPSILON, True, pre
        ).double()
        p = {name: self.parameters[f"{prefix}{name}"] for name in self.names()}
        weights = {
            "self_attn.in_proj_weight": torch.cat([p[f"attn_{part}.weight"] for part in "qkv"]),
            "self_attn.in_proj_bias": torch.cat([p[f"attn_{part}.bias"] for part in "qkv"]),
        }
        for theirs, ours in (
            ("self_attn.out_proj", "attn_o"),
            ("linear1", "ffn_up"),
            ("linear2", "ffn_down"),
            ("norm1", "attn_norm"),
            ("norm2", "ffn_norm"),
        ):
            weights |= {f"{theirs}.{end}": p[f"{ours}.{end}"] for end in ("weight", "bias")}
        return torch.func.functional_call(module, weights, (x[None],), {"src_mask": mask})[0]

    @staticmethod
    def names() -> list[str]:
        parts = ["attn_q", "attn_k", "attn_v", "attn_o", "attn_norm", "ffn_up", "ffn_down", "ffn_norm"]
        return [f"{part}.{end}" for part in parts for end in ("weight", "bias")]

    def stack(self, side: str, x: list[torch.Tensor], causal: bool = False) -> list[torch.Tensor]:
        batches = self.c.get("normalise") == "batch"  # torch's layer has none
        for i in range(self.c[f"{side}oder_layers"]):
            prefix = f"{side}.blk.{i}."
            if batches:
                x, _ = self.attend(f"{prefix}attn", x, None, causal, Draws(0, 0, False))
                x = self.feed_forward(prefix, x, Draws(0, 0, False))
                continue
            masks = [torch.nn.Transformer.generate_square_subsequent_mask(len(part)).double() for part in x]
            x = [self.layer(prefix, part, mask if causal else None) for part, mask in zip(x, masks)]
        return self.norm(f"{side}.output_norm", x) if self.c["norm"] == "pre" else x


class Language(Stack):
    """A masked language model, whose rows tell two of three tokens, or a causal one."""

    def fill(self) -> None:
        side = self.side = "dec" if self.c["architecture"] == "causal" else "enc"
        self.add("token_embd.weight", V, D)
        if self.c["position"] == "learned":
            self.add(f"{side}.position_embd.weight", CONTEXT, D)
        for i in range(self.c[f"{side}oder_layers"]):
            self.add_layer(f"{side}.blk.{i}.", ["attn"])
        if self.c["norm"] == "pre":
            self.add_norm(f"{side}.output_norm")
        if self.c["output"] == "untied":
            self.add("output.weight", V, D)
        if self.c["output_bias"] == "yes":
            self.add("output.bias", 1, V)

    def loss(self, sources, targets, guide, draws) -> torch.Tensor:
        causal = self.side == "dec"
        ids = [[BOS, *row[:-1]] for row in targets] if causal else sources
        x = torch.cat(self.stack(self.side, self.embed(ids, self.side, draws), causal))
        p = self.parameters
        logits = F.linear(x, p.get("output.weight", p["token_embd.weight"]), p.get("output.bias"))
        told = [t if causal or j % 3 != 2 else -100 for row in (targets if causal else sources) for j, t in enumerate(row)]
        return F.cross_entropy(logits, torch.tensor(told), label_smoothing=self.c["label_smoothing"])


class Vision(Stack):
    """ViT and Swin on images of 8 x 8 pixels."""

    SIDE = 8

    def swin(self) -> bool:
        return self.c["architecture"] == "swin"

    def fill(self) -> None:
        c, grid = self.c, self.SIDE // self.c["patch"]
        self.first = not self.swin() and c["pool"] == "token"
        self.add_linear("patch_embd", D, c["patch"] ** 2)
        if self.swin():
            self.add_norm("patch_norm")
        if c["position"] == "learned":
            self.add("enc.position_embd.weight", grid * grid + self.first, D)
        stages = c.get("stages", 1)
        each = c["encoder_layers"] // stages
        for i in range(c["encoder_layers"]):
            scale, prefix = 2 ** (i // each), f"enc.blk.{i}."
            d, ffn = D * scale, FFN * scale
            for part in "qkvo":
                self.add_linear(f"{prefix}attn_{part}", d, d)
            self.add_norm(f"{prefix}attn_norm", d)
            if self.swin():
                self.add(f"{prefix}attn_bias.weight", (2 * c["window"] - 1) ** 2, c["heads"] * scale)
            self.add_linear(f"{prefix}ffn_up", ffn, d)
            self.add_linear(f"{prefix}ffn_down", d, ffn)
            self.add_norm(f"{prefix}ffn_norm", d)
            if (i + 1) % each == 0 and i + 1 < c["encoder_layers"]:
                self.add_norm(f"{prefix}merge_norm", 4 * d)
                self.add(f"{prefix}merge.weight", 2 * d, 4 * d)
        last = D * 2 ** (stages - 1)
        if c["norm"] == "pre":
            self.add_norm("enc.output_norm", last)
        self.add_linear("class", V, last)

    def patches(self, seed: int) -> list[torch.Tensor]:
        """Of four images, whose bytes are a hash's."""
        out, p, grid = [], self.c["patch"], self.SIDE // self.c["patch"]
        for i in range(len(SOURCES)):
            pixels = [int((x + 1) * 128) for x in uniform(f"image{i}", self.SIDE**2, seed).astype(np.float64)]
            image = torch.tensor(pixels, dtype=torch.float64).view(self.SIDE, self.SIDE) / 127.5 - 1
            rows = image.view(grid, p, grid, p).transpose(1, 2).reshape(grid * grid, p * p)
            out.append(torch.cat([torch.zeros_like(rows[:1]), rows]) if self.first else rows)
        return out

    def window_layer(self, prefix, x, shift, window, heads):
        """One layer over images (side, side, d); Swin's roll, windows, mask and bias, written as its paper has them."""
        side, d, pre = x[0].shape[0], x[0].shape[2], self.c["norm"] == "pre"
        p, n = self.parameters, window * window
        flat = [image.reshape(side * side, d) for image in x]
        inner = self.norm(f"{prefix}attn_norm", flat) if pre else flat
        at = [(r, c) for r in range(window) for c in range(window)]
        reach = 2 * self.c["window"] - 1 if window == self.c["window"] else 2 * window - 1
        index = torch.tensor([[(a[0] - b[0] + window - 1) * reach + a[1] - b[1] + window - 1 for b in at] for a in at])
        bias = p[f"{prefix}attn_bias.weight"][index].permute(2, 0, 1)
        region = torch.zeros(side, side)
        for r, rows in enumerate((slice(0, -window), slice(-window, -shift), slice(-shift, None)) if shift else ()):
            for c, columns in enumerate((slice(0, -window), slice(-window, -shift), slice(-shift, None))):
                region[rows, columns] = 3 * r + c
        out = []
        for rows in inner:
            parts = []
            for name in "qkv":
                y = F.linear(rows, p[f"{prefix}attn_{name}.weight"], p[f"{prefix}attn_{name}.bias"])
                parts.append(self.cut(y.view(side, side, d).roll((-shift, -shift), (0, 1)), window))
            q, k, v = (y.view(-1, n, heads, d // heads).transpose(1, 2) for y in parts)
            regions = self.cut(region[..., None], window)
            apart = (regions != regions.transpose(1, 2)).double() * -100
            scores = q @ k.transpose(-1, -2) / math.sqrt(d // heads) + bias[None] + apart[:, None]
            y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, n, d)
            y = self.uncut(y, side, window).roll((shift, shift), (0, 1)).reshape(side * side, d)
            out.append(F.linear(y, p[f"{prefix}attn_o.weight"], p[f"{prefix}attn_o.bias"]))
        flat = self.end(f"{prefix}attn_norm", flat, out, Draws(0, 0, False))
        flat = self.feed_forward(prefix, flat, Draws(0, 0, False))
        return [rows.view(side, side, d) for rows in flat]

    @staticmethod
    def cut(x, w):
        """(side, side, d) to (windows, w * w, d)."""
        side = x.shape[0]
        return x.view(side // w, w, side // w, w, -1).transpose(1, 2).reshape(-1, w * w, x.shape[-1])

    @staticmethod
    def uncut(x, side, w):
        return x.view(side // w, side // w, w, w, -1).transpose(1, 2).reshape(side, side, -1)

    def merge(self, prefix, x):
        side = x[0].shape[0] // 2
        four = [torch.cat([y[0::2, 0::2], y[1::2, 0::2], y[0::2, 1::2], y[1::2, 1::2]], -1) for y in x]
        four = self.norm(f"{prefix}merge_norm", [y.reshape(side * side, -1) for y in four])
        return [F.linear(y, self.parameters[f"{prefix}merge.weight"]).view(side, side, -1) for y in four]

    def loss(self, sources, targets, guide, draws) -> torch.Tensor:
        c, p, grid = self.c, self.parameters, self.SIDE // self.c["patch"]
        x = self.linear("patch_embd", self.patches(self.seed))
        if self.swin():
            x = self.norm("patch_norm", x)
        if c["position"] == "learned":
            x = [part + p["enc.position_embd.weight"] for part in x]
        if self.swin():
            each, side = c["encoder_layers"] // c["stages"], grid
            x = [part.view(grid, grid, D) for part in x]
            for i in range(c["encoder_layers"]):
                whole = side <= c["window"]
                shift = 0 if whole or i % each % 2 == 0 else c["window"] // 2
                heads = c["heads"] * 2 ** (i // each)
                x = self.window_layer(f"enc.blk.{i}.", x, shift, side if whole else c["window"], heads)
                if (i + 1) % each == 0 and i + 1 < c["encoder_layers"]:
                    x, side = self.merge(f"enc.blk.{i}.", x), side // 2
            x = [part.reshape(side * side, -1) for part in x]
            x = self.norm("enc.output_norm", x) if c["norm"] == "pre" else x
        else:
            x = self.stack("enc", x)
        rows = torch.stack([part[0] if self.first else part.mean(0) for part in x])
        logits = F.linear(rows, p["class.weight"], p["class.bias"])
        return F.cross_entropy(logits, torch.tensor([row[0] for row in targets]), label_smoothing=c["label_smoothing"])


def batch(seed: int):
    """Ids from 4 on, the end behind them, and links that are one source token each."""
    sources, targets, guide = [], [], []
    for i, (s, t) in enumerate(zip(SOURCES, TARGETS)):
        some = [uniform(f"{side}{i}", size - 1, seed) for side, size in (("source", s), ("target", t))]
        a, b = ([4 + int((x + 1) * (V - 4) / 2) for x in part.astype(np.float64)] + [EOS] for part in some)
        links = torch.zeros(t, s, dtype=torch.float64)
        for j in range(t):
            if j % 3 != 2:  # every third target token has no link
                links[j, (j * 2 + i) % s] = 1
        sources.append(a)
        targets.append(b)
        guide.append(links)
    return sources, targets, guide


def probes(name: str, x: torch.Tensor) -> str:
    flat = x.detach().flatten().numpy()
    products = [float(flat @ uniform(f"{name}/{i}", len(flat), 77).astype(np.float64)) for i in range(PROBES)]
    return " ".join(f"{v:.7g}" for v in [float(np.linalg.norm(flat)), *products])


def settings(config: dict) -> str:
    return " ".join(f"{name}={value}" for name, value in config.items())


def gradients() -> None:
    lines = []
    for number, config in enumerate(covering()):
        seed = 2000 + number
        network = Network(config, seed)
        loss = network.loss(*batch(seed), Draws(seed, 0))
        loss.backward()
        lines.append(f"config {settings(config)} seed={seed}")
        lines.append(f"loss {loss.item():.12g}")
        lines += [f"{name} {probes(name, p.grad)}" for name, p in network.parameters.items()]
    (here / "lab" / "gradients.txt").write_text("\n".join(lines) + "\n")


def drawn(options: dict, rows: list[dict], rng: random.Random) -> list[dict]:
    """For each row the config, of some random ones, with the most pairs of options that were not there yet."""
    seen, out = set(), []
    for row in rows:
        some = [{name: rng.choice(values) for name, values in options.items()} | row for _ in range(500)]
        best = max(some, key=lambda config: len(pairs_of(config) - seen))
        seen |= pairs_of(best)
        out.append(best)
    return out


def family() -> None:
    """Switched Transformers, recurrent networks of every score twice, and classifiers."""
    rng, lines = random.Random(2), []
    usual = {"activation": "relu", "output": "tied", "output_bias": "yes", "start": "bos", "label_smoothing": 0.1}
    usual |= {"mixer": "attention", "heads": 4, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0}
    usual |= {"activation_dropout": 0}
    switched = drawn(SWITCHES, [{}] * 6, rng)
    recurrent = drawn(RECURRENT, [{"score": score} for score in SCORES * 2], rng)
    rest = {"output_bias": "yes", "start": "bos", "label_smoothing": 0.1}
    configs = [(Network, usual | config) for config in switched]
    configs += [(Recurrent, {"architecture": "recurrent"} | config | rest) for config in recurrent]
    classifiers = drawn(CLASSIFIER, [{}] * 4, rng)
    configs += [(Classifier, usual | {"architecture": "classifier"} | config) for config in classifiers]
    for number, (kind, config) in enumerate(configs):
        seed = 4000 + number
        network = kind(config, seed)
        loss = network.loss(*batch(seed), Draws(seed, 0))
        loss.backward()
        lines.append(f"config {settings(config)} seed={seed}")
        lines.append(f"loss {loss.item():.12g}")
        lines += [f"{name} {probes(name, p.grad)}" for name, p in network.parameters.items()]
    (here / "lab" / "family.txt").write_text("\n".join(lines) + "\n")


def networks() -> None:
    """Language models, ViT, Swin, and batch norm in some of them and in the encoder-decoder."""
    usual = {"activation": "gelu-erf", "output": "tied", "output_bias": "yes", "label_smoothing": 0.1, "heads": 4}
    usual |= {"dropout": 0, "attention_dropout": 0, "activation_dropout": 0, "start": "bos", "mixer": "attention"}
    batches = {"normalise": "batch", "shards": 1}
    masked, causal = {"architecture": "masked", "encoder_layers": 2}, {"architecture": "causal", "decoder_layers": 2}
    vit = {"architecture": "vit", "image": 8, "encoder_layers": 2}
    swin = {"architecture": "swin", "image": 8, "encoder_layers": 4, "stages": 2, "heads": 2, "norm": "pre"}
    pre, post, learned, halves = {"norm": "pre"}, {"norm": "post"}, {"position": "learned"}, {"position": "sinusoid-halves"}
    pairs = {"encoder_layers": 1, "decoder_layers": 1, "guided": 0.5, "architecture": "transformer"}
    configs = [
        (Language, masked | pre | learned),
        (Language, masked | post | halves | {"output": "untied"}),
        (Language, causal | pre | learned),
        (Language, causal | post | halves | {"output": "untied", "output_bias": "no"}),
        (Vision, vit | pre | learned | {"patch": 2, "pool": "token"}),
        (Vision, vit | post | learned | {"patch": 4, "pool": "mean", "activation": "relu"}),
        (Vision, swin | {"patch": 1, "window": 4, "position": "none"}),
        (Vision, swin | {"patch": 1, "window": 2, "norm": "post"} | learned),
        (Network, pairs | pre | learned | batches),
        (Network, pairs | post | halves | batches),
        (Language, masked | pre | learned | batches),
        (Vision, vit | pre | learned | batches | {"patch": 2, "pool": "token"}),
        (Vision, swin | batches | {"patch": 2, "window": 2, "position": "none"}),
    ]
    lines = []
    for number, (kind, config) in enumerate(configs):
        seed = 5000 + number
        network = kind(usual | config, seed)
        loss = network.loss(*batch(seed), Draws(seed, 0))
        loss.backward()
        lines.append(f"config {settings(usual | config)} seed={seed}")
        lines.append(f"loss {loss.item():.12g}")
        lines += [f"{name} {probes(name, p.grad)}" for name, p in network.parameters.items()]
        if config.get("normalise") == "batch":
            network.training = False
            network.c = network.c | {"label_smoothing": 0, "guided": 0}
            lines.append(f"evaluated {network.loss(*batch(seed), Draws(seed, 0)).item():.12g}")
    (here / "lab" / "networks.txt").write_text("\n".join(lines) + "\n")


BASE = {name: values[0] for name, values in OPTIONS.items()} | {"heads": 4, "encoder_layers": 1, "decoder_layers": 1}
OPTIMIZERS = {
    "adam": {"optimizer": "adam", "beta2": 0.98, "epsilon": 1e-9},
    "adam-decay": {"optimizer": "adam", "beta2": 0.999, "epsilon": 5e-9, "weight_decay": 5e-2, "clip": 0.5},
    "adamw": {"optimizer": "adamw", "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 1e-1},
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 1e-2},
    "sgd-nesterov": {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.8, "nesterov": "yes", "clip": 0.5},
    "muon": {"optimizer": "muon", "beta2": 0.98, "epsilon": 1e-9, "momentum": 0.95, "weight_decay": 1e-1},
    "inverse-sqrt": {"optimizer": "adam", "beta2": 0.98, "schedule": "inverse-sqrt", "warmup": 6},
    "cosine": {"optimizer": "adam", "beta2": 0.98, "schedule": "cosine", "warmup": 4, "steps": 18, "final_rate": 0.1},
}


def optimizers_of(o: dict, parameters: dict) -> list[torch.optim.Optimizer]:
    betas, decay = (0.9, o.get("beta2", 0.98)), o.get("weight_decay", 0.0)
    rest = list(parameters.values())
    adam = {"betas": betas, "eps": o.get("epsilon", 1e-9), "weight_decay": decay}
    if o["optimizer"] == "adam":
        return [torch.optim.Adam(rest, lr=1.0, **adam)]
    if o["optimizer"] == "adamw":
        return [torch.optim.AdamW(rest, lr=1.0, **adam)]
    if o["optimizer"] == "sgd":
        nesterov = o.get("nesterov") == "yes"
        return [torch.optim.SGD(rest, lr=1.0, momentum=o["momentum"], weight_decay=decay, nesterov=nesterov)]
    hidden = [p for name, p in parameters.items() if ".blk." in name and p.ndim == 2]
    others = [p for name, p in parameters.items() if not (".blk." in name and p.ndim == 2)]
    return [Muon(hidden, torch.float64, momentum=o["momentum"]), torch.optim.AdamW(others, lr=1.0, **adam)]


def rate(o: dict, step: int) -> float:
    lr, warmup = o.get("learning_rate", 1e-2), o.get("warmup", 1)
    if step < warmup:
        return lr * step / warmup
    if o.get("schedule") == "inverse-sqrt":
        return lr * math.sqrt(warmup / step)
    if o.get("schedule") == "cosine":
        part = min(1.0, (step - warmup) / (o["steps"] - warmup))
        return lr * (o["final_rate"] + (1 - o["final_rate"]) * 0.5 * (1 + math.cos(math.pi * part)))
    return lr


def steps() -> None:
    lines = []
    for number, (name, o) in enumerate(OPTIMIZERS.items()):
        seed = 3000 + number
        network, losses = Network(BASE, seed), []
        chosen = optimizers_of(o, network.parameters)
        for step in range(1, 21):
            for p in network.parameters.values():
                p.grad = None
            loss = network.loss(*batch(seed + 100 * step), Draws(seed, step, False))
            loss.backward()
            losses.append(loss.item())
            torch.nn.utils.clip_grad_norm_(network.parameters.values(), o.get("clip", 1.0))
            for optimizer in chosen:
                for group in optimizer.param_groups:
                    group["lr"] = rate(o, step)
                    if isinstance(optimizer, Muon):  # decay as torch.optim.Muon has it, before the step
                        with torch.no_grad():
                            for p in group["params"]:
                                p.mul_(1 - rate(o, step) * o["weight_decay"])
                optimizer.step()
        config = {"learning_rate": 1e-2, "warmup": 0, "clip": 1} | o
        lines.append(f"config {settings(BASE | config)} seed={seed} name={name}")
        lines.append("losses " + " ".join(f"{x:.9g}" for x in losses))
        lines += [f"{key} {probes(key, p)}" for key, p in network.parameters.items()]
    (here / "lab" / "steps.txt").write_text("\n".join(lines) + "\n")


PLATEAUS = [
    {"factor": 0.9, "patience": 10},
    {"factor": 0.1, "patience": 2, "cooldown": 3},
    {"factor": 0.5, "patience": 0, "threshold": 0.05},
    {"factor": 0.5, "patience": 3, "threshold": 0.02, "threshold_mode": "abs"},
    {"factor": 0.3, "patience": 1, "min_lr": 2e-4, "eps": 1e-5},
    {"factor": 0.7, "patience": 2, "mode": "max", "cooldown": 1},
    {"factor": 0.7, "patience": 2, "mode": "max", "threshold_mode": "abs", "threshold": 0.1},
]
SETTING = {"min_lr": "plateau_minimum", "eps": "plateau_epsilon"}


def plateau() -> None:
    lines = []
    for number, o in enumerate(PLATEAUS):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-2)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **o)
        noise, rates = uniform(f"plateau{number}", 80, 5).astype(np.float64), []
        values = [2.0 / (1 + 0.1 * i) + 0.3 * float(x) for i, x in enumerate(noise)]
        values[17] = math.nan  # a validation that failed is not better
        for value in values:
            scheduler.step(value)
            rates.append(optimizer.param_groups[0]["lr"])
        lines.append("config " + settings({SETTING.get(k, f"plateau_{k}"): v for k, v in o.items()}))
        lines.append("values " + " ".join(f"{x:.17g}" for x in values))
        lines.append("rates " + " ".join(f"{x:.17g}" for x in rates))
    (here / "lab" / "plateau.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    (here / "lab").mkdir(exist_ok=True)
    gradients()
    family()
    networks()
    steps()
    plateau()
