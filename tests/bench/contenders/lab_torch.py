"""PyTorch as a contender of the lab: the recipes' model (models/recipes/model.py) on the same batches, padded; the line
protocol of serve.js. `lab_torch.py BATCHES SETTINGS` takes a file of lab-batches.js and the settings as JSON."""

import json
import platform
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[3] / "models/recipes"))
import torch  # noqa: E402
from model import ModelConfig, Transformer  # noqa: E402

PAD, BOS = 0, 2


def padded(ids: np.ndarray, starts: np.ndarray) -> torch.Tensor:
    lengths = np.diff(starts)
    out = np.full((len(lengths), lengths.max()), PAD, dtype=np.int64)
    out[np.arange(out.shape[1])[None, :] < lengths[:, None]] = ids
    return torch.from_numpy(out)


def read(path: str) -> list[tuple[torch.Tensor, torch.Tensor, int]]:
    """Source (B, S), target (B, T) and the number of target tokens of each batch."""
    words = np.fromfile(path, dtype="<u4").astype(np.int64)
    batches, at = [], 1
    for _ in range(words[0]):
        pairs = words[at]
        source = words[at + 1 : at + 2 + pairs]
        target = words[at + 2 + pairs : at + 3 + 2 * pairs]
        at += 3 + 2 * pairs
        sides = padded(words[at : at + source[-1]], source), padded(words[at + source[-1] : at + source[-1] + target[-1]], target)
        at += source[-1] + target[-1]
        batches.append((*sides, int(target[-1])))
    return batches


class Peer:
    def __init__(self, path: str, settings: dict):
        c = settings
        torch.set_num_threads(c["threads"])
        torch.manual_seed(1)
        self.dtype = torch.bfloat16 if c["bf16"] else torch.float32
        self.smoothing = c["label_smoothing"]
        self.batches, self.at = read(path), 0
        self.model = Transformer(ModelConfig(
            vocab=c["vocabulary"], d_model=c["width"], ffn=c["feed_forward"], heads=c["heads"], dropout=c["dropout"],
            encoder_layers=c["encoder_layers"], decoder_layers=c["decoder_layers"],
        ))  # fmt: skip
        self.model.train()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, betas=(0.9, 0.98), eps=1e-9, fused=True)

    def about(self, **_):
        return {"runtime": f"PyTorch {torch.__version__}, Python {platform.python_version()}"}

    def run(self, steps: int, **_):
        start, processor, tokens = time.perf_counter(), time.process_time(), 0
        for _ in range(steps):
            source, target, count = self.batches[self.at % len(self.batches)]
            self.at += 1
            begin = torch.full((len(target), 1), BOS)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.dtype == torch.bfloat16):
                memory = self.model.encode(source)
                x, _ = self.model.decode(torch.cat([begin, target[:, :-1]], 1), memory, self.model.mask(source))
            real = target != PAD
            loss = self.model.cross_entropy(x[real], target[real], self.smoothing, self.dtype)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            tokens += count
        return {
            "ms": (time.perf_counter() - start) * 1e3,
            "cpu": (time.process_time() - processor) * 1e3,
            "tokens": tokens,
            "loss": loss.item(),
        }


if __name__ == "__main__":
    peer = Peer(sys.argv[1], json.loads(sys.argv[2]))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": getattr(peer, request["verb"])(**request["options"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
