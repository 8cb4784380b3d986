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
import tempfile
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
import torch.distributed as processes
from torch.multiprocessing import start_processes

import checkpoint
import data
import parallel
import reward
from dataset import PackedData, TextData
from export import export
from model import ModelConfig, Transformer
from muon import Muon


def learning_rate(step: int, c: dict) -> float:
    """Linear warm-up, constant up to step `hold` where a config has one, inverse square root, and a linear fall over the
    last `cooldown` share of the steps. Training by reward has a rate of its own, which falls all the way."""
    reward, last = c.get("reward"), c["steps"]
    if reward and step > reward["from"]:
        return reward["lr"] * max(0.02, (last - step) / (last - reward["from"]))
    if reward:
        last = reward["from"]
    rate = c["lr"] * min(1, step / c["warmup"]) * math.sqrt(min(1, c.get("hold", c["warmup"]) / step))
    left = (last - step) / (last * c["cooldown"]) if c["cooldown"] else 1.0
    return rate * max(0.02, min(1.0, left))


def optimizers(model: Transformer, name: str, dtype: torch.dtype) -> list[torch.optim.Optimizer]:
    """`muon` takes the matrices of the layers, Adam the rest, or with `adam` everything. `dtype`: of Muon's products."""
    if name not in ("adam", "muon"):
        raise ValueError(f'"optimizer" is {name!r}; it can be "adam" or "muon"')
    matrices, rest = [], []
    for key, p in model.named_parameters():
        inside = key.startswith(("encoder.", "decoder.")) and p.ndim == 2
        (matrices if inside and name == "muon" else rest).append(p)
    out = [torch.optim.Adam(rest, lr=1.0, betas=(0.9, 0.98), eps=1e-9, fused=True)]
    if matrices:
        out.append(Muon(matrices, dtype))
    return out


def ahead(made):
    """The same items, made by a thread one step before they are asked for."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, made, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, made, None)
            yield item


def is_bf16_faster(device: str) -> bool:
    """Processors without bfloat16 emulate it, ten times slower than float32."""
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.ones(512, 512, dtype=dtype, device=device)
        float((x @ x).sum())
        started = time.perf_counter()
        float(sum(x @ x for _ in range(4)).sum())
        seconds.append(time.perf_counter() - started)
    return seconds[1] < seconds[0]


def say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


def load_data(args: argparse.Namespace, config: dict) -> TextData | PackedData:
    args.out.mkdir(parents=True, exist_ok=True)
    if args.packed:
        return PackedData(args.packed, args.out, config)
    if args.start and not (args.out / "vocab.model").exists():
        (args.out / "vocab.model").write_bytes(checkpoint.vocabulary(args.start))
    return TextData(Path(args.data), args.out, config, say)


class Trainer:
    """One of the processes that train the same model on different batches; the first one validates and saves."""

    def __init__(self, args: argparse.Namespace, config: dict, pairs: TextData | PackedData):
        self.args, self.c, self.out, self.data = args, config, args.out, pairs
        self.rank, self.world = parallel.place()
        self.device = torch.device(args.device)
        self.spm = self.data.processor
        torch.manual_seed(config["seed"])
        self.model_config = ModelConfig(vocab=self.spm.get_piece_size(), **config["model"])
        self.model = Transformer(self.model_config).to(self.device)
        self.guided = config.get("guided_alignment", 0.0)
        self.dtype = torch.bfloat16 if args.bf16 else torch.float32
        self.optimizers = optimizers(self.model, config.get("optimizer", "adam"), self.dtype)
        self.step, self.epoch, self.cursor, self.seconds, self.score = 0, 0, 0, 0.0, 0.0
        if (self.out / "checkpoint.pt").exists():
            self.load()
        elif args.start:
            self.model.load_state_dict(checkpoint.load(args.start).state_dict())
        if self.rank > 0:  # each process draws other numbers
            torch.manual_seed(config["seed"] + 1000 * self.step + self.rank)

    def say(self, text: str) -> None:
        if self.rank == 0:
            say(text)

    def plan_epoch(self) -> tuple[data.Side, data.Side, list[np.ndarray]]:
        rng = np.random.default_rng([self.c["seed"], self.epoch])
        source, target = self.data.epoch(self.epoch)
        length = np.maximum(source.length, target.length)
        keep = np.flatnonzero((length <= self.c["max_length"]))
        repeat = self.data.last_repeat if self.is_last else self.data.repeat
        times = np.floor(repeat[keep] + rng.random(len(keep))).astype(np.int64)  # 0.4: two pairs of five
        order = np.repeat(keep, times)
        tokens = (self.c["reward"] if self.is_by_reward else self.c)["batch_tokens"]
        plan = data.batches(source.length, target.length, tokens // self.world, rng, order)
        return source, target, plan[self.rank : len(plan) - len(plan) % self.world : self.world]

    @property
    def is_by_reward(self) -> bool:
        """Whether the next step goes by the reward of the model's own translations."""
        return "reward" in self.c and self.step >= self.c["reward"]["from"]

    @property
    def is_last(self) -> bool:
        """Whether the next step belongs to the last part of the training, which may see other pairs."""
        return "last" in self.c and self.step >= self.c["last"]["from"]

    def share_gradients(self) -> None:
        """The mean of the gradients of all processes."""
        if self.world > 1:
            gradients = [p.grad for p in self.model.parameters()]
            parallel.add_up(gradients)
            for gradient in gradients:
                gradient /= self.world

    def is_time_up(self) -> bool:
        up = torch.tensor(int(0 < self.args.seconds < self.seconds))
        if self.world > 1:  # the first process decides for all
            processes.broadcast(up, 0)
        return bool(up)

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.bf16)

    def loss(self, source, target, alignment=None) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Smoothed cross-entropy per target token, guided alignment loss, number of target tokens."""
        with self.autocast():
            memory = self.model.encode(source)
        return self.loss_of(memory, self.model.mask(source), target, alignment)

    def loss_of(self, memory, mask, target, alignment=None, each=None) -> tuple[torch.Tensor, torch.Tensor, int]:
        """The same from the encoder's output. `each` (B): what each sentence counts."""
        c = self.model_config
        begin = torch.full((target.shape[0], 1), c.bos, device=target.device)
        with self.autocast():
            head = 0 if alignment is not None else None
            x, log_weights = self.model.decode(torch.cat([begin, target[:, :-1]], 1), memory, mask, head)
        real = target != c.pad
        smoothing = self.c["label_smoothing"] if self.model.training and each is None else 0.0
        share = self.c.get("softmax_share", 1.0) if self.model.training else 1.0
        if each is not None:
            each = each[:, None].expand_as(target)[real]
        loss = self.model.cross_entropy(x[real], target[real], smoothing, self.dtype, share, each)
        guided = torch.zeros(())
        if alignment is not None:
            log_weights = log_weights.masked_fill(alignment == 0, 0)
            guided = -(alignment * log_weights).sum() / real.sum()
        return loss, guided, int(real.sum())

    def loss_by_reward(self, source, target, alignment=None) -> tuple[torch.Tensor, torch.Tensor, int]:
        """As `loss`, but of what the model draws, weighted by reward, with a part of the cross-entropy beside it."""
        c = self.c["reward"]
        limit = min(self.model_config.context, target.shape[1] + 8)
        self.model.eval()
        with self.autocast():
            drawn = self.model.sample(source, c["samples"], limit, c["top"], c["temperature"])
        self.model.train()
        each, self.score = reward.advantages(self.units(drawn), self.units(target))
        with self.autocast():
            memory = self.model.encode(source)
        mask = self.model.mask(source)
        loss, guided, n = self.loss_of(memory, mask, target, alignment)
        memory, mask = (x.repeat_interleave(c["samples"], 0) for x in (memory, mask))
        by_reward, _, drawn_tokens = self.loss_of(memory, mask, drawn, None, each.to(memory.device))
        return by_reward + c["cross_entropy"] * loss, guided, n + drawn_tokens

    def units(self, rows: torch.Tensor) -> list[list[str]]:
        """What the reward compares, of each row of token ids: characters or words, as for BLEU."""
        c = self.model_config
        texts = self.spm.decode([[x for x in row if x not in (c.pad, c.eos)] for row in rows.tolist()])
        whole = self.c.get("bleu", {}).get("tokenize") in ("char", "zh")
        return [list(text.replace(" ", "")) if whole else text.split() for text in texts]

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
            first, part = self.cursor, (self.is_last, self.is_by_reward)
            made = (self.batch(source, target, index, self.guided > 0) for index in plan[first:])
            if self.device.type == "cuda":
                made = ahead(made)
            self.say(f"epoch {self.epoch}: {len(plan)} batches, {int(target.offset[-1])} target tokens")
            for self.cursor in range(first, len(plan)):
                if self.step >= self.c["steps"] or part != (self.is_last, self.is_by_reward):
                    break
                self.model.train()
                loss_of_batch = self.loss_by_reward if self.is_by_reward else self.loss
                self.step += 1
                self.model.compute_as_int8(self.step > self.c.get("int8_from", self.c["steps"]))
                loss, guided, n = loss_of_batch(*next(made))
                self.model.zero_grad()
                (loss + self.guided * guided).backward()
                self.share_gradients()
                norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.c["clip"])
                if torch.isfinite(norm):
                    for optimizer in self.optimizers:
                        for group in optimizer.param_groups:
                            group["lr"] = learning_rate(self.step, self.c)
                        optimizer.step()
                losses.append((loss.item(), guided.item(), self.score))
                tokens += n * self.world
                if self.step % self.c["log_every"] == 0:
                    rate = tokens / (time.time() - window)
                    mean = np.mean(losses, axis=0)
                    score = f"reward {mean[2]:.4f} " if self.is_by_reward else ""
                    self.say(f"step {self.step} loss {mean[0]:.3f} align {mean[1]:.3f} {score}norm {norm:.2f} "
                             f"lr {learning_rate(self.step, self.c):.2e} {rate:.0f} target tokens/s")  # fmt: skip
                    self.log(step=self.step, loss=mean[0], align=mean[1], reward=mean[2], tokens_per_second=rate)
                    window, tokens, losses = time.time(), 0, []
                if self.step % self.c["validate_every"] == 0:
                    paused = time.time()
                    self.seconds = paused - started
                    self.cursor += 1
                    if self.rank == 0:
                        self.validate()
                        self.save()
                    self.cursor -= 1
                    if self.is_time_up():
                        self.say("time is up; run again to go on")
                        return
                    window += time.time() - paused
            self.epoch, self.cursor = self.epoch + 1, 0
        self.seconds = time.time() - started
        if self.rank == 0:
            self.validate()
            self.save()
            export(self.out)

    @torch.no_grad()
    def validate(self) -> None:
        self.model.eval()
        for name, (a, b, token) in self.data.valid.items():
            source, target = data.encode(self.spm, a, first=token_ids(self.spm, token, a)), data.encode(self.spm, b)
            total, count = 0.0, 0
            for index in data.batches(source.length, target.length, 8000):
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
        if self.rank > 0:
            return
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
    for index in data.batches(side.length, side.length, 4000 // beam):
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
    parser.add_argument("--out", required=True, type=Path, help="run folder; training resumes from it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="bfloat16 products; where they are faster")
    parser.add_argument("--threads", type=int, default=0, help="of each process")
    parser.add_argument("--processes", type=int, default=1, help="that share the batches; on a CPU rather than threads")
    parser.add_argument("--seconds", type=float, default=0, help="stop, resumable, after this long")
    parser.add_argument("--steps", type=int, help="overrides the config")
    parser.add_argument("--from", dest="start", type=Path, help="a checkpoint to go on from, such as models/en-de.gguf")
    parser.add_argument("--share", type=float, help="train on so much of the data, to see what the rest is worth")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.bf16 is None:
        args.bf16 = is_bf16_faster(args.device)
    config = json.loads(Path(args.config).read_text())
    if args.steps:
        config["steps"] = args.steps
    if args.share:
        config["share"] = args.share
    if (args.data is None) == (args.packed is None):
        parser.error("either --data or --packed is needed")
    if args.processes > 1 and args.device != "cpu":
        parser.error("--processes is for CPUs")
    pairs = load_data(args, config)
    if args.pack:
        pairs.pack(args.pack, args.segmentations)
    elif args.processes == 1:
        Trainer(args, config, pairs).run()
    else:  # forked, so that they share the data
        with tempfile.TemporaryDirectory() as folder:
            start_processes(run_process, (args, config, pairs, folder), args.processes, start_method="fork")


def run_process(rank: int, args: argparse.Namespace, config: dict, pairs: TextData | PackedData, folder: str) -> None:
    processes.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=args.processes)
    Trainer(args, config, pairs).run()
    processes.destroy_process_group()


if __name__ == "__main__":
    main()
