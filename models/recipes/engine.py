"""The project's own engine as the recipes use it: `glossa translate`, the WebAssembly build."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def engine_translate(model: Path, lines: list[str], beam: int) -> list[str]:
    command = ["node", str(ROOT / "src/js/cli/glossa.js"), "translate", "--model", str(model), "--beam", str(beam)]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"glossa translate failed with {done.returncode}: {done.stderr.strip()}")
    out = done.stdout.split("\n")[:-1]
    if len(out) != len(lines):
        raise RuntimeError(f"the engine gave {len(out)} lines for {len(lines)}")
    return out
