"""The lab against PyTorch in what comes of a training: the recipes' model in small, from the same weights, on the same batches
of Multi30k's English and German captions, each with dropout of its own. Prints a line of JSON for each seed with the BLEU of both
on the test set (sacrebleu, greedy), decoded by PyTorch from the weights.

    python lab_captions.py DATA LAB_NATIVE GLOSSA_JS WORK_FOLDER [--steps N] [--seeds N]
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[3] / "models/recipes"))
import checkpoint  # noqa: E402
import data  # noqa: E402
import sacrebleu  # noqa: E402
import sentencepiece  # noqa: E402
import torch  # noqa: E402
from corpus import read_pairs  # noqa: E402
from export import export  # noqa: E402
from model import ModelConfig, Transformer  # noqa: E402
from train import learning_rate, optimizers, translate  # noqa: E402

MODEL = {"d_model": 128, "ffn": 512, "heads": 4, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.1, "context": 128}
TRAINING = {"lr": 0.003, "warmup": 300, "cooldown": 0.3, "clip": 1.0, "label_smoothing": 0.1}
VOCABULARY = {"vocab": 4000, "coverage": 0.9995}
BATCH_TOKENS = 3000


def plan(source: data.Side, target: data.Side, steps: int, seed: int) -> list[np.ndarray]:
    rng, out = np.random.default_rng(seed), []
    length = np.maximum(source.length, target.length)
    keep = np.flatnonzero(length < MODEL["context"])
    while len(out) < steps:
        out += data.batches(source.length, target.length, BATCH_TOKENS, rng, keep)
    return out[:steps]


def packed(source: data.Side, target: data.Side, batches: list[np.ndarray]) -> np.ndarray:
    """The words of the file that lab_native.c reads (lab-batches.js)."""
    words = [np.array([len(batches)])]
    for index in batches:
        words.append(np.array([len(index)]))
        words += [np.concatenate([[0], np.cumsum(side.length[index])]) for side in (source, target)]
        words += [np.concatenate(side.rows(index)) for side in (source, target)]
    return np.concatenate([x.astype("<u4") for x in words])


def begin(folder: Path, seed: int, vocabulary: int) -> Transformer:
    """A model as PyTorch draws it, and a run's folder that the recipes' export takes."""
    torch.manual_seed(seed)
    config = ModelConfig(vocab=vocabulary, **MODEL)
    model = Transformer(config)
    saved = {"model_config": asdict(config), "config": {"source": "en", "target": "de"}}
    torch.save(saved, folder / "checkpoint.pt")
    torch.save(model.state_dict(), folder / "average-0000000.pt")
    export(folder)
    return model


def train_torch(model: Transformer, source: data.Side, target: data.Side, batches: list[np.ndarray], c: dict) -> None:
    (adam,) = optimizers(model, "adam", torch.float32)
    model.train()
    pad, bos = model.config.pad, model.config.bos
    for step, index in enumerate(batches, 1):
        s, t = (torch.from_numpy(data.pad(side.rows(index), pad)) for side in (source, target))
        x, _ = model.decode(torch.cat([torch.full((len(t), 1), bos), t[:, :-1]], 1), model.encode(s), model.mask(s))
        real = t != pad
        loss = model.cross_entropy(x[real], t[real], c["label_smoothing"], torch.float32)
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), c["clip"])
        for group in adam.param_groups:
            group["lr"] = learning_rate(step, c)
        adam.step()
        if step % 100 == 0:
            print(f"PyTorch, step {step}: loss {loss.item():.4f}", file=sys.stderr)


def train_lab(native: str, batches: Path, begun: Path, out: Path, seed: int, c: dict) -> None:
    settings = {
        "from": begun, "shards": 1, "threads": 1, "seed": seed, "dropout": MODEL["dropout"], "optimizer": "adam",
        "beta1": 0.9, "beta2": 0.98, "epsilon": 1e-9, "schedule": "inverse-sqrt", "learning_rate": c["lr"],
        "warmup": c["warmup"], "cooldown": c["cooldown"], "final_rate": 0.02, "steps": c["steps"], "clip": c["clip"],
        "label_smoothing": c["label_smoothing"],
    }  # fmt: skip
    words = [str(x) for pair in settings.items() for x in pair]
    lab = subprocess.Popen([native, str(batches), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(verb: str, **options) -> dict:
        print(json.dumps({"verb": verb, "options": options}), file=lab.stdin, flush=True)
        answer = json.loads(lab.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"the lab: {answer['error']}")
        return answer["value"]

    for step in range(100, c["steps"] + 1, 100):
        value = ask("run", steps=100)
        if not np.isclose(value["rate"], learning_rate(step, c), rtol=1e-6):
            raise RuntimeError(f"step {step}: the lab's learning rate is {value['rate']}, not {learning_rate(step, c)}")
        print(f"lab, step {step}: loss {value['loss']:.4f}", file=sys.stderr)
    ask("save", path=str(out))
    lab.stdin.close()
    lab.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("native")
    parser.add_argument("glossa")
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    c = TRAINING | {"steps": args.steps - args.steps % 100}
    (english, german), (test, wanted) = (read_pairs(args.data / "multi30k", split, "en", "de") for split in ("train", "test"))
    for seed in range(1, args.seeds + 1):
        folder = args.work / f"captions-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "vocab.model").exists():
            data.train_vocabulary(english + german, folder / "vocab", VOCABULARY | {"seed": 1}, [])
        processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "vocab.model"))
        source, target = data.encode(processor, english), data.encode(processor, german)
        batches = plan(source, target, c["steps"], seed)
        packed(source, target, batches).tofile(folder / "batches.bin")
        model = begin(folder, seed, processor.get_piece_size())
        subprocess.run(["node", args.glossa, "convert", folder, "-o", folder / "begun.gguf", "--type", "f32", "--quiet"], check=True)
        train_lab(args.native, folder / "batches.bin", folder / "begun.gguf", folder / "lab.gguf", seed, c)
        train_torch(model, source, target, batches, c)
        bleu = {}
        for name, one in (("lab", checkpoint.load(folder / "lab.gguf")), ("PyTorch", model)):
            bleu[name] = sacrebleu.corpus_bleu(translate(one, processor, test, "cpu"), [wanted]).score
        print(json.dumps({"seed": seed, "steps": c["steps"]} | {k: round(v, 2) for k, v in bleu.items()}), flush=True)


if __name__ == "__main__":
    main()
