"""The command line: `python -m engine COMMAND ...`. Heavy imports wait for their command."""

import argparse
import json
import os
import sys
import types
import typing
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from . import cli_batch, cli_faces, cli_heads, cli_sound
from .exchange.files import TAKE_SUFFIX, take_stem, write_whole
from .exchange.protocol import (
    CANNOT_SERVE,
    DONE,
    OUR_FAULT,
    PREPARING,
    VERSION,
    AVFaceError,
    CaptureJob,
    Done,
    Failed,
    Hello,
    Note,
    Progress,
    read_job,
    take_name,
)
from .exchange.take import REGIONS, Take
from .progress import Report
from .wire import speak

if typing.TYPE_CHECKING:
    from .exchange.head_file import HeadFile
    from .pipeline import Capture

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "NUMBA_NUM_THREADS",
)
_CAPTURE_SHARE = 0.75  # of a job's time where a preview is drawn too
_COMPILING = "The first capture compiles the engine for this machine: a minute more, once."


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an exit code of `exchange.protocol`."""
    _prepare_process()
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except AVFaceError as error:
        print(error, file=sys.stderr)
        return CANNOT_SERVE
    except KeyboardInterrupt:
        return 130


def _prepare_process() -> None:
    """One thread for each library's own pool: the work is split by stage, not by matrix."""
    for name in _THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GLOG_minloglevel", "3")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="avface", description="Facial capture from video")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    capture = commands.add_parser("capture", help="a clip in, a take out")
    capture.add_argument("clip", type=Path, help="video, sound file or folder of pictures")
    capture.add_argument("--out", type=Path, help="the take; default NAME.take.npz beside you")
    capture.add_argument("--head", type=Path, help="a head file; default the one that we ship")
    capture.add_argument("--preview", action="store_true", help="also NAME.preview.mp4 and sheet")
    capture.add_argument("--report", action="store_true", help="also NAME.report.json")
    add_capture_options(capture)
    capture.set_defaults(run=_capture)

    run = commands.add_parser("run", help="a job file, as the add-on writes it")
    run.add_argument("job", type=Path)
    run.set_defaults(run=_run_job)

    refine = commands.add_parser("refine", help="a take, taught by an artist")
    refine.add_argument("take", type=Path)
    refine.add_argument(
        "corrections", type=Path, nargs="?", help="frames: JSON, see docs/fileformats.md"
    )
    refine.add_argument("--trust", help="whom to trust when, as for a capture; only that is solved")
    refine.add_argument(
        "--out", type=Path, help="default: beside the take, so that it has pictures"
    )
    refine.add_argument("--head", type=Path, help="the head that it was captured with")
    refine.set_defaults(run=_refine)

    inspect = commands.add_parser("inspect", help="what is in a take")
    inspect.add_argument("take", type=Path)
    inspect.set_defaults(run=_inspect)

    evaluate = commands.add_parser("evaluate", help="captures against independent referees")
    evaluate.add_argument(
        "what", choices=["clips", "speech", "senses", "covers", "tables", "visemes"]
    )
    evaluate.add_argument("folder", type=Path, nargs="?", help="of clips; visemes: of takes")
    evaluate.add_argument("--json", type=Path, help="also write the figures here")
    evaluate.add_argument("--sheet", type=Path, help="visemes: the picture, default in the folder")
    add_capture_options(evaluate, only=("method", "quality"))
    tables = evaluate.add_argument_group("tables")
    tables.add_argument("--synthetic", type=int, default=4, help="films with truth to make")
    tables.add_argument("--testset", type=Path, help="keep them here; films already here count")
    tables.add_argument("--clips", type=Path, help="real clips, with referees/")
    tables.add_argument("--lip_reader", type=Path, help="reads them; TorchScript that gives text")
    evaluate.set_defaults(run=_evaluate)

    bench = commands.add_parser("bench", help="frames per second and peak memory of each stage")
    bench.add_argument("clip", type=Path, nargs="?", help="default: the demo clip")
    bench.add_argument("--repeat", type=int, default=2)
    bench.set_defaults(run=_bench)
    train = commands.add_parser("train", help="train AVFace's networks")
    train.add_argument("stage", help="coarse, expression, occluded, fine, spectre; prepare, curves")
    train.add_argument(
        "rest", nargs=argparse.REMAINDER, help="--help after a stage lists its flags"
    )
    train.set_defaults(run=_train)
    cli_heads.add_commands(commands)
    cli_batch.add_commands(commands)
    cli_faces.add_commands(commands)
    cli_sound.add_commands(commands)
    return parser


def add_capture_options(
    parser: argparse.ArgumentParser, only_given: bool = False, only: tuple[str, ...] = ()
) -> None:
    """One flag for each field of CaptureOptions (read without importing the stages).

    `only_given`: what isn't on the command line doesn't come out of it, defaults neither.
    `only`: some of the fields.
    """
    from .options import CaptureOptions

    hints = typing.get_type_hints(CaptureOptions)
    for item in fields(CaptureOptions):
        if only and item.name not in only:
            continue
        keywords: dict[str, Any] = {
            "help": item.metadata["help"],
            "default": argparse.SUPPRESS if only_given else item.default,
        }
        assert item.default is not MISSING, item.name
        kind = hints[item.name]
        if isinstance(kind, types.UnionType):  # X | None
            kind = next(k for k in typing.get_args(kind) if k is not type(None))
        if typing.get_origin(kind) is typing.Literal:
            keywords["choices"] = typing.get_args(kind)
        elif kind is bool:
            keywords["action"] = "store_true"
        elif typing.get_origin(kind) is tuple:
            keywords |= {"nargs": len(typing.get_args(kind)), "type": typing.get_args(kind)[0]}
        else:
            keywords["type"] = kind
        parser.add_argument(f"--{item.name}", **keywords)


def _capture(options: argparse.Namespace) -> int:
    from .options import CaptureOptions
    from .pipeline import capture, write_report
    from .weights import load_head

    chosen = CaptureOptions(
        **{f.name: _frozen(getattr(options, f.name)) for f in fields(CaptureOptions)}
    )
    out = options.out or Path(f"{take_name(options.clip)}{TAKE_SUFFIX}")
    _make_folder(out.parent)
    share = _CAPTURE_SHARE if options.preview else 1.0
    whole = _Terminal().report()
    head_file = load_head(options.head)
    if _is_first_run():
        print(_COMPILING, file=sys.stderr)
    result = capture(options.clip, out, head_file, chosen, whole.part("", 0, share))
    stem = take_stem(out)
    if options.preview:
        stage = whole.part("preview", share, 1 - share)
        _draw(result, head_file, out, stage, film=True, sheet=True)
    if options.report:
        write_report(result, out.with_name(f"{stem}.report.json"))
    whole.part("done", 1, 0)(1.0)
    print(f"{out}: {result.take.frame_count} frames")
    return DONE


def _run_job(options: argparse.Namespace) -> int:
    """Serve one job file for the add-on: events on stdout, gone when stdin closes."""
    send = speak()
    try:
        from .device import device_name

        send(Hello(VERSION, device_name()))
        job = read_job(options.job)
        from .weights import load_head

        out = Path(job.out)
        _make_folder(out.parent)
        report = Report(
            listener=lambda stage, fraction: send(Progress(stage, fraction)),
            on_warning=lambda sentence: send(Note(sentence)),
        )
        head_file = load_head(Path(job.head) if job.head else None)
        if _is_first_run():
            send(Progress(PREPARING, 0.0))
        if job.refines:
            from .refine import refine

            rows = Path(job.corrections) if job.corrections else None
            refine(Path(job.refines), rows, out, head_file, report, job.options.get("trust"))
        else:
            _capture_job(job, out, head_file, report)
    except AVFaceError as error:
        send(Failed(error.message, error.hint))
        return CANNOT_SERVE
    except Exception as error:
        import traceback

        traceback.print_exc()  # to engine.log
        send(Failed(f"The engine failed ({type(error).__name__}: {error}).", "See engine.log."))
        return OUR_FAULT
    send(Done(str(out)))
    return DONE


def _capture_job(job: CaptureJob, out: Path, head_file: "HeadFile", report: Report) -> None:
    """The capture that a job asks for, with its report, preview and sheet."""
    from .options import CaptureOptions
    from .pipeline import capture, write_report

    chosen = CaptureOptions(**{k: _frozen(v) for k, v in job.options.items()})
    share = _CAPTURE_SHARE if job.preview else 1.0
    result = capture(Path(job.clip), out, head_file, chosen, report.part("", 0, share))
    stem = take_stem(out)
    stage = report.part("preview", share, 1 - share)
    _draw(result, head_file, out, stage, film=job.preview, sheet=job.sheet)
    write_report(result, out.with_name(f"{stem}.report.json"))


def _refine(options: argparse.Namespace) -> int:
    from .refine import refine
    from .weights import load_head

    refined = f"{take_stem(options.take)} refined{TAKE_SUFFIX}"
    out = options.out or options.take.with_name(refined)
    head_file = load_head(options.head)
    told = options.corrections, out, head_file, _Terminal().report(), options.trust
    take = refine(options.take, *told)
    print(f"{out}: {take.frame_count} frames")
    return DONE


def _draw(
    result: "Capture", head_file: "HeadFile", out: Path, report: Report, film: bool, sheet: bool
) -> None:
    """NAME.preview.mp4 and NAME.sheet.png beside a take."""
    from .credentials import sign_film
    from .exchange.provenance import provenance
    from .preview import write_preview, write_sheet

    stem = take_stem(out)
    if film:
        path = out.with_name(f"{stem}.preview.mp4")
        write_preview(result.clip, result.take, head_file, path, report)
        if sentence := sign_film(path, provenance(result.take)):
            report.warn(sentence)
    if sheet:
        write_sheet(result.clip, result.take, head_file, out.with_name(f"{stem}.sheet.png"))


def _inspect(options: argparse.Namespace) -> int:
    take = Take.load(options.take)
    lines = {
        "clip": take.source["path"],
        "frames": f"{take.frame_count}, {int(take.found.sum())} with the face",
        "seconds": f"{take.times[0]:.3f} to {take.times[-1]:.3f}, nominally {take.fps:g} a second",
        "picture": f"{take.size[0]} x {take.size[1]}, focal length {take.focal:.0f} px",
        "head": f"{take.head['name']} ({take.head['sha256'][:12]})",
        "actor": take.actor,
        "made by": f"AVFace {take.made_by['version']}, {json.dumps(take.made_by['options'])}"
        if "version" in take.made_by
        else "no capture",  # a performance that was played
        "confidence": ", ".join(
            f"{name} {value:.2f}"
            for name, value in zip(REGIONS, take.confidence.mean(0), strict=True)
        ),
        "normal maps": f"static {take.static_normals or 'none'}, {len(take.dynamic_normals)} keys",
        "busiest units": ", ".join(
            f"{take.expression_names[k]} {take.expression[:, k].max():.2f}"
            for k in take.expression.max(0).argsort()[::-1][:8]
        ),
    }
    for name, value in lines.items():
        print(f"{name:14} {value}")
    for sentence in take.warnings:
        print(f"{'warning':14} {sentence}")
    return DONE


def _evaluate(options: argparse.Namespace) -> int:
    report = _Terminal().report()
    if options.what == "tables":
        from .evaluation.tables import print_tables

        found = print_tables(
            report, options.synthetic, options.testset, options.clips, options.lip_reader
        )
    elif options.folder is None or not options.folder.is_dir():
        raise AVFaceError(f"To evaluate {options.what}, a folder of clips is needed.", "Name one.")
    else:
        from .evaluation.covers import evaluate_covers
        from .evaluation.report import evaluate_clips
        from .evaluation.senses import evaluate_senses
        from .evaluation.speech import evaluate_speech
        from .options import CaptureOptions

        if options.what == "visemes":
            from .evaluation.viseme_sheet import write_viseme_sheet

            sheet = options.sheet or options.folder / "visemes.png"
            found = write_viseme_sheet(options.folder, sheet, report), {"sheet": str(sheet)}
        elif options.what in ("clips", "covers"):
            variant = CaptureOptions(method=options.method, quality=options.quality)
            evaluate = evaluate_clips if options.what == "clips" else evaluate_covers
            found = evaluate(options.folder, report, variant)
        else:
            evaluations = {"speech": evaluate_speech, "senses": evaluate_senses}
            found = evaluations[options.what](options.folder, report)
    table, figures = found
    print(table)
    if options.json:
        try:
            write_whole(options.json, json.dumps(figures, indent=1))
        except OSError as error:
            raise AVFaceError(
                f"{options.json} can't be written ({error.strerror}).", "Choose another --json."
            ) from error
    return DONE


def _train(options: argparse.Namespace) -> int:
    from .training.command import run_command

    return run_command(options.stage, options.rest)


def _bench(options: argparse.Namespace) -> int:
    from .evaluation.bench import bench

    print(bench(options.clip, options.repeat))
    return DONE


def _is_first_run() -> bool:
    """Whether numba has compiled nothing yet for this copy of the engine."""
    return not any(Path(__file__).parent.rglob("*.nbi"))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AVFaceError(
            f"The folder {folder} can't be made ({error.strerror}).", "Choose another with --out."
        ) from error


class _Terminal:
    """Progress and warnings for a person at a terminal, or lines in a log."""

    def __init__(self) -> None:
        self._last = ("", -1)
        self._live = sys.stderr.isatty()

    def report(self) -> Report:
        """A report that prints to stderr."""
        return Report(listener=self._show, on_warning=self._warn)

    def _show(self, stage: str, fraction: float) -> None:
        now = (stage, int(fraction * (100 if self._live else 10)))
        if now == self._last:
            return
        self._last = now
        line = f"{stage:12} {fraction:4.0%}"
        if self._live:
            print(f"\r{line}", end="\n" if stage == "done" else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _warn(self, sentence: str) -> None:
        start = "\r" if self._live else ""
        print(f"{start}Note: {sentence}", file=sys.stderr, flush=True)
