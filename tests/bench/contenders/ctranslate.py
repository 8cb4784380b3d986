"""CTranslate2 with the checkpoint in int8 on one thread: the line protocol of serve.js.

Takes pieces, not text: the tokenizer is not counted against it.
"""

import json
import platform
import resource
import sys
import time
from pathlib import Path

import ctranslate2
import numpy as np
from ctranslate2.specs import common_spec, transformer_spec
from safetensors.numpy import load_file

ACTIVATIONS = {
    "relu": common_spec.Activation.RELU,
    "silu": common_spec.Activation.SWISH,
    "gelu-erf": common_spec.Activation.GELU,
    "gelu-tanh": common_spec.Activation.GELUTanh,
    "gelu-sigmoid": common_spec.Activation.GELUSigmoid,
}


def sinusoids(kind: str, length: int, d: int) -> np.ndarray:
    half = d // 2
    divisor = half - 1 if kind == "sinusoid-marian" else half
    angle = np.arange(length)[:, None] * np.exp(-np.log(10000.0) * np.arange(half)[None, :] / divisor)
    parts = [np.sin(angle), np.cos(angle)]
    table = np.stack(parts, axis=-1).reshape(length, d) if kind == "sinusoid-interleaved" else np.concatenate(parts, axis=-1)
    return table.astype(np.float32)


def convert(folder: Path, out: Path) -> None:
    """From config.json, model.safetensors and pieces.json to a CTranslate2 model with int8 weights."""
    c = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    pieces = json.loads((folder / "pieces.json").read_text())
    pieces += [f"<extra_{i}>" for i in range(len(pieces), c["vocab"])]
    pre = c["norm"] == "pre"
    layers = (c["encoder_layers"], c["decoder_layers"])
    spec = transformer_spec.TransformerSpec.from_config(layers, c["heads"], pre_norm=pre, activation=ACTIVATIONS[c["activation"]])

    def norm(to, name: str) -> None:
        to.gamma, to.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def linear(to, *names: str) -> None:
        to.weight = np.concatenate([weights[f"{name}.weight"] for name in names])
        to.bias = np.concatenate([weights[f"{name}.bias"] for name in names])

    def position(side: str) -> np.ndarray:
        learned = weights.get(f"{side}.position_embd.weight")
        return sinusoids(c["position"], c["context"], c["d_model"]) if learned is None else learned

    def self_attention(to, name: str) -> None:
        linear(to.linear[0], *(f"{name}_{part}" for part in "qkv"))
        linear(to.linear[1], f"{name}_o")
        norm(to.layer_norm, f"{name}_norm")

    def feed_forward(to, name: str) -> None:
        linear(to.linear_0, f"{name}.ffn_up")
        linear(to.linear_1, f"{name}.ffn_down")
        norm(to.layer_norm, f"{name}.ffn_norm")

    for side, part, table in (("enc", spec.encoder, spec.encoder.embeddings[0]), ("dec", spec.decoder, spec.decoder.embeddings)):
        table.weight = weights["token_embd.weight"]
        part.scale_embeddings = True
        part.position_encodings.encodings = position(side)
        if pre:
            norm(part.layer_norm, f"{side}.output_norm")
        for i, layer in enumerate(part.layer):
            self_attention(layer.self_attention, f"{side}.blk.{i}.attn")
            feed_forward(layer.ffn, f"{side}.blk.{i}")
            if side == "dec":
                name = f"dec.blk.{i}.cross_attn"
                linear(layer.attention.linear[0], f"{name}_q")
                linear(layer.attention.linear[1], f"{name}_k", f"{name}_v")
                linear(layer.attention.linear[2], f"{name}_o")
                norm(layer.attention.layer_norm, f"{name}_norm")
    spec.decoder.projection.weight = weights.get("output.weight", weights["token_embd.weight"])
    spec.decoder.projection.bias = weights["output.bias"]
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.config.layer_norm_epsilon = c["norm_epsilon"]
    spec.config.decoder_start_token = pieces[c["decoder_start"]]
    spec.config.eos_token = pieces[c["eos"]]
    spec.config.bos_token = pieces[c["decoder_start"]]
    spec.config.unk_token = pieces[c["banned_ids"][1]] if len(c["banned_ids"]) > 1 else "<unk>"
    spec.config.add_source_eos = False  # the ids that come have it
    spec.validate()
    spec.optimize(quantization="int8")
    out.mkdir(parents=True, exist_ok=True)
    spec.save(str(out))


class Peer:
    def load(self, model: str, **_):
        self.pieces = json.loads((Path(model) / "pieces.json").read_text())
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}
        self.translator = ctranslate2.Translator(model, device="cpu", compute_type="int8", inter_threads=1, intra_threads=1)

    def translate(self, ids: list[list[int]]) -> list[list[int]]:
        source = [[self.pieces[i] for i in sentence] for sentence in ids]
        results = self.translator.translate_batch(
            source, beam_size=1, max_batch_size=1024, batch_type="tokens",
            max_decoding_length=2 * max(map(len, ids)) + 10, disable_unk=True,
        )  # fmt: skip
        return [[self.ids[piece] for piece in result.hypotheses[0]] for result in results]

    def about(self, **_):
        return {"runtime": f"Python {platform.python_version()}", "version": ctranslate2.__version__}

    def cold(self, model: str, ids: list[int], **_):
        start, processor = time.perf_counter(), time.process_time()
        self.load(model)
        self.translate([ids])
        return {"ms": (time.perf_counter() - start) * 1e3, "cpu": (time.process_time() - processor) * 1e3}

    def batch(self, ids: list[list[int]], **_):
        start = time.perf_counter()
        results = self.translate(ids)
        return {"ms": (time.perf_counter() - start) * 1e3, "ids": results}

    def singles(self, ids: list[list[int]], **_):
        times, results = [], []
        for sentence in ids:
            start = time.perf_counter()
            results += self.translate([sentence])
            times.append((time.perf_counter() - start) * 1e3)
        return {"times": times, "ids": results}

    def memory(self, **_):
        resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"wasm": 0, "resident": int(resident.split()[1]) * 1024, "peak": peak}


if __name__ == "__main__":
    if sys.argv[1:2] == ["convert"]:
        convert(Path(sys.argv[2]), Path(sys.argv[3]))
        raise SystemExit
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            start = time.process_time()
            value = getattr(peer, request["verb"])(**request["options"])
            answer = {"value": value, "cpu": (time.process_time() - start) * 1e3}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
