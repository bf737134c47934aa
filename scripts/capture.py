"""A clip in; a rigged, animated head in a .blend out. Makes its environments itself.

DIR receives NAME.take.npz, NAME.blend, NAME.preview.mp4, NAME.sheet.png and NAME.report.json.
Without CLIP the bundled demo clip is captured.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import sys
import time
from pathlib import Path

from environments import (
    ROOT,
    CannotSetUp,
    blender_python,
    engine_python,
    exit_with,
    find_blender,
    run_here,
    say,
)

DEMO_CLIP = ROOT / "weights" / "demo" / "demo.mp4"
# The engine's own options and how many words each takes (a test holds them to CaptureOptions).
ENGINE_OPTIONS = {
    "start": 1, "end": 1, "face": 1, "region": 4, "fps": 1, "focal": 1, "detail": 1,
    "skin": 1, "hair": 1, "person": 1, "smoothing": 1, "method": 1, "quality": 1, "lip_reader": 1,
    "emotion_network": 1, "senses": 1, "trust": 1, "fix_sync": 0, "lips": 1, "actor": 1,
    "consent": 1,
}  # fmt: skip

_METAVARS = {"region": ("X", "Y", "WIDTH", "HEIGHT")}


def main(arguments: list[str]) -> int:
    """Capture, then build the .blend; exit codes as the engine's."""
    options = _read(arguments)
    try:
        engine = engine_python()
    except CannotSetUp as error:
        print(error, file=sys.stderr)
        return 2
    name = _take_name(options.clip)
    take = options.out / f"{name}.take.npz"
    start = time.monotonic()
    code = run_here([
        str(engine), "-m", "engine", "capture", str(options.clip), "--out", str(take),
        "--preview", "--report", *_engine_options(options),
    ])  # fmt: skip
    if code != 0:
        return code
    code = _build_blend(take, options.out, options.out / f"{name}.report.json")
    say(f"{time.monotonic() - start:.0f} s; the results are in {options.out}:")
    for path in sorted(options.out.glob(f"{glob.escape(name)}.*")):
        say(f"  {path.name}")
    return code


def _read(arguments: list[str]) -> argparse.Namespace:
    """The command line; the engine's options as lists of words, None where they aren't given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="capture.py [-h] [CLIP] [--out DIR] [engine options]",
    )  # fmt: skip
    parser.add_argument(
        "clip", nargs="?", type=Path, default=DEMO_CLIP, metavar="CLIP",
        help="video, sound file or folder of pictures; default the demo clip",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR",
        help="folder for the results; default out",
    )  # fmt: skip
    group = parser.add_argument_group(
        "engine options", "explained by `python3 scripts/avface.py capture --help`"
    )
    for name, words in ENGINE_OPTIONS.items():
        if words:
            group.add_argument(_flag(name), nargs=words, metavar=_METAVARS.get(name, "VALUE"))
        else:
            group.add_argument(_flag(name), action="store_true")
    words = [_flag(word[2:]) if word.startswith("--") else word for word in arguments]
    return parser.parse_args(words)


def _engine_options(options: argparse.Namespace) -> list[str]:
    """Those that were given, as the engine's command line has them."""
    found = []
    for name, words in ENGINE_OPTIONS.items():
        given = getattr(options, name)
        if given:
            found += [_flag(name), *(given if words else ())]
    return found


def _flag(name: str) -> str:
    """--NAME, or --NAME=VALUE, with hyphens in the name, as the engine has it."""
    name, equals, value = name.partition("=")
    return f"--{name.replace('_', '-')}{equals}{value}"


def _take_name(clip: Path) -> str:
    """NAME, as `engine.exchange.protocol.take_name` has it (a test holds them together)."""
    name = clip.name if clip.is_dir() else clip.stem
    return name.rstrip("#").rstrip("._- ") or name


def _build_blend(take: Path, folder: Path, report: Path) -> int:
    """The .blend, by the bpy wheel or a Blender of this machine; neither is no failure."""
    arguments = ["--", str(take), "--out", str(folder), "--export", "blend"]
    script = str(ROOT / "scripts" / "blender_batch.py")
    try:
        return run_here([str(blender_python()), script, *arguments])
    except CannotSetUp as error:
        blender = find_blender()
        if blender:
            command = [str(blender), "-b", "--factory-startup", "--python-exit-code", "3"]
            return run_here([*command, "--python", script, *arguments])
        sentence = f"No .blend was made: {error} Or install Blender 4.2 or later."
    say(sentence)
    content = json.loads(report.read_text(encoding="utf-8"))
    content["warnings"].append(sentence)
    temporary = report.with_name(report.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(temporary, report)
    return 0


if __name__ == "__main__":
    exit_with(main)
