#!/usr/bin/env python3
"""Writes a recipe's export as ONNX, in float32 and dynamically quantized to int8 as transformers.js quantizes.

    python export_onnx.py FOLDER OUT_FOLDER [--float-only]

FOLDER holds config.json and model.safetensors, as export.py writes them. OUT_FOLDER gets

    encoder.onnx   input_ids, attention_mask (B, S) -> cross.N.key, cross.N.value (B, H, S, D/H) of every decoder layer
    decoder.onnx   input_ids (B, T'), attention_mask (B, S), past.N.key, past.N.value (B, H, T, D/H), cross.N.*
                   -> logits (B, T', V), present.N.key, present.N.value (B, H, T + T', D/H)
    encoder_quantized.onnx, decoder_quantized.onnx

The decoder takes a past of any length, zero included, so that one graph serves every step; keys and values of the
source are computed once, by the encoder. Its first token is `bos`, which stands for the zero vector where the recipe
starts from that. Needs onnx, onnxruntime, numpy and safetensors.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

OPSET = 17
MASKED = -1e9


def sinusoids(kind: str, length: int, d: int) -> np.ndarray:
    half = d // 2
    divisor = half - 1 if kind == "sinusoid-marian" else half
    angle = np.arange(length)[:, None] * np.exp(-math.log(10000.0) * np.arange(half)[None, :] / divisor)
    parts = [np.sin(angle), np.cos(angle)]
    table = (
        np.stack(parts, axis=-1).reshape(length, d)
        if kind == "sinusoid-interleaved"
        else np.concatenate(parts, axis=-1)
    )
    return table.astype(np.float32)


class Graph:
    """Nodes and weights of one ONNX graph, in the order of the data flow."""

    def __init__(self, config: dict, weights: dict[str, np.ndarray]):
        self.config, self.weights = config, weights
        self.nodes, self.initializers, self.inputs, self.outputs = [], {}, [], []

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes):
        names = [f"{op}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"{op}_{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, name: str, value) -> str:
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def ints(self, *values: int) -> str:
        return self.constant("i" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def scalar(self, value: float) -> str:
        return self.constant(f"f{value}", np.array(value, dtype=np.float32))

    def input(self, name: str, shape: list, kind: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, value: str, shape: list) -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def linear(self, x: str, name: str, scale: float = 1.0) -> str:
        """`scale` multiplies the result, at no cost: it goes into the weights."""
        weight = self.weights[f"{name}.weight"].T * np.float32(scale)
        y = self.add("MatMul", x, self.constant(f"{name}.weight_T", weight))
        if f"{name}.bias" in self.weights:
            bias = self.weights[f"{name}.bias"] * np.float32(scale)
            y = self.add("Add", y, self.constant(f"{name}.bias", bias))
        return y

    def norm(self, x: str, name: str) -> str:
        gain = self.constant(f"{name}.weight", self.weights[f"{name}.weight"])
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.add("LayerNormalization", x, gain, bias, axis=-1, epsilon=self.config["norm_epsilon"])

    def sublayer(self, x: str, name: str, function) -> str:
        """Post-norm LN(x + f(x)), or pre-norm x + f(LN(x))."""
        if self.config["norm"] == "pre":
            return self.add("Add", x, function(self.norm(x, name)))
        return self.norm(self.add("Add", x, function(x)), name)

    def split(self, x: str) -> str:  # (B, T, D) -> (B, H, T, D/H)
        heads = self.config["heads"]
        shape = self.ints(0, -1, heads, self.config["d_model"] // heads)
        return self.add("Transpose", self.add("Reshape", x, shape), perm=[0, 2, 1, 3])

    def attend(self, name: str, y: str, key: str, value: str, mask: str | None) -> str:
        c = self.config
        q = self.split(self.linear(y, f"{name}_q", (c["d_model"] / c["heads"]) ** -0.5))
        scores = self.add("MatMul", q, self.add("Transpose", key, perm=[0, 1, 3, 2]))
        if mask:
            scores = self.add("Add", scores, mask)
        joined = self.add("MatMul", self.add("Softmax", scores, axis=-1), value)
        joined = self.add("Reshape", self.add("Transpose", joined, perm=[0, 2, 1, 3]), self.ints(0, -1, c["d_model"]))
        return self.linear(joined, f"{name}_o")

    def feed_forward(self, layer: str, y: str) -> str:
        y = self.linear(y, f"{layer}.ffn_up")
        kind = self.config["activation"]
        if kind == "relu":
            y = self.add("Relu", y)
        elif kind in ("silu", "gelu-sigmoid"):
            inner = y if kind == "silu" else self.add("Mul", y, self.scalar(1.702))
            y = self.add("Mul", y, self.add("Sigmoid", inner))
        elif kind == "gelu-erf":
            erf = self.add("Erf", self.add("Mul", y, self.scalar(2**-0.5)))
            y = self.add("Mul", self.add("Mul", y, self.scalar(0.5)), self.add("Add", erf, self.scalar(1.0)))
        else:  # gelu-tanh
            cube = self.add("Mul", self.add("Mul", y, y), y)
            inner = self.add("Add", y, self.add("Mul", cube, self.scalar(0.044715)))
            tanh = self.add("Tanh", self.add("Mul", inner, self.scalar(math.sqrt(2 / math.pi))))
            y = self.add("Mul", self.add("Mul", y, self.scalar(0.5)), self.add("Add", tanh, self.scalar(1.0)))
        return self.linear(y, f"{layer}.ffn_down")

    def embed(self, ids: str, side: str, start: str) -> str:
        c = self.config
        table = self.constant("token_embd", self.weights["token_embd.weight"])
        x = self.add("Mul", self.add("Gather", table, ids, axis=0), self.scalar(c["embedding_scale"]))
        if side == "dec" and c["decoder_start"] == "zero-vector":
            known = self.add("Not", self.add("Equal", ids, self.constant("bos", np.int64(c["bos"]))))
            x = self.add("Mul", x, self.add("Unsqueeze", self.add("Cast", known, to=TensorProto.FLOAT), self.ints(2)))
        learned = c["position"] == "learned"
        positions = (
            self.weights[f"{side}.position_embd.weight"]
            if learned
            else sinusoids(c["position"], c["context"], c["d_model"])
        )
        length = self.add("Shape", ids, start=1, end=2)
        rows = self.add(
            "Slice", self.constant("positions", positions), start, self.add("Add", start, length), self.ints(0)
        )
        return self.add("Add", x, rows)

    def source_mask(self) -> str:  # (B, 1, 1, S): 0 where a token may be attended to
        mask = self.add("Cast", self.input("attention_mask", ["B", "S"], TensorProto.INT64), to=TensorProto.FLOAT)
        mask = self.add("Mul", self.add("Sub", self.scalar(1.0), mask), self.scalar(MASKED))
        return self.add("Unsqueeze", mask, self.ints(1, 2))

    def model(self, name: str) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, list(self.initializers.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="glossa")
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


def cache_shape(c: dict, length: str) -> list:
    return ["B", c["heads"], length, c["d_model"] // c["heads"]]


def encoder(c: dict, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    g = Graph(c, weights)
    ids = g.input("input_ids", ["B", "S"], TensorProto.INT64)
    mask = g.source_mask()
    x = g.embed(ids, "enc", g.ints(0))
    for i in range(c["encoder_layers"]):
        layer = f"enc.blk.{i}"

        def attention(y: str) -> str:
            key, value = (g.split(g.linear(y, f"{layer}.attn_{part}")) for part in "kv")
            return g.attend(f"{layer}.attn", y, key, value, mask)

        x = g.sublayer(x, f"{layer}.attn_norm", attention)
        x = g.sublayer(x, f"{layer}.ffn_norm", lambda y: g.feed_forward(layer, y))
    if c["norm"] == "pre":
        x = g.norm(x, "enc.output_norm")
    for i in range(c["decoder_layers"]):
        for part in ("key", "value"):
            memory = g.split(g.linear(x, f"dec.blk.{i}.cross_attn_{part[0]}"))
            g.output(f"cross.{i}.{part}", memory, cache_shape(c, "S"))
    return g.model("encoder")


def decoder(c: dict, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    g = Graph(c, weights)
    ids = g.input("input_ids", ["B", "N"], TensorProto.INT64)
    mask = g.source_mask()
    past = [
        [g.input(f"past.{i}.{part}", cache_shape(c, "T")) for part in ("key", "value")]
        for i in range(c["decoder_layers"])
    ]
    cross = [
        [g.input(f"cross.{i}.{part}", cache_shape(c, "S")) for part in ("key", "value")]
        for i in range(c["decoder_layers"])
    ]
    done = g.add("Shape", past[0][0], start=2, end=3)  # T
    x = g.embed(ids, "dec", done)

    # Query t may attend to the T positions of the past and to the first t + 1 new ones.
    new = g.add("Shape", ids, start=1, end=2)
    total = g.add("Add", done, new)
    zero, one = g.constant("zero", np.int64(0)), g.constant("one", np.int64(1))
    columns = g.add("Range", zero, g.add("Squeeze", total), one)
    rows = g.add("Range", g.add("Squeeze", done), g.add("Squeeze", total), one)
    later = g.add("Greater", g.add("Unsqueeze", columns, g.ints(0)), g.add("Unsqueeze", rows, g.ints(1)))
    causal = g.add("Mul", g.add("Cast", later, to=TensorProto.FLOAT), g.scalar(MASKED))

    for i in range(c["decoder_layers"]):
        layer = f"dec.blk.{i}"

        def attention(y: str) -> str:
            key, value = (
                g.add("Concat", before, g.split(g.linear(y, f"{layer}.attn_{part}")), axis=2)
                for part, before in zip("kv", past[i], strict=True)
            )
            g.output(f"present.{i}.key", key, cache_shape(c, "T_N"))
            g.output(f"present.{i}.value", value, cache_shape(c, "T_N"))
            return g.attend(f"{layer}.attn", y, key, value, causal)

        x = g.sublayer(x, f"{layer}.attn_norm", attention)
        x = g.sublayer(x, f"{layer}.cross_attn_norm", lambda y: g.attend(f"{layer}.cross_attn", y, *cross[i], mask))
        x = g.sublayer(x, f"{layer}.ffn_norm", lambda y: g.feed_forward(layer, y))
    if c["norm"] == "pre":
        x = g.norm(x, "dec.output_norm")
    if "output.weight" not in weights:
        weights = weights | {"output.weight": weights["token_embd.weight"]}
    g.weights = weights
    g.output("logits", g.linear(x, "output"), ["B", "N", c["vocab"]])
    return g.model("decoder")


def export(folder: Path, out: Path, quantize: bool = True) -> None:
    config = json.loads((folder / "config.json").read_text())
    if config.get("mixer", "attention") != "attention":
        raise SystemExit(f"{folder}: a decoder of type {config['mixer']} is not exported, only self-attention")
    weights = load_file(folder / "model.safetensors")
    out.mkdir(parents=True, exist_ok=True)
    for name, make in (("encoder", encoder), ("decoder", decoder)):
        onnx.save(make(config, weights), out / f"{name}.onnx")
        if quantize:
            from onnxruntime.quantization import QuantType, quantize_dynamic

            # The settings of transformers.js: one scale a matrix, signed weights, products of weights only.
            options = {"MatMulConstBOnly": True}
            to = out / f"{name}_quantized.onnx"
            quantize_dynamic(out / f"{name}.onnx", to, weight_type=QuantType.QInt8, extra_options=options)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--float-only", action="store_true", help="do not quantize")
    args = parser.parse_args()
    export(args.folder, args.out, not args.float_only)
