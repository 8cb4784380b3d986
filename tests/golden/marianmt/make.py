#!/usr/bin/env python3
"""Makes reference.json: what the transformers library computes for the small MarianMT folder of the tests.

    python tests/golden/marianmt/make.py            (needs torch, transformers, sentencepiece, and node)

The folder itself is not stored: tests/js/marianmt-folder.js writes it from a seed. Each case has the ids that
MarianTokenizer gives, the whole distribution of every step of greedy search, and the hypotheses of beam 4. The cases
of the multilingual folder start with the token of their target language, as the library wants it.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import torch
from transformers import MarianMTModel, MarianTokenizer

TEXTS = ["\u2581da3ea4", "da3 fa5ga6 da3", "ea4 ha7 nothing", "fa5 fa5 fa5 ga6ga6ea4"]
LANGUAGES = [">>deu<<", ">>nob<<", ">>zh_Hans<<"]
LENGTH = 12  # of a target, the start included
HERE = Path(__file__).parent
WRITE = """
import { writeFileSync } from "node:fs";
import * as make from "%s";
for (const [name, bytes] of Object.entries(make.%s())) writeFileSync(process.argv[1] + "/" + name, bytes);
"""


@torch.no_grad()
def case(model, tokenizer, text):
    source = tokenizer(text, return_tensors="pt").input_ids
    pad = model.config.pad_token_id
    options = {"bad_words_ids": [[pad], [1]]}  # Glossa never writes <unk>
    options |= {"max_length": LENGTH, "do_sample": False, "return_dict_in_generate": True, "output_scores": True}
    greedy = model.generate(source, num_beams=1, **options).sequences[0]
    logits = model(input_ids=source, decoder_input_ids=greedy[None, :-1]).logits[0]
    beam = model.generate(source, num_beams=4, num_return_sequences=4, renormalize_logits=True, **options)

    def trimmed(ids):
        ids = ids.tolist()[1:]
        return ids[: ids.index(0) + 1] if 0 in ids else [i for i in ids if i != pad]

    return {
        "text": text,
        "source_ids": source[0].tolist(),
        "greedy": trimmed(greedy),
        "log_probability": [[round(v, 6) for v in row] for row in logits.log_softmax(-1).tolist()],
        "beam": [
            {"ids": trimmed(ids), "score": round(score, 6)}
            for ids, score in zip(beam.sequences, beam.sequences_scores.tolist())
        ],
        "decoded": tokenizer.decode(greedy, skip_special_tokens=True),
    }


def cases_of(kind, texts):
    with tempfile.TemporaryDirectory() as folder:
        module = (HERE.parent.parent / "js" / "marianmt-folder.js").resolve().as_uri()
        subprocess.run(["node", "--input-type=module", "-e", WRITE % (module, kind), folder], check=True)
        tokenizer = MarianTokenizer.from_pretrained(folder)
        model = MarianMTModel.from_pretrained(folder).eval().float()
        return [case(model, tokenizer, text) for text in texts]


def main():
    multilingual = cases_of("multilingualFolder", [f"{token} {text}" for text in TEXTS for token in LANGUAGES])
    for one in multilingual:
        del one["log_probability"], one["beam"]
    out = {"length": LENGTH, "cases": cases_of("folder", TEXTS), "multilingual": multilingual}
    (HERE / "reference.json").write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
