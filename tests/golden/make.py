#!/usr/bin/env python3
"""Makes the golden references: what PyTorch computes for tiny seeded models of every variant.

    python tests/golden/make.py            (needs torch; run from anywhere)

The weights are not stored: a hash of tensor name, element and seed gives them, here and in tests/js/golden-model.js.
Each file holds the config, a text of single-character tokens, and the reference: greedy and beam hypotheses with
log-probabilities, the whole distribution of every step of the greedy one, and every attention weight.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

here = Path(__file__).parent
sys.path.insert(0, str(here.parent.parent / "models" / "recipes"))
from export import canonical, describe  # noqa: E402
from model import ModelConfig, Transformer  # noqa: E402

PIECES = ["<pad>", "<unk>", "<s>", "</s>", "\u2581", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?'-"]
BASE = {"d_model": 32, "ffn": 48, "heads": 4, "encoder_layers": 2, "decoder_layers": 2, "context": 64}
VARIANTS = {
    "post-relu-interleaved-tied": {},
    "pre-relu-interleaved-tied": {"norm": "pre"},
    "post-silu-halves-tied": {"activation": "silu", "position": "sinusoid-halves"},
    "post-gelu-erf-marian-untied": {"activation": "gelu-erf", "position": "sinusoid-marian", "tied_output": False},
    "pre-gelu-tanh-learned-untied": {
        "norm": "pre",
        "activation": "gelu-tanh",
        "position": "learned",
        "tied_output": False,
    },
    "pre-gelu-sigmoid-halves-tied": {"norm": "pre", "activation": "gelu-sigmoid", "position": "sinusoid-halves"},
    "post-relu-deep-one-head": {"heads": 1, "encoder_layers": 4, "decoder_layers": 1, "output_bias": False},
    "post-silu-learned-many-heads": {"activation": "silu", "position": "learned", "heads": 8, "norm_epsilon": 1e-6},
    "post-relu-marian-zero-vector": {
        "position": "sinusoid-marian",
        "start": "zero-vector",
        "norm_epsilon": 1e-6,
        "seed": 1025,
    },
}
END_BIAS = 5.0  # of the end-of-sentence token, so that hypotheses end
LIMIT = 14
TEXTS = ["Zebras, quick and", "a", "The big dog jumps over it. Why not?"]


def uniform(name: str, count: int, seed: int) -> np.ndarray:
    """Numbers in [-1, 1): Murmur3's finalizer over FNV-1a of the name, plus golden-ratio steps."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = (np.uint64(h ^ seed) + np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B9)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return (x.astype(np.float64) / 2147483648.0 - 1.0).astype(np.float32)


def spread(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Centre and half-width of a tensor's numbers."""
    if name.endswith("norm.weight"):
        return 1.0, 0.2
    if name.endswith(".bias"):
        return 0.0, 0.2
    if "embd" in name or name == "output.weight":
        return 0.0, 0.6
    return 0.0, math.sqrt(6.0 / shape[1])


def seeded(model: Transformer, seed: int) -> None:
    """Overwrites the parameters; canonical() shares no memory order with them, so names are matched one by one."""
    state = model.state_dict()
    for key, tensor in state.items():
        (name,) = canonical({key: tensor})
        centre, width = spread(name, tuple(tensor.shape))
        values = np.float32(centre) + np.float32(width) * uniform(name, tensor.numel(), seed)
        if name == "output.bias":
            values[model.config.eos] = END_BIAS
        state[key] = torch.from_numpy(values.astype(np.float32)).view(tensor.shape)
    model.load_state_dict(state)


def rounded(tensor: torch.Tensor) -> list:
    return [round(x, 7) for x in tensor.flatten().tolist()]


@torch.no_grad()
def attention_of(model: Transformer, source: torch.Tensor, target: list[int]) -> dict:
    c, out = model.config, {"encoder": [], "decoder": [], "cross": []}
    x = model.embed(source, "encoder")
    for layer in model.encoder:
        y = layer.attn_norm.inner(x)
        out["encoder"].append(layer.attn.weights(y, y, None))
        x = layer(x, None)
    memory = model.encoder_norm(x) if c.norm == "pre" else x
    x = model.embed(torch.tensor([[c.bos, *target[:-1]]]), "decoder")
    causal = torch.ones(len(target), len(target), dtype=torch.bool).tril()
    for layer in model.decoder:
        y = layer.attn_norm.inner(x)
        out["decoder"].append(layer.attn.weights(y, y, causal))
        z = layer.attn_norm.join(x, layer.attn(y, y, None, causal=True))
        out["cross"].append(layer.cross_attn.weights(layer.cross_attn_norm.inner(z), memory, None))
        x, _ = layer(x, memory, None)
    hidden = model.decoder_norm(x) if c.norm == "pre" else x
    logp = model.logits(hidden).log_softmax(-1)[0]
    return {k: rounded(torch.cat(v)) for k, v in out.items()} | {"log_probability": rounded(logp)}


def main() -> None:
    torch.set_num_threads(1)
    for number, (name, change) in enumerate(VARIANTS.items()):
        change = dict(change)
        seed = change.pop("seed", 1000 + number)
        config = ModelConfig(vocab=len(PIECES), dropout=0.0, **(BASE | change))
        model = Transformer(config).eval()
        seeded(model, seed)
        cases = []
        for text in TEXTS:
            ids = [PIECES.index("\u2581" if ch == " " else ch) for ch in " " + text] + [config.eos]
            source = torch.tensor([ids])
            greedy = model.translate(source, 1, limit=LIMIT)[0][0]
            case = {"text": text, "source_ids": ids, "limit": LIMIT, "greedy": greedy.__dict__}
            case["beam"] = [h.__dict__ for h in model.translate(source, 4, limit=LIMIT)[0]]
            inside = attention_of(model, source, greedy.ids)
            case |= inside if text == TEXTS[0] else {"log_probability": inside["log_probability"]}
            cases.append(case)
        body = {"variant": name, "seed": seed, "config": describe(config), "output_bias": config.output_bias,
                "pieces": PIECES, "cases": cases}  # fmt: skip
        (here / f"{name}.json").write_text(json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n")
        print(name, [len(c["greedy"]["ids"]) for c in cases], [round(c["beam"][0]["score"], 3) for c in cases])


if __name__ == "__main__":
    main()
