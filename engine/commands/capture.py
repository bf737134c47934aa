"""The commands `capture` and `run`: a clip in, a take out, for a person or for the add-on."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exchange.files import TAKE_SUFFIX, take_stem
from ..exchange.protocol import (
    DONE,
    PREPARING,
    VERSION,
    AVFaceError,
    CaptureJob,
    Event,
    Hello,
    Note,
    Progress,
    answer,
    read_job,
    take_name,
)
from ..exchange.saving import place_for_result
from ..options import CaptureOptions, options_of
from ..progress import Report
from .flags import add_command, add_flags
from .terminal import Terminal
from .wire import speak

if TYPE_CHECKING:
    from ..exchange.head_file import HeadFile
    from ..pipeline import Capture

_ADDRESSES = ("http:", "https:", "ftp:", "rtsp:")  # how one begins, read as a path
_CAPTURE_SHARE = 0.75  # of a job's time where a preview is drawn too
_COMPILING = "The first capture compiles the engine for this machine: a minute more, once."


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    capture = add_command(commands, "capture", "a clip in, a take out", _capture)
    capture.add_argument("clip", type=Path, help="video, sound file or folder of pictures")
    capture.add_argument(
        "--out", type=Path, metavar="TAKE",
        help="the take; default NAME.take.npz in the folder where you are",
    )  # fmt: skip
    capture.add_argument(
        "--head", type=Path, metavar="FILE", help="a head file; default the one that we ship"
    )
    capture.add_argument("--preview", action="store_true", help="also NAME.preview.mp4 and sheet")
    capture.add_argument("--report", action="store_true", help="also NAME.report.json")
    add_flags(capture, CaptureOptions)

    run = add_command(commands, "run", "a job file, as the add-on writes it", _run_job)
    run.add_argument("job", type=Path, help="job.json, see docs/fileformats.md")


def _capture(options: argparse.Namespace) -> int:
    out = options.out or Path(f"{take_name(options.clip)}{TAKE_SUFFIX}")
    _check_clip(options.clip, out)
    from ..weights import load_head

    job = CaptureJob(
        clip=str(options.clip),
        out=str(out),
        options={item.name: getattr(options, item.name) for item in fields(CaptureOptions)},
        preview=options.preview,
        sheet=options.preview,
    )
    report = Terminal().report()
    with place_for_result(out):
        head_file = load_head(options.head)
        if _is_first_run():
            print(_COMPILING, file=sys.stderr)
        frames = _serve(job, head_file, report, with_report=options.report)
    report.part("done", 1, 0)(1.0)
    print(f"{out}: {frames} frames")
    return DONE


def _run_job(options: argparse.Namespace) -> int:
    """Serve one job file for the add-on: events on stdout, gone when stdin closes."""
    send = speak()
    return answer(lambda: _follow(options.job, send), send)


def _follow(path: Path, send: Callable[[Event], None]) -> str:
    """Do what a job file says; the path of the take. Raises AVFaceError."""
    from ..device import device_name

    send(Hello(VERSION, device_name()))
    job = read_job(path)
    if job.clip and not job.refines:
        _check_clip(Path(job.clip), Path(job.out))
    report = Report(
        listener=lambda stage, fraction: send(Progress(stage, fraction)),
        on_warning=lambda sentence: send(Note(sentence)),
    )
    with place_for_result(Path(job.out)):
        from ..weights import load_head

        head_file = load_head(Path(job.head) if job.head else None)
        if _is_first_run():
            report.part(PREPARING, 0, 1)(0.0)
        (_refine if job.refines else _serve)(job, head_file, report)
    return job.out


def _serve(job: CaptureJob, head_file: "HeadFile", report: Report, with_report: bool = True) -> int:
    """The capture that a job asks for, and what it wants beside it; how many frames it has."""
    from ..pipeline import capture
    from .report import write_report

    out, options = Path(job.out), options_of(job.options)
    share = _CAPTURE_SHARE if job.preview else 1.0
    stage = report.part("", 0, share)
    result = capture(Path(job.clip), out, head_file, options, stage)
    stage = report.part("preview", share, 1 - share)
    _draw(result, head_file, out, stage, film=job.preview, sheet=job.sheet)
    if with_report:
        write_report(result, out.with_name(f"{take_stem(out)}.report.json"))
    return result.take.frame_count


def _refine(job: CaptureJob, head_file: "HeadFile", report: Report) -> None:
    """The take that a job names, taught by its corrections."""
    from ..mending.refine import refine

    rows = Path(job.corrections) if job.corrections else None
    trust = job.options.get("trust")
    refine(Path(job.refines), rows, Path(job.out), head_file, report, trust, Path(job.clip))


def _draw(
    result: "Capture", head_file: "HeadFile", out: Path, report: Report, film: bool, sheet: bool
) -> None:
    """NAME.preview.mp4 and NAME.sheet.png beside a take."""
    from ..exchange.provenance import provenance
    from ..preview import write_preview, write_sheet
    from ..preview.credentials import sign_film

    stem = take_stem(out)
    if film:
        path = out.with_name(f"{stem}.preview.mp4")
        write_preview(result.clip, result.take, head_file, path, report)
        if sentence := sign_film(path, provenance(result.take)):
            report.warn(sentence)
    if sheet:
        write_sheet(result.clip, result.take, head_file, out.with_name(f"{stem}.sheet.png"))


def _check_clip(path: Path, out: Path) -> None:
    """Say at once that there is no such file, or that the take would replace it.

    Raises AVFaceError: to load what reads a clip takes seconds. A pattern of pictures
    (`shot.####.png`) is left to its reader.
    """
    try:
        if "#" not in path.name and not path.exists():
            is_address = path.parts and path.parts[0].lower() in _ADDRESSES
            hint = "Download it first: only files are read." if is_address else "Check the path."
            raise AVFaceError(f"There is no file at {path}.", hint)
        if path.is_file() and out.is_file() and out.samefile(path):
            raise AVFaceError(f"{out} is the clip itself.", "Name another file for the take.")
    except OSError as error:
        raise AVFaceError(
            f"{path} can't be read ({error.strerror}).", "Ask its owner for it."
        ) from error


def _is_first_run() -> bool:
    """Whether numba has compiled nothing yet for this copy of the engine."""
    return not any(Path(__file__).parents[1].rglob("*.nbi"))
