"""What a batch is asked for, and its command line. No scene is touched here."""

import argparse
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .take_importer import Timing

# What goes to the engine as it is (engine/options.py), and how it is read from the command line.
CAPTURE_OPTIONS: dict[str, Callable[[str], Any]] = {
    "start": float, "end": float, "face": int, "fps": float, "focal": float, "detail": str,
    "skin": str, "hair": str, "person": str, "smoothing": float, "method": str, "quality": str,
    "lip_reader": str, "emotion_network": str, "senses": str, "trust": str,
    "fix_sync": bool, "lips": str, "actor": str, "consent": str,
}  # fmt: skip


@dataclass(frozen=True)
class BatchOptions:
    """What a batch is asked for."""

    clips: tuple[Path, ...]  # clips, and takes that stand already
    out: Path
    batch: Path | None = None  # folder of clips, or a list of them, as `engine batch` reads it
    workers: int = 1  # captures of `batch` at a time
    part: str = ""  # "2/5": only the second of five parts of `batch`
    only_report: bool = False
    export: tuple[str, ...] = ("blend",)
    scene_fps: float | None = None  # of every scene; None: each clip's own
    timing: Timing = "resample"  # how a take's frames meet those of a scene with a rate of its own
    engine: Path | None = None  # its Python; None: where the add-on finds it
    head: Path | None = None  # a head file; None: the default head
    capture: dict[str, Any] = field(default_factory=dict)

    @property
    def times(self) -> dict[str, Any]:
        """How scenes meet their clips in time: what stands otherwise is made anew."""
        return {"fps": self.scene_fps, "timing": self.timing if self.scene_fps else None}


def parse(arguments: list[str], kinds: Collection[str], description: str | None) -> BatchOptions:
    """Read a command line; `kinds` of files can be written. Raises SystemExit on a bad one."""
    parser = argparse.ArgumentParser(
        prog="blender_batch.py",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clips", nargs="*", type=Path, help="clips, or takes that stand already")
    parser.add_argument("--batch", type=Path, help="folder of clips, or a list (CSV, JSON)")
    parser.add_argument("--workers", type=int, default=1, help="captures of --batch at a time")
    parser.add_argument("--part", default="", metavar="K/N", help="the K-th of N parts of --batch")
    parser.add_argument("--only-report", action="store_true", help="write --batch's report and end")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--export", nargs="+", choices=list(kinds), default=["blend"])
    parser.add_argument("--engine", type=Path, help="the Python that runs the engine")
    parser.add_argument("--head", type=Path, help="a head file; default the one that we ship")
    parser.add_argument(
        "--scene-fps", type=float, metavar="RATE", help="of every scene; default each clip's own"
    )
    parser.add_argument(
        "--timing", choices=["resample", "exact"], default="resample",
        help="with --scene-fps: keys on the scene's whole frames, or at the clip's own times",
    )  # fmt: skip
    as_there = "as `python -m engine capture` has it"
    for name, kind in CAPTURE_OPTIONS.items():
        flags = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}"))
        if kind is bool:
            parser.add_argument(*flags, action="store_const", const=True, help=as_there)
        else:
            parser.add_argument(*flags, type=kind, help=as_there)
    parser.add_argument(
        "--region", type=float, nargs=4, metavar=("X", "Y", "W", "H"), help=as_there
    )
    chosen = parser.parse_args(arguments)
    if not (chosen.clips or chosen.batch):
        parser.error("give clips, or --batch")
    if chosen.scene_fps is not None and not 1 <= chosen.scene_fps <= 1000:
        parser.error("--scene-fps lies between 1 and 1000")
    capture = {name: getattr(chosen, name) for name in (*CAPTURE_OPTIONS, "region")}
    return BatchOptions(
        clips=tuple(chosen.clips),
        out=chosen.out,
        batch=chosen.batch,
        workers=chosen.workers,
        part=chosen.part,
        only_report=chosen.only_report,
        export=tuple(chosen.export),
        scene_fps=chosen.scene_fps,
        timing=chosen.timing,
        engine=chosen.engine,
        head=chosen.head,
        capture={name: value for name, value in capture.items() if value is not None},
    )
