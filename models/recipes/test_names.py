#!/usr/bin/env python3
"""Checks that export.py names tensors as the library does.

    python test_names.py NATIVE

NATIVE is the command glossa-native, which prints the library's own table.
"""

import itertools
import json
import subprocess
import sys

from export import canonical
from model import ModelConfig, Transformer

POSITIONS = ["sinusoid-interleaved", "sinusoid-halves", "sinusoid-marian", "learned"]


def table(native: str, c: ModelConfig) -> dict[str, tuple[list[int], bool]]:
    """Shape of each tensor by name, and whether it may be missing."""
    settings = {
        "encoder_layers": c.encoder_layers, "decoder_layers": c.decoder_layers, "width": c.d_model, "feed_forward": c.ffn,
        "context": c.context, "source": c.vocab, "target": c.vocab, "norm": int(c.norm == "pre"),
        "position": POSITIONS.index(c.position), "own_output": int(not c.tied_output),
    }  # fmt: skip
    words = [f"{key}={value}" for key, value in settings.items()]
    entries = json.loads(subprocess.check_output([native, "tensors", *words]))
    return {e["name"]: (e["shape"], e["optional"]) for e in entries}


def check(native: str, c: ModelConfig) -> None:
    wanted = table(native, c)
    got = {name: list(tensor.shape) for name, tensor in canonical(Transformer(c).state_dict()).items()}
    for name, shape in got.items():
        assert name in wanted, f"{name} is no tensor of the library's"
        assert shape == wanted[name][0], f"{name} has the shape {shape}, the library's is {wanted[name][0]}"
    missing = [name for name, (_, optional) in wanted.items() if not optional and name not in got]
    assert not missing, f"not exported: {missing}"


if __name__ == "__main__":
    for norm, position, tied in itertools.product(["post", "pre"], POSITIONS[::3], [True, False]):
        check(
            sys.argv[1],
            ModelConfig(
                vocab=96, d_model=32, ffn=48, heads=2, encoder_layers=2, decoder_layers=3, norm=norm, position=position,
                tied_output=tied, context=20,
            ),  # fmt: skip
        )
