#!/usr/bin/env python3
"""Trains a Transformer for Glossa from folders of parallel text.

    python train.py en-de.json --data DATA_ROOT --out RUN_DIR
    python train.py en-de.json --data DATA_ROOT --out RUN_DIR --pack en-de.pack    # then, on another machine
    python train.py en-de.json --packed en-de.pack --out RUN_DIR

DATA_ROOT holds the folders that the config names. RUN_DIR receives vocab.model, checkpoint.pt (resumed from when it
exists), average-*.pt, log.jsonl and, at the end or with --export, model.safetensors + config.json for `glossa convert`.
"""

import argparse
import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

# oneDNN compiles a product for each shape of a batch, and keeps 1,024 unless told otherwise: it would compile the same
# ones again and again. Each takes half a megabyte.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "4096")

import numpy as np
import sacrebleu
import torch

import data
from dataset import PackedData, TextData
from export import export
from model import ModelConfig, Transformer


def learning_rate(step: int, c: dict) -> float:
    """Linear warm-up, inverse square root, and a linear fall over the last `cooldown` share of the steps."""
    rate = c["lr"] * min(step / c["warmup"], math.sqrt(c["warmup"] / step))
    left = (c["steps"] - step) / (c["steps"] * c["cooldown"]) if c["cooldown"] else 1.0
    return rate * max(0.02, min(1.0, left))


def optimizers(model: Transformer, name: str) -> list[torch.optim.Optimizer]:
    """`muon` (Jordan et al. 2024) takes the matrices of the layers, Adam the rest, or with `adam` everything."""
    if name not in ("adam", "muon"):
        raise ValueError(f'"optimizer" is {name!r}; it can be "adam" or "muon"')
    matrices, rest = [], []
    for key, p in model.named_parameters():
        inside = key.startswith(("encoder.", "decoder.")) and p.ndim == 2
        (matrices if inside and name == "muon" else rest).append(p)
    out = [torch.optim.Adam(rest, lr=1.0, betas=(0.9, 0.98), eps=1e-9, fused=True)]
    if matrices:  # scaled to the size of Adam's steps, so that one learning rate serves both
        out.append(torch.optim.Muon(matrices, lr=1.0, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"))
    return out


def ahead(made):
    """The same items, made by a thread one step before they are asked for."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, made, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, made, None)
            yield item


class Trainer:
    def __init__(self, args: argparse.Namespace, config: dict):
        self.args, self.c, self.out = args, config, Path(args.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.device = torch.device(args.device)
        if args.packed:
            self.data = PackedData(args.packed, self.out, config)
        else:
            self.data = TextData(Path(args.data), self.out, config, self.say)
        if args.pack:
            self.data.pack(args.pack, args.segmentations)
            return
        self.spm = self.data.processor
        torch.manual_seed(config["seed"])
        self.model_config = ModelConfig(vocab=self.spm.get_piece_size(), **config["model"])
        self.model = Transformer(self.model_config).to(self.device)
        self.guided = config.get("guided_alignment", 0.0)
        self.optimizers = optimizers(self.model, config.get("optimizer", "adam"))
        self.step, self.epoch, self.cursor, self.seconds = 0, 0, 0, 0.0
        if (self.out / "checkpoint.pt").exists():
            self.load()

    def say(self, text: str) -> None:
        print(time.strftime("%H:%M:%S"), text, flush=True)

    def plan_epoch(self) -> tuple[data.Side, data.Side, list[np.ndarray]]:
        rng = np.random.default_rng([self.c["seed"], self.epoch])
        source, target = self.data.epoch(self.epoch)
        length = np.maximum(source.length, target.length)
        keep = np.flatnonzero((length <= self.c["max_length"]))
        times = np.floor(self.data.repeat[keep] + rng.random(len(keep))).astype(np.int64)  # 0.4: two pairs of five
        order = np.repeat(keep, times)
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
        share = self.c.get("softmax_share", 1.0) if self.model.training else 1.0
        dtype = torch.bfloat16 if self.args.bf16 else torch.float32
        loss = self.model.cross_entropy(x[real], target[real], smoothing, dtype, share)
        guided = torch.zeros(())
        if alignment is not None:
            log_weights = log_weights.masked_fill(alignment == 0, 0)
            guided = -(alignment * log_weights).sum() / real.sum()
        return loss, guided, int(real.sum())

    def tensors(self, *arrays: np.ndarray) -> list[torch.Tensor]:
        return [torch.from_numpy(x).to(self.device, non_blocking=True) for x in arrays]

    def batch(self, source: data.Side, target: data.Side, index: np.ndarray, aligned: bool):
        """Source (B, S), target (B, T) and, if asked, alignment (B, T, S): rows with a link sum to 1, the others are 0."""
        pad = self.model_config.pad
        ids = self.tensors(*(data.pad(side.rows(index), pad) for side in (source, target)))
        if not aligned:
            return [*ids, None]
        rows = [side.unit_rows(index) for side in (source, target)]
        last = [np.array([r[-1] for r in side], dtype=np.int64) for side in rows]
        size = [int(x.max()) + 1 for x in last]
        links = self.data.links.matrix(
            index, size[0] + 1, size[1] + 1, (last[0], last[1])
        )  # the last row, column: padding
        links, s, t = self.tensors(links, *(data.pad(side, n) for side, n in zip(rows, size)))
        b = torch.arange(len(index), device=self.device)[:, None, None]
        alignment = links[b, t[:, :, None], s[:, None, :]]
        return [*ids, alignment / alignment.sum(-1, keepdim=True).clamp(min=1)]

    def run(self) -> None:
        started, window, tokens = time.time() - self.seconds, time.time(), 0
        losses = []
        while self.step < self.c["steps"]:
            source, target, plan = self.plan_epoch()
            first = self.cursor
            made = (self.batch(source, target, index, self.guided > 0) for index in plan[first:])
            if self.device.type == "cuda":
                made = ahead(made)
            self.say(f"epoch {self.epoch}: {len(plan)} batches, {int(target.offset[-1])} target tokens")
            for self.cursor in range(first, len(plan)):
                if self.step >= self.c["steps"]:
                    break
                self.model.train()
                self.step += 1
                self.model.compute_as_int8(self.step > self.c.get("int8_from", self.c["steps"]))
                loss, guided, n = self.loss(*next(made))
                self.model.zero_grad()
                (loss + self.guided * guided).backward()
                norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.c["clip"])
                if torch.isfinite(norm):
                    for optimizer in self.optimizers:
                        for group in optimizer.param_groups:
                            group["lr"] = learning_rate(self.step, self.c)
                        optimizer.step()
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
        for name, (a, b, token) in self.data.valid.items():
            source, target = data.encode(self.spm, a, first=token_ids(self.spm, token, a)), data.encode(self.spm, b)
            total, count = 0.0, 0
            for index in data.batches(np.maximum(source.length, target.length), 8000, None):
                loss, _, n = self.loss(*self.batch(source, target, index, False))
                total, count = total + loss.item() * n, count + n
            some = self.c["bleu_lines"]
            bleu = (
                sacrebleu.corpus_bleu(self.translate(a[:some], token), [b[:some]], **self.c.get("bleu", {})).score
                if some
                else 0
            )
            self.say(
                f"  valid {name}: perplexity {math.exp(total / count):.3f} BLEU {bleu:.2f} (greedy, {min(some, len(a))} lines)"
            )
            self.log(step=self.step, valid=name, perplexity=math.exp(total / count), bleu=bleu, seconds=self.seconds)

    def translate(self, lines: list[str], token: str | None) -> list[str]:
        return translate(self.model, self.spm, lines, self.device, token=token)

    def log(self, **entry) -> None:
        with open(self.out / "log.jsonl", "a") as f:
            f.write(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in entry.items()}) + "\n")

    def save(self) -> None:
        state = {"model": self.model.state_dict(), "optimizers": [x.state_dict() for x in self.optimizers], "step": self.step,
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
        for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
        self.step, self.epoch, self.cursor = state["step"], state["epoch"], state["cursor"]
        self.seconds = state["seconds"]
        torch.set_rng_state(state["rng"].cpu())
        self.say(f"resumed at step {self.step}, epoch {self.epoch}, after {self.seconds:.0f} s")


def token_ids(processor, token: str | None, lines: list[str]) -> list[int] | None:
    return None if token is None else [processor.piece_to_id(token)] * len(lines)


@torch.no_grad()
def translate(
    model: Transformer,
    processor,
    lines: list[str],
    device,
    beam: int = 1,
    normalize: float = 1.0,
    token: str | None = None,
) -> list[str]:
    """`token` asks for the target language, in models that know several."""
    model.eval()
    side = data.encode(processor, lines, first=token_ids(processor, token, lines))
    out = [""] * len(lines)
    first = processor.piece_to_id("<0x00>")
    first = first if processor.is_byte(first) else -1
    for index in data.batches(side.length, 4000 // beam, None):
        source = torch.from_numpy(data.pad(side.rows(index), model.config.pad)).to(device)
        for i, hypotheses in zip(index, model.translate(source, beam, normalize, first_byte=first)):
            out[i] = processor.decode([x for x in hypotheses[0].ids if x != model.config.eos])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--data", help="folder that holds the folders of parallel text")
    parser.add_argument("--pack", type=Path, help="write all that training needs to this one file, and end")
    parser.add_argument("--segmentations", type=int, default=6, help="sampled segmentations that --pack writes")
    parser.add_argument("--packed", type=Path, help="a file that --pack wrote, instead of --data")
    parser.add_argument("--out", required=True, help="run folder; training resumes from it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True, help="bfloat16 matrix products")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0, help="stop, resumable, after this long")
    parser.add_argument("--steps", type=int, help="overrides the config")
    parser.add_argument("--share", type=float, help="train on so much of the data, to see what the rest is worth")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    config = json.loads(Path(args.config).read_text())
    if args.steps:
        config["steps"] = args.steps
    if args.share:
        config["share"] = args.share
    if (args.data is None) == (args.packed is None):
        parser.error("either --data or --packed is needed")
    trainer = Trainer(args, config)
    if not args.pack:
        trainer.run()


if __name__ == "__main__":
    main()
