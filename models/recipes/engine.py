"""The project's own engine as the recipes use it: `glossa translate`, the WebAssembly build."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def glossa(*words: str | Path, text: str | None = None) -> str:
    command = ["node", str(ROOT / "src/js/cli/glossa.js"), *map(str, words)]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"glossa {words[0]} failed with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def engine_translate(model: Path, lines: list[str], beam: int, way: tuple[str, str]) -> list[str]:
    """`way`: the source and the target language."""
    words = ["translate", "--model", model, "--beam", str(beam), "--source", way[0], "--target", way[1]]
    out = glossa(*words, text="\n".join(lines) + "\n").split("\n")[:-1]
    if len(out) != len(lines):
        raise RuntimeError(f"the engine gave {len(out)} lines for {len(lines)}")
    return out


def engine_explain(model: Path, line: str, way: tuple[str, str], beam: int = 1) -> dict:
    """One sentence as `glossa explain --json` has it."""
    parts = json.loads(glossa("explain", "--model", model, "--source", way[0], "--target", way[1], "--beam", str(beam), "--json", line))[
        "sentences"
    ]
    if len(parts) != 1:
        raise ValueError(f"not one sentence but {len(parts)}: {line}")
    return parts[0]


def engine_links(model: Path, line: str, way: tuple[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """The translation of one sentence and the words (source, target) that the alignment head links."""
    part = engine_explain(model, line, way)
    source, translation, links = part["source"], part["translation"], part["alignment"]

    def words(text: str, span: list[int]) -> str:  # JavaScript counts UTF-16 units
        return text.encode("utf-16-le")[2 * span[0] : 2 * span[1]].decode("utf-16-le")

    return translation, [(words(source, x["source"]), words(translation, x["target"])) for x in links]
