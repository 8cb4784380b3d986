#!/usr/bin/env python3
"""Repeats the scores of the shipped models with the WebAssembly engine and sets them beside the recorded ones.

    python evaluate.py [ID ...] --data DATA_ROOT [--lines N]

Needs sacrebleu; no PyTorch. `npm run evaluate -- --data DATA_ROOT` calls it.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import corpus
from engine import ROOT, engine_translate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", help="models; all that have recorded scores where none is named")
    parser.add_argument("--data", type=Path, default=os.environ.get("GLOSSA_DATA"), help="or the variable GLOSSA_DATA")
    parser.add_argument("--lines", type=int, help="only the first so many lines of each set")
    args = parser.parse_args()
    import sacrebleu  # after the arguments: --help needs nothing

    if not args.data:
        parser.error("--data is missing: the folder that holds the folders of parallel text")
    recorded = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "models/scores").glob("*.json"))}
    unknown = [i for i in args.ids if i not in recorded]
    if unknown:
        parser.error(f"no recorded scores for {', '.join(unknown)}; there are {', '.join(recorded)}")
    worst = 0.0
    print(f"{'model':10} {'set':26} {'search':8} {'BLEU':>6} {'recorded':>8} {'chrF':>6}")
    for name in args.ids or recorded:
        info = recorded[name]
        config = info["config"]
        tokenize = config.get("bleu", {}).get("tokenize", "13a")
        sets = {key: rest for key, *rest in corpus.test_sets(Path(args.data), config)}
        for key, row in info["scores"].items():
            if key not in sets:
                print(f"{name:10} {key:26} skipped: {args.data} does not have it")
                continue
            way, source, reference = sets[key]
            source, reference = source[: args.lines], reference[: args.lines]
            for kind in (x.removeprefix("int8 ") for x in row if x.startswith("int8 ")):
                beam = 1 if kind == "greedy" else int(kind.removeprefix("beam "))
                out = engine_translate(ROOT / "models" / f"{name}.gguf", source, beam, way)
                bleu = sacrebleu.metrics.BLEU(tokenize=tokenize).corpus_score(out, [reference]).score
                chrf = sacrebleu.metrics.CHRF().corpus_score(out, [reference]).score
                old = row[f"int8 {kind}"]["bleu"]
                if not args.lines:
                    worst = max(worst, abs(bleu - old))
                print(f"{name:10} {key:26} {kind:8} {bleu:6.2f} {old:8} {chrf:6.2f}", flush=True)
    if worst > 0.01:
        print(f"a score differs from the recorded one by {worst:.2f}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
