#!/usr/bin/env python3
"""Trains a Transformer for Glossa from folders of parallel text.

    python train.py en-de.json --data DATA_ROOT --out RUN_DIR

DATA_ROOT holds the folders that the config names. RUN_DIR receives vocab.model, checkpoint.pt (resumed from when it
exists), average-*.pt, log.jsonl and, at the end or with --export, model.safetensors + config.json for `glossa convert`.
"""

import argparse
import json
import math
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import sacrebleu
import sentencepiece as spm
import torch

import align
import corpus
import data
from copying import copied_pairs
from export import export
from model import ModelConfig, Transformer


def learning_rate(step: int, c: dict) -> float:
    """Linear warm-up, inverse square root, and a linear fall over the last `cooldown` share of the steps."""
    rate = c["lr"] * min(step / c["warmup"], math.sqrt(c["warmup"] / step))
    left = (c["steps"] - step) / (c["steps"] * c["cooldown"]) if c["cooldown"] else 1.0
    return rate * max(0.02, min(1.0, left))


class Trainer:
    def __init__(self, args: argparse.Namespace, config: dict):
        self.args, self.c, self.out = args, config, Path(args.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.device = torch.device(args.device)
        root = Path(args.data)
        src, trg = config["source"], config["target"]
        self.corpus = corpus.Corpus(root, config["train"], src, trg, config.get("check", []))
        self.say(f"{len(self.corpus.source)} training pairs, {self.corpus.leaks} dropped by the leak check")
        vocabulary = self.out / "vocab.model"
        if not vocabulary.exists():
            lines = [*self.corpus.source, *self.corpus.target]
            data.train_vocabulary(lines, self.out / "vocab", config["vocab"], config["coverage"])
        self.spm = spm.SentencePieceProcessor(model_file=str(vocabulary))
        if config.get("copying"):
            self.add_copying(config["copying"])
        torch.manual_seed(config["seed"])
        self.model_config = ModelConfig(vocab=self.spm.get_piece_size(), **config["model"])
        self.model = Transformer(self.model_config).to(self.device)
        self.guided = config.get("guided_alignment", 0.0)
        if self.guided:
            self.prepare_alignment()
        self.valid = {name: corpus.read_pairs(root / name, "valid", src, trg) for name in config["valid"]}
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9, fused=True)
        self.step, self.epoch, self.cursor, self.seconds = 0, 0, 0, 0.0
        if (self.out / "checkpoint.pt").exists():
            self.load()

    def say(self, text: str) -> None:
        print(time.strftime("%H:%M:%S"), text, flush=True)

    def add_copying(self, share: float) -> None:
        """Pairs that teach copying, made once a run; they come after the vocabulary's text, which they must not shape."""
        cache = self.out / "copying.json"
        if not cache.exists():
            self.say("pairs that teach copying")
            cache.write_text(json.dumps(copied_pairs(self.corpus.source, self.corpus.target, share, self.c["seed"])))
        source, target = json.loads(cache.read_text())
        self.corpus.source += source
        self.corpus.target += target
        self.corpus.repeat += [1] * len(source)
        self.say(f"{len(source)} of them")

    def prepare_alignment(self) -> None:
        self.source_units = data.UnitMap(self.spm, self.corpus.source)
        self.target_units = data.UnitMap(self.spm, self.corpus.target)
        cache = self.out / "alignment.npz"
        if not cache.exists():
            self.say("word alignment")
            some = self.c.get("aligned_pairs")  # the first so many teach the alignment head; all where not given
            links = align.align(self.source_units.texts[:some], self.target_units.texts[:some])
            links += [np.zeros((0, 2), np.int16)] * (len(self.source_units.texts) - len(links))
            np.savez(cache, links=np.concatenate(links), count=np.array([len(x) for x in links]))
        stored = np.load(cache)
        if len(stored["count"]) != len(self.corpus.source):
            raise ValueError(
                f"{cache} is of {len(stored['count'])} pairs, the corpus has {len(self.corpus.source)}: delete it"
            )
        self.links = np.split(stored["links"], np.cumsum(stored["count"])[:-1])

    def alignment_batch(self, index, sources, targets) -> torch.Tensor:
        """(B, T, S): each row with a link sums to 1, rows without one are 0."""
        out = np.zeros((len(index), max(map(len, targets)), max(map(len, sources))), dtype=np.float32)
        for b, (i, s, t) in enumerate(zip(index, sources, targets)):
            su, tu = self.source_units.of(i, s), self.target_units.of(i, t)
            linked = np.zeros((self.target_units.count[i] + 1, self.source_units.count[i] + 1), dtype=np.float32)
            linked[self.links[i][:, 1], self.links[i][:, 0]] = 1
            linked[-1, -1] = 1
            out[b, : len(t), : len(s)] = linked[np.minimum(tu, len(linked) - 1)][:, np.minimum(su, linked.shape[1] - 1)]
        return torch.from_numpy(out / np.maximum(out.sum(-1, keepdims=True), 1))

    def encode_epoch(self) -> tuple[data.Side, data.Side, list[np.ndarray]]:
        rng = np.random.default_rng([self.c["seed"], self.epoch])
        alpha = self.c.get("sampling_alpha")
        sample = alpha is not None and rng.random() < self.c.get("sampling_share", 1.0)
        source = data.Side(self.spm, self.corpus.source, alpha if sample else None)
        target = data.Side(self.spm, self.corpus.target, alpha if sample else None)
        length = np.maximum(source.length, target.length)
        keep = np.flatnonzero((length <= self.c["max_length"]))
        order = np.repeat(keep, np.array(self.corpus.repeat)[keep])
        return source, target, data.batches(length, self.c["batch_tokens"], rng, order)

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.bf16)

    def loss(self, source, target, alignment=None) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Smoothed cross-entropy per target token, guided alignment loss, number of target tokens."""
        c = self.model_config
        begin = torch.full((target.shape[0], 1), c.bos, device=target.device)
        with self.autocast():
            memory = self.model.encode(source)
            head = 0 if alignment is not None else None
            x, log_weights = self.model.decode(
                torch.cat([begin, target[:, :-1]], 1), memory, self.model.mask(source), head
            )
        real = target != c.pad
        smoothing = self.c["label_smoothing"] if self.model.training else 0.0
        dtype = torch.bfloat16 if self.args.bf16 else torch.float32
        loss = self.model.cross_entropy(x[real], target[real], smoothing, dtype)
        guided = torch.zeros(())
        if alignment is not None:
            log_weights = log_weights.masked_fill(alignment == 0, 0)
            guided = -(alignment * log_weights).sum() / real.sum()
        return loss, guided, int(real.sum())

    def batch(self, source: data.Side, target: data.Side, index: np.ndarray, aligned: bool):
        s, t = [source[i] for i in index], [target[i] for i in index]
        alignment = self.alignment_batch(index, s, t).to(self.device) if aligned else None
        pad = self.model_config.pad
        return [torch.from_numpy(data.pad(rows, pad)).to(self.device) for rows in (s, t)] + [alignment]

    def run(self) -> None:
        started, window, tokens = time.time() - self.seconds, time.time(), 0
        losses = []
        while self.step < self.c["steps"]:
            source, target, plan = self.encode_epoch()
            self.say(f"epoch {self.epoch}: {len(plan)} batches, {int(target.offset[-1])} target tokens")
            for self.cursor in range(self.cursor, len(plan)):
                if self.step >= self.c["steps"]:
                    break
                self.model.train()
                self.step += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = learning_rate(self.step, self.c)
                loss, guided, n = self.loss(*self.batch(source, target, plan[self.cursor], self.guided > 0))
                self.optimizer.zero_grad(set_to_none=True)
                (loss + self.guided * guided).backward()
                norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.c["clip"])
                if torch.isfinite(norm):
                    self.optimizer.step()
                losses.append((loss.item(), guided.item()))
                tokens += n
                if self.step % self.c["log_every"] == 0:
                    rate = tokens / (time.time() - window)
                    mean = np.mean(losses, axis=0)
                    self.say(f"step {self.step} loss {mean[0]:.3f} align {mean[1]:.3f} norm {norm:.2f} "
                             f"lr {learning_rate(self.step, self.c):.2e} {rate:.0f} target tokens/s")  # fmt: skip
                    self.log(step=self.step, loss=mean[0], align=mean[1], tokens_per_second=rate)
                    window, tokens, losses = time.time(), 0, []
                if self.step % self.c["validate_every"] == 0:
                    self.seconds = time.time() - started
                    self.cursor += 1
                    self.validate()
                    self.save()
                    self.cursor -= 1
                    if self.args.seconds and self.seconds > self.args.seconds:
                        self.say("time is up; run again to go on")
                        return
                    window = time.time()
            self.epoch, self.cursor = self.epoch + 1, 0
        self.seconds = time.time() - started
        self.validate()
        self.save()
        export(self.out)

    @torch.no_grad()
    def validate(self) -> None:
        self.model.eval()
        for name, (a, b) in self.valid.items():
            source, target = data.Side(self.spm, a, None), data.Side(self.spm, b, None)
            total, count = 0.0, 0
            for index in data.batches(np.maximum(source.length, target.length), 8000, None):
                loss, _, n = self.loss(*self.batch(source, target, index, False))
                total, count = total + loss.item() * n, count + n
            some = self.c["bleu_lines"]
            bleu = (
                sacrebleu.corpus_bleu(self.translate(a[:some]), [b[:some]], **self.c.get("bleu", {})).score
                if some
                else 0
            )
            self.say(
                f"  valid {name}: perplexity {math.exp(total / count):.3f} BLEU {bleu:.2f} (greedy, {min(some, len(a))} lines)"
            )
            self.log(step=self.step, valid=name, perplexity=math.exp(total / count), bleu=bleu, seconds=self.seconds)

    def translate(self, lines: list[str]) -> list[str]:
        return translate(self.model, self.spm, lines, self.device)

    def log(self, **entry) -> None:
        with open(self.out / "log.jsonl", "a") as f:
            f.write(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in entry.items()}) + "\n")

    def save(self) -> None:
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step,
                 "epoch": self.epoch, "cursor": self.cursor, "seconds": self.seconds, "rng": torch.get_rng_state(),
                 "config": self.c, "model_config": asdict(self.model_config)}  # fmt: skip
        torch.save(state, self.out / "checkpoint.tmp")
        os.replace(self.out / "checkpoint.tmp", self.out / "checkpoint.pt")
        torch.save(state["model"], self.out / f"average-{self.step:07d}.pt")
        for old in sorted(self.out.glob("average-*.pt"))[: -self.c["average"]]:
            old.unlink()

    def load(self) -> None:
        state = torch.load(self.out / "checkpoint.pt", map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.epoch, self.cursor = state["step"], state["epoch"], state["cursor"]
        self.seconds = state["seconds"]
        torch.set_rng_state(state["rng"].cpu())
        self.say(f"resumed at step {self.step}, epoch {self.epoch}, after {self.seconds:.0f} s")


@torch.no_grad()
def translate(
    model: Transformer, processor, lines: list[str], device, beam: int = 1, normalize: float = 1.0
) -> list[str]:
    model.eval()
    side = data.Side(processor, lines, None)
    out = [""] * len(lines)
    for index in data.batches(side.length, 4000 // beam, None):
        source = torch.from_numpy(data.pad([side[i] for i in index], model.config.pad)).to(device)
        for i, hypotheses in zip(index, model.translate(source, beam, normalize)):
            out[i] = processor.decode([x for x in hypotheses[0].ids if x != model.config.eos])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--data", required=True, help="folder that holds the folders of parallel text")
    parser.add_argument("--out", required=True, help="run folder; training resumes from it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True, help="bfloat16 matrix products")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0, help="stop, resumable, after this long")
    parser.add_argument("--steps", type=int, help="overrides the config")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    config = json.loads(Path(args.config).read_text())
    if args.steps:
        config["steps"] = args.steps
    Trainer(args, config).run()


if __name__ == "__main__":
    main()
