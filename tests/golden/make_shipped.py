#!/usr/bin/env python3
"""Makes the reference of a shipped checkpoint: beam-5 hypotheses of PyTorch for the sentences and hard lines of
tests/js/sentences.js, or for the samples of the recipe where the source is not English.

    python tests/golden/make_shipped.py models/en-de.gguf      (needs the recipes' packages; node for the sentences)

SentencePiece makes the tokens, and PyTorch runs the checkpoint's own weights, scale times integer, in float32. The test
does the same with the engine: it turns the checkpoint into a float32 one and compares. The file names the checkpoint by
its hash, so that a new checkpoint without a new reference is noticed.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import sentencepiece
import torch

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[1] / "models" / "recipes"))
import checkpoint  # noqa: E402

SENTENCES = 60


@torch.no_grad()
def main() -> None:
    path = Path(sys.argv[1])
    torch.set_num_threads(1)
    model = checkpoint.load(path)
    vocabulary = sentencepiece.SentencePieceProcessor(model_proto=checkpoint.vocabulary(path))
    first_byte = vocabulary.piece_to_id("<0x00>")
    root = here.parents[1]
    recipe = json.loads((root / "models" / "recipes" / f"{path.stem}.json").read_text())
    if recipe["source"] == "en":
        program = "import('./tests/js/sentences.js').then((m) => console.log(JSON.stringify(m)))"
        done = subprocess.run(["node", "-e", program], cwd=root, capture_output=True, text=True, check=True)
        known = json.loads(done.stdout)
        texts = [*known["SENTENCES"][:SENTENCES], *known["HARD_LINES"]]
    else:
        texts = recipe["samples"]
    cases = []
    for text in texts:
        if ids := vocabulary.encode(text):
            ids.append(vocabulary.eos_id())
            hypotheses = model.translate(torch.tensor([ids]), 5, first_byte=first_byte)[0]
            beam = [{"score": round(h.score, 6), "ids": h.ids} for h in hypotheses]
            cases.append({"text": text, "source_ids": ids, "beam": beam})
    out = {"model": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "cases": cases}
    (here / "shipped").mkdir(exist_ok=True)
    (here / "shipped" / f"{path.stem}.json").write_text(
        json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n"
    )
    print(f"{path.name}: {len(cases)} sentences")


if __name__ == "__main__":
    main()
