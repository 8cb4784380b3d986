#!/usr/bin/env python3
"""Makes the reference of a shipped checkpoint: beam-5 hypotheses of PyTorch for the sentences and hard lines of
tests/js/sentences.js, or for the samples of the recipe where the source is not English.

    python tests/golden/make_shipped.py models/en-de.gguf      (needs torch and gguf; node for the sentences)

PyTorch runs the checkpoint's own weights, scale times integer, in float32. The test does the same with the engine:
it turns the checkpoint into a float32 one and compares. The file names the checkpoint by its hash, so that a new
checkpoint without a new reference is noticed.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[1] / "models" / "recipes"))
from export import canonical  # noqa: E402
from model import ModelConfig, Transformer  # noqa: E402

SENTENCES = 60


def load(path: Path) -> tuple[Transformer, GGUFReader]:
    reader = GGUFReader(path)

    def key(name: str):
        return reader.fields[name].contents()

    tensors = {t.name: t for t in reader.tensors}
    config = ModelConfig(
        vocab=len(key("tokenizer.ggml.tokens")),
        d_model=key("glossa.embedding_length"),
        ffn=key("glossa.feed_forward_length"),
        heads=key("glossa.attention.head_count"),
        encoder_layers=key("glossa.encoder.block_count"),
        decoder_layers=key("glossa.decoder.block_count"),
        norm=key("glossa.norm.placement"),
        start="zero-vector" if key("glossa.decoder.start") == "zero-vector" else "bos",
        norm_epsilon=key("glossa.norm.epsilon"),
        activation=key("glossa.activation"),
        position=key("glossa.position"),
        tied_output="output.weight" not in tensors,
        output_bias="output.bias" in tensors,
        context=key("glossa.context_length"),
        dropout=0.0,
    )
    model = Transformer(config)
    state = model.state_dict()
    for name, tensor in state.items():
        (canon,) = canonical({name: tensor})
        values = np.array(tensors[canon].data)
        if values.dtype == np.int8:
            scale = np.array(tensors[canon.replace(".weight", ".scale")].data, dtype=np.float32)
            values = values.reshape(tensor.shape).astype(np.float32) * scale.reshape(-1, 1)
        state[name] = torch.from_numpy(values.astype(np.float32).reshape(tensor.shape))
    model.load_state_dict(state)
    return model.eval(), reader


@torch.no_grad()
def main() -> None:
    path = Path(sys.argv[1])
    torch.set_num_threads(1)
    model, reader = load(path)
    first_byte = reader.fields["tokenizer.ggml.tokens"].contents().index("<0x00>")
    root = here.parents[1]
    recipe = json.loads((root / "models" / "recipes" / f"{path.stem}.json").read_text())
    english = f"[...m.SENTENCES.slice(0, {SENTENCES}), ...m.HARD_LINES]"
    sentences = english if recipe["source"] == "en" else json.dumps(recipe["samples"])
    program = (
        "import('./tests/js/sentences.js').then(async (m) => {"
        "const { Translator } = await import('./src/js/index.js');"
        f"const model = (await import('node:fs')).readFileSync({json.dumps(str(path.resolve()))});"
        "const t = await Translator.create({ model, worker: false });"
        "const out = [];"
        f"for (const text of {sentences}) {{"
        "const e = await t.explain(text, { split: false });"
        "if (e.sentences.length) out.push({ text, source_ids: e.sentences[0].sourceTokens.map((x) => x.id) }); }"
        "t.destroy(); console.log(JSON.stringify(out)); })"
    )
    done = subprocess.run(["node", "-e", program], cwd=root, capture_output=True, text=True, check=True)
    cases = json.loads(done.stdout)
    for case in cases:
        hypotheses = model.translate(torch.tensor([case["source_ids"]]), 5, first_byte=first_byte)[0]
        case["beam"] = [{"score": round(h.score, 6), "ids": h.ids} for h in hypotheses]
    out = {"model": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "cases": cases}
    (here / "shipped").mkdir(exist_ok=True)
    (here / "shipped" / f"{path.stem}.json").write_text(
        json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n"
    )
    print(f"{path.name}: {len(cases)} sentences")


if __name__ == "__main__":
    main()
