#!/usr/bin/env python3
"""Averages the last checkpoints of a run and writes model.safetensors + config.json, which `glossa convert` reads.

    python export.py RUN_DIR [--last N] [--recipe CONFIG]

Tensor names are the canonical ones of a Glossa checkpoint; matrices are [out, in].
"""

import argparse
import json
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import save_file

from corpus import language_token
from model import ModelConfig, Transformer


def canonical(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    out = {}
    for name, tensor in state.items():
        part = name.split(".")
        if part[0] in ("encoder", "decoder"):
            side = part[0][:3]
            layer, block, rest = part[1], part[2], part[3:]
            if rest[0] == "norm":  # attn_norm.norm.weight
                new = f"{side}.blk.{layer}.{block}.{rest[1]}"
            else:  # attn.q.weight, ffn.up.weight
                new = f"{side}.blk.{layer}.{block}_{rest[0]}.{rest[1]}"
        else:
            new = {
                "embedding.weight": "token_embd.weight", "output.weight": "output.weight", "output_bias": "output.bias",
                "encoder_position.weight": "enc.position_embd.weight", "decoder_position.weight": "dec.position_embd.weight",
                "encoder_norm.weight": "enc.output_norm.weight", "encoder_norm.bias": "enc.output_norm.bias",
                "decoder_norm.weight": "dec.output_norm.weight", "decoder_norm.bias": "dec.output_norm.bias",
            }[name]  # fmt: skip
        out[new] = tensor.float().contiguous()
    return out


def describe(c: ModelConfig) -> dict:
    return {
        "architecture": "glossa", "d_model": c.d_model, "ffn": c.ffn, "heads": c.heads,
        "encoder_layers": c.encoder_layers, "decoder_layers": c.decoder_layers, "vocab": c.vocab, "context": c.context,
        "norm": c.norm, "norm_epsilon": c.norm_epsilon, "activation": c.activation, "position": c.position,
        "embedding_scale": c.d_model**0.5, "tied_output": c.tied_output, "pad": c.pad, "unk": c.unk, "bos": c.bos,
        "eos": c.eos, "decoder_start": c.bos if c.start == "bos" else c.start, "banned_ids": [c.pad, c.unk, c.bos],
    }  # fmt: skip


def load_average(run: Path, last: int | None = None) -> tuple[Transformer, dict]:
    saved = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    files = sorted(run.glob("average-*.pt"))[-last if last else None :]
    states = [torch.load(f, map_location="cpu", weights_only=True) for f in files]
    mean = {k: sum(s[k].double() for s in states).div(len(states)).float() for k in states[0]}
    model = Transformer(ModelConfig(**saved["model_config"]))
    model.load_state_dict(mean)
    return model.eval(), saved


def export(run: Path, last: int | None = None, recipe: Path | None = None) -> None:
    """`recipe`: the config to take general facts from, where it was edited since the run began."""
    model, saved = load_average(run, last)
    if recipe:
        saved["config"] |= json.loads(recipe.read_text())
    config, model_config = saved["config"], ModelConfig(**saved["model_config"])
    save_file(canonical(model.state_dict()), run / "model.safetensors")
    described = describe(model_config) | {"source_language": config["source"], "target_language": config["target"]}
    if not isinstance(config["target"], str):
        processor = sentencepiece.SentencePieceProcessor(model_file=str(run / "vocab.model"))
        tokens = [processor.piece_to_id(language_token(config, target)) for target in config["target"]]
        described |= {"target_language_tokens": tokens, "banned_ids": described["banned_ids"] + tokens}
    if config.get("guided_alignment"):
        described |= {"alignment_layer": model_config.decoder_layers - 1, "alignment_head": 0}
    if "hints" in config:
        described["hints"] = config["hints"]
    general = config.get("general", {})
    described |= {
        k: general[k]
        for k in ("name", "description", "license", "license_name", "license_note", "sources")
        if k in general
    }
    (run / "config.json").write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--last", type=int, help="how many checkpoints to average (all that were kept)")
    parser.add_argument("--recipe", type=Path, help="config to take name, licence and sources from")
    args = parser.parse_args()
    export(args.run, args.last, args.recipe)
