#!/usr/bin/env python3
"""Makes the references of what `explain` tells beside attention: branches of the search, the network without positions
or without its causal mask, by PyTorch; and ways to cut words, by SentencePiece.

    python tests/golden/make_explain.py            (needs torch and sentencepiece; run from anywhere)

The models are those of make.py. The search is written here again, without caches, from its rules.
"""

import io
import json
from pathlib import Path

import sentencepiece
import torch
from make import BASE, LIMIT, PIECES, TEXTS, VARIANTS, ModelConfig, Transformer, rounded, seeded

here = Path(__file__).resolve().parent
MODELS = ["post-relu-interleaved-tied", "pre-gelu-tanh-learned-untied"]
WIDTH = 3
WORDS = ["Hello", "world", "translator", "programming", "Goodbye.", "xylophone", "naïve", "a"]
CUTS = 6
PIECES_OF_CUTS = 150


def branches(model: Transformer, source: torch.Tensor) -> list[list[list]]:
    """For each step its 2 x WIDTH best branches: parent in the step before, id, log p, score, fate."""
    c, memory, mask = model.config, model.encode(source), model.mask(source)
    live, finished, steps = [(-1, [], 0.0)], [], []
    while live and len(steps) < LIMIT:
        found = []
        for parent, ids, total in live:
            logits = model.logits(model.decode(torch.tensor([[c.bos, *ids]]), memory, mask)[0])[0, -1]
            logp = logits.log_softmax(-1)
            logp[[c.unk, c.pad, c.bos]] = float("-inf")
            found += [(total + p, parent, ids, i, p) for i, p in enumerate(logp.tolist()) if p > float("-inf")]
        found.sort(key=lambda one: -one[0])
        step, going, length = [], [], len(steps) + 1
        for rank, (total, parent, ids, token, p) in enumerate(found[: 2 * WIDTH]):
            fate = "dropped"
            if len(going) < WIDTH and token != c.eos:
                fate = "live"
                going.append((rank, [*ids, token], total))
            elif len(going) < WIDTH and rank < WIDTH:
                fate = "finished"
                finished.append(total / length)
            step.append([parent, token, round(p, 6), round(total / length, 6), fate])
        steps.append(step)
        live = going
        best = sorted(finished, reverse=True)[:WIDTH]
        if len(best) == WIDTH and max(live[0][2] / n for n in (length + 1, LIMIT)) <= best[0]:
            break
    return steps


def without_positions(model: Transformer) -> Transformer:
    if model.config.position == "learned":
        model.encoder_position.weight.data.zero_()
        model.decoder_position.weight.data.zero_()
    else:
        model.position.zero_()
    return model


def forced(model: Transformer, source: torch.Tensor, ids: list[int], causal: bool) -> dict:
    """Log-probabilities of the tokens, and attention of the last layers: decoder (H, T, T), cross (H, T, S)."""
    c, memory = model.config, model.encode(source)
    x = model.embed(torch.tensor([[c.bos, *ids[:-1]]]), "decoder")
    seen = torch.ones(len(ids), len(ids), dtype=torch.bool)
    for layer in model.decoder:
        y = layer.attn_norm.inner(x)
        own = layer.attn.weights(y, y, seen.tril() if causal else seen)
        x = layer.attn_norm.join(x, layer.attn(y, y, seen.tril() if causal else seen))
        y = layer.cross_attn_norm.inner(x)
        cross = layer.cross_attn.weights(y, memory, None)
        x = layer.cross_attn_norm.join(x, layer.cross_attn(y, memory, None))
        x = layer.ffn_norm.join(x, layer.ffn(layer.ffn_norm.inner(x)))
    hidden = model.decoder_norm(x) if c.norm == "pre" else x
    logp = model.logits(hidden).log_softmax(-1)[0]
    return {
        "log_probability": rounded(logp[torch.arange(len(ids)), ids]),
        "best": logp.index_fill(1, torch.tensor([c.unk, c.pad, c.bos]), float("-inf")).argmax(-1).tolist(),
        "decoder": [round(p, 5) for p in own.flatten().tolist()],
        "cross": [round(p, 5) for p in cross.flatten().tolist()],
    }


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    models = []
    for name in MODELS:
        number = list(VARIANTS).index(name)
        config = ModelConfig(vocab=len(PIECES), dropout=0.0, **(BASE | VARIANTS[name]))
        model = Transformer(config).eval()
        seeded(model, 1000 + number)
        source = torch.tensor([[PIECES.index("\u2581" if ch == " " else ch) for ch in " " + TEXTS[0]] + [config.eos]])
        ids = model.translate(source, 1, limit=LIMIT)[0][0].ids
        body = {"variant": name, "text": TEXTS[0], "limit": LIMIT, "width": WIDTH}
        body |= {"beams": branches(model, source), "ids": ids, "causal": forced(model, source, ids, False)}
        without_positions(model)
        other = model.translate(source, 1, limit=LIMIT)[0][0].ids
        models.append(body | {"positions": {"ids": other} | forced(model, source, other, True)})
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter((here / "hello/train.en").read_text("utf-8").splitlines()), model_writer=trained,
        model_type="unigram", vocab_size=PIECES_OF_CUTS, normalization_rule_name="identity", character_coverage=1.0,
        pad_id=0, unk_id=1, bos_id=2, eos_id=3, num_threads=1, minloglevel=1,
    )  # fmt: skip
    vocabulary = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    ids = range(vocabulary.vocab_size())
    cuts = {
        word: [[[p.piece for p in n.pieces], round(n.score, 5)] for n in vocabulary.nbest_encode_as_proto(word, CUTS).nbests]
        for word in WORDS
    }
    cutting = {"pieces": [vocabulary.id_to_piece(i) for i in ids], "scores": [round(vocabulary.get_score(i), 6) for i in ids], "cuts": cuts}  # fmt: skip
    folder = here / "explain"
    folder.mkdir(exist_ok=True)
    text = json.dumps({"models": models, "cutting": cutting}, ensure_ascii=False, separators=(",", ":"))
    (folder / "reference.json").write_text(text + "\n")


main()
