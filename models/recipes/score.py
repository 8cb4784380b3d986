#!/usr/bin/env python3
"""Scores a run and its checkpoint, and writes the model's card into models/README.md and models/scores/ID.json.

    python score.py RUN_DIR --id en-de --data DATA_ROOT [--compare OTHER_RUN "what differs"]
    python score.py --id en-de --keep-scores    # after first inputs were judged: the recorded scores, the recipe as it is now
    python score.py RUN_DIR --id en-de-free --data DATA_ROOT --folder OUT    # a model that does not ship

float32 is the averaged checkpoint run by PyTorch; int8 is ID.gguf of the folder run by this project's own engine
(`glossa translate`, the WebAssembly build). BLEU and chrF are sacrebleu's, on detokenized, cased text.
"""

import argparse
import html
import json
import math
import random
import tempfile
from pathlib import Path

import sacrebleu
import sentencepiece as spm
import torch

import corpus
from engine import ROOT, engine_explain, engine_links, engine_translate, glossa
from export import load_average
from train import translate

SHIPPED = ROOT / "models"


def score(hypotheses: list[str], references: list[str], tokenize: str) -> dict:
    bleu, chrf = sacrebleu.metrics.BLEU(tokenize=tokenize), sacrebleu.metrics.CHRF()
    result = {
        "bleu": round(bleu.corpus_score(hypotheses, [references]).score, 2),
        "chrf": round(chrf.corpus_score(hypotheses, [references]).score, 2),
    }
    return result | {"signature": str(bleu.get_signature()), "chrf_signature": str(chrf.get_signature())}


def curve(log: Path, name: str) -> str:
    """Validation perplexity over the steps, as SVG."""
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    series: dict[str, list[tuple[int, float]]] = {}
    for e in entries:
        if "valid" in e:
            series.setdefault(e["valid"], []).append((e["step"], e["perplexity"]))
    last, top = max(s for p in series.values() for s, _ in p), 40.0
    colours = ["#1f5a94", "#b5541c", "#3b7d4f", "#6b4c9a"]

    def point(step: float, value: float) -> tuple[float, float]:
        return 50 + 540 * step / last, 20 + 230 * (1 - (min(value, top) - 1) / (top - 1))

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 300" font-family="sans-serif" font-size="12">',
             f"<title>{html.escape(name)}: validation perplexity while training</title>"]  # fmt: skip
    for value in (1, 10, 20, 30, 40):
        y = point(0, value)[1]
        parts.append(
            f'<path d="M50 {y:.1f}H590" stroke="#ddd"/><text x="44" y="{y + 4:.1f}" text-anchor="end" fill="#555">{value}</text>'
        )
    parts.append(f'<text x="590" y="275" text-anchor="end" fill="#555">step {last}</text>')
    for i, (label, points) in enumerate(series.items()):
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (point(*p) for p in points))
        colour = colours[i % len(colours)]
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="70" y="{290 - 0}" dx="{i * 190}" fill="{colour}">{html.escape(label)}: {points[-1][1]:.2f}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def translate_run(run: Path, source: list[str], beam: int, target: str) -> list[str]:
    """By PyTorch and float32, with the averaged checkpoint of a run."""
    model, saved = load_average(run)
    processor = spm.SentencePieceProcessor(model_file=str(run / "vocab.model"))
    return translate(model, processor, source, "cpu", beam, token=corpus.language_token(saved["config"], target))


def beam_of(config: dict) -> int:
    """Hypotheses that the search of the recipe's scores keeps."""
    return config.get("beam", 5)


def compare(args: argparse.Namespace, run: Path, what: str, info: dict) -> str:
    """A sentence for the card: how another run of the recipe does on the same test sets."""
    config, beam = info["config"], beam_of(info["config"])
    tokenize = config.get("bleu", {}).get("tokenize", "13a")
    found = []
    for key, way, source, reference in corpus.test_sets(args.data, config):
        source, reference = source[: args.lines], reference[: args.lines]
        theirs = score(translate_run(run, source, beam, way[1]), reference, tokenize)["bleu"]
        ours = info["scores"][key][f"float32 beam {beam}"]["bleu"]
        print(key, what, theirs, ours, flush=True)
        found.append(f"{theirs:.2f} ({ours:.2f}) on {key}")
    return f"{what}: BLEU {', '.join(found)}; in brackets the model that ships, both float32 with beam {beam}."


def recipe_of(name: str) -> dict:
    return json.loads((SHIPPED / "recipes" / f"{name}.json").read_text())


def evaluate(args: argparse.Namespace) -> dict:
    run, gguf = args.run, args.folder / f"{args.id}.gguf"
    model, saved = load_average(run)  # for its size
    config = saved["config"] | recipe_of(args.id)
    tokenize = config.get("bleu", {}).get("tokenize", "13a")
    scores: dict[str, dict] = {}
    for key, way, source, reference in corpus.test_sets(args.data, config):
        source, reference = source[: args.lines], reference[: args.lines]
        row = {"lines": len(source)}
        for beam in (1, beam_of(config)):
            kind = "greedy" if beam == 1 else f"beam {beam}"
            out = translate_run(run, source, beam, way[1])
            row[f"float32 {kind}"] = score(out, reference, tokenize)
            out = engine_translate(gguf, source, beam, way)
            row[f"int8 {kind}"] = score(out, reference, tokenize)
            print(key, kind, row[f"float32 {kind}"], row[f"int8 {kind}"], flush=True)
        scores[key] = row
    parameters = sum(p.numel() for p in model.parameters())
    return {"id": args.id, "config": config, "parameters": parameters, "bytes": gguf.stat().st_size,
            "seconds": round(saved["seconds"]), "step": saved["step"], "scores": scores}  # fmt: skip


def recorded(args: argparse.Namespace) -> dict:
    """What was scored before, with what the recipe says now."""
    info = json.loads((args.folder / "scores" / f"{args.id}.json").read_text())
    return info | {"config": info["config"] | recipe_of(args.id)}


def speed(gguf: Path, lines: list[str]) -> str:
    """What `glossa bench` says of the build that runs everywhere, with the machine."""
    facts = Path("/proc/cpuinfo").read_text()
    cpu = next((x.split(":")[1].strip() for x in facts.splitlines() if "model name" in x), "?")
    cpu += " with AVX-512" if " avx512f " in facts else " without AVX-512"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        line = glossa("bench", "--model", gguf, "--build", "simd128", file.name).splitlines()[-1]
    return f"{line.split(': ', 1)[1]}; `glossa bench` over the sentences of the recipe, simd128, one thread of an {cpu}"


def card(info: dict) -> str:
    c, general = info["config"], info["config"]["general"]
    m = c["model"]
    lines = [f"## {info['id']}: {general['name']}", "", general["description"], ""]
    lines += [f"- **Data**: {'; '.join(general['sources'])}", f"- **Licence**: {general['license']}. {general['license_note']}",
              f"- **Architecture**: {m['encoder_layers']} encoder and {m['decoder_layers']} decoder layers, width {m['d_model']}, "
              f"feed-forward {m['ffn']}, {m['heads']} heads, {m['norm']}-norm, {m['activation']}; one table of {c['vocab']} unigram "
              "pieces with byte fallback for source, target and output",
              f"- **Size**: {info['parameters'] / 1e6:.2f} M parameters, {info['bytes']:,} bytes as int8",
              f"- **Speed**: {info['speed']}",
              f"- **Training**: {info['step']} steps of {c['batch_tokens']} tokens, {info['seconds'] / 60:.0f} minutes on "
              f"{general['trained_on']}; recipe `models/recipes/{info['id']}.json`"
              + (f"; {general['training_note']}" if "training_note" in general else ""),
              f"- **Known weaknesses**: {general['weaknesses']}"]  # fmt: skip
    if "shortlist" in general:
        lines += [f"- **Shortlist**: {general['shortlist']}"]
    hints = c.get("hints", {})
    if "limits" in hints:
        lines += [f"- **What the page says of it**: {hints['limits']['en']}"]
    if "confidence" in hints:
        lines += [f"- **Unsure**: a word below a log-probability of {hints['confidence']['word']}, a sentence below "
                  f"{hints['confidence']['sentence']} in the mean{'; ' + general['calibration'] if 'calibration' in general else ''}"]  # fmt: skip
    lines += [""]
    kinds = [k for k in next(iter(info["scores"].values())) if k != "lines"]
    lines += [
        "| test set | lines | " + " | ".join(f"{k}" for k in kinds) + " |",
        "| --- | ---: |" + " ---: |" * len(kinds),
    ]
    for name, row in info["scores"].items():
        lines.append(
            f"| {name} | {row['lines']} | "
            + " | ".join(f"{row[k]['bleu']:.2f} / {row[k]['chrf']:.2f}" for k in kinds)
            + " |"
        )
    first = next(iter(info["scores"].values()))[kinds[0]]
    lines += ["", f"BLEU / chrF. Signatures: `{first['signature']}`, `{first['chrf_signature']}`. float32 is PyTorch, int8 is "
              "Glossa's WebAssembly engine" + (f", which cuts sentences of more than {hints['training_length']} tokens at a clause"
              if "training_length" in hints else "") + ".", "", f"![Validation perplexity while training](scores/{info['id']}.svg)", ""]  # fmt: skip
    for sentence in info.get("comparisons", []):
        lines += [sentence, ""]
    if info.get("samples"):
        lines += [
            f"Ten of the {len(c['samples'])} sentences of the recipe, drawn by its seed (greedy, int8). {c['samples_note']}",
            "",
            "| source | translation |",
            "| --- | --- |",
        ]
        lines += [f"| {a} | {b} |" for a, b in info["samples"]] + [""]
    if info.get("first_inputs"):
        right = sum(judged.startswith("right") for _, _, judged in info["first_inputs"])
        lines += [
            f"What people type first: {right} of {len(info['first_inputs'])} are right, as judged by hand (beam 4, as on the page; int8). "
            "Marked: the model itself is unsure of a word or of the sentence, and the page says so.",
            "",
            "| source | translation | |",
            "| --- | --- | --- |",
        ]
        lines += [f"| {a} | {b} | {judged} |" for a, b, judged in info["first_inputs"]] + [""]
    if info.get("links"):
        lines += [
            "<details><summary>Words that the alignment head links, in twenty sentences</summary>",
            "",
            "Each word of the translation with the word of the source that the head looks at most.",
            "",
        ]
        lines += ["- " + " · ".join(f"{target} = {source}" for source, target in links) for links in info["links"]]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def first_inputs(gguf: Path, config: dict, way: tuple[str, str]) -> list[list[str]]:
    """[source, translation, how it was judged] of what people type first; `wrong_first_inputs` of the recipe is by hand."""
    texts = json.loads((SHIPPED / "recipes" / "first-inputs.json").read_text())[way[0]]
    at = config.get("hints", {}).get("confidence", {"word": -math.inf, "sentence": -math.inf})
    wrong = config.get("wrong_first_inputs", [])
    if unknown := set(wrong) - set(texts):
        raise ValueError(f"no first input: {sorted(unknown)}")
    out = []
    for text in texts:
        part = engine_explain(gguf, text, way, 4)
        scores = [token["logProbability"] for token in part["targetTokens"]]
        marked = min(scores) < at["word"] or sum(scores) / len(scores) < at["sentence"]
        out.append([text, part["translation"], ("wrong" if text in wrong else "right") + (", marked" if marked else "")])
    return out


def drawn(config: dict, count: int) -> list[str]:
    """Sentences of the recipe in an order that its seed decides, so that nobody picks the pretty ones."""
    samples = config["samples"]
    return random.Random(config["seed"]).sample(samples, min(count, len(samples)))


def write_cards(folder: Path) -> None:
    head = ["# Models", ""]
    if folder.samefile(SHIPPED):
        head += ["The checkpoints that ship with Glossa, one file a direction. This page is written by "
                 "`models/recipes/score.py` from `scores/*.json`. Small models of other kinds, for `glossa lab`: "
                 "[SMALL.md](SMALL.md).", ""]  # fmt: skip
    cards = [card(json.loads(path.read_text())) for path in sorted((folder / "scores").glob("*.json"))]
    (folder / "README.md").write_text("\n".join(head + cards))


def add_run(args: argparse.Namespace, info: dict, gguf: Path, way: tuple[str, str]) -> None:
    """What hangs on the weights alone."""
    samples = drawn(info["config"], 10)
    info["samples"] = list(zip(samples, engine_translate(gguf, samples, 1, way)))
    info["links"] = [engine_links(gguf, line, way)[1] for line in drawn(info["config"], 20)]
    info["speed"] = speed(gguf, drawn(info["config"], 40))
    info["comparisons"] = [compare(args, Path(run), what, info) for run, what in args.compare]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--id", required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--folder", type=Path, default=SHIPPED, help="of the checkpoint, its scores and its card (models)")
    parser.add_argument("--keep-scores", action="store_true", help="only what is said of first inputs and in words is new")
    parser.add_argument("--lines", type=int, help="only the first so many lines of each set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--compare",
        nargs=2,
        metavar=("RUN", "WHAT"),
        action="append",
        default=[],
        help='another run of the recipe, for the card, and how it differs, such as "A tenth of the training pairs"',
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if not args.keep_scores and not (args.run and args.data):
        parser.error("a run and --data are needed, or --keep-scores")
    info = recorded(args) if args.keep_scores else evaluate(args)
    gguf = args.folder / f"{args.id}.gguf"
    way = corpus.directions(info["config"])[0]
    info["first_inputs"] = first_inputs(gguf, info["config"], way)
    folder = args.folder / "scores"
    if not args.keep_scores:
        add_run(args, info, gguf, way)
        folder.mkdir(exist_ok=True)
        (folder / f"{args.id}.svg").write_text(curve(args.run / "log.jsonl", args.id))
    (folder / f"{args.id}.json").write_text(json.dumps(info, indent=1, ensure_ascii=False) + "\n")
    write_cards(args.folder)


if __name__ == "__main__":
    main()
