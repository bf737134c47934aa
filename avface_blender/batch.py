"""Captures and exports without a window: clips (or takes) in, .blend, FBX, Alembic, reports out.

    blender -b --python-exit-code 3 --python scripts/blender_batch.py -- CLIP... --out DIR
    blender --command avface CLIP... --out DIR        (where the extension is enabled)
    blender --command avface --batch FOLDER_OR_LIST --workers 4 --out DIR

Each clip gets a scene of its own; one that fails does not stop the others.
"""

import argparse
import json
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.files import TAKE_SUFFIX, write_whole, written_whole
from ..engine.exchange.protocol import (
    CANNOT_SERVE,
    DONE,
    OUR_FAULT,
    SOME_FAILED,
    AVFaceError,
    CaptureJob,
    Failed,
    Item,
    Note,
    Progress,
    take_name,
)
from ..engine.exchange.take import Take
from .engine_client import BatchRequest, start_batch, start_capture
from .export import export_alembic, export_fbx
from .install import ROOT
from .preferences import engine_python
from .shot import look_through_camera
from .take_importer import ImportOptions, ImportResult, Timing, import_take, set_rate, set_shot

log = logging.getLogger(__name__)

# What goes to the engine as it is (engine/options.py), and how it is read from the command line.
CAPTURE_OPTIONS: dict[str, Callable[[str], Any]] = {
    "start": float, "end": float, "face": int, "fps": float, "focal": float, "detail": str,
    "skin": str, "hair": str, "person": str, "smoothing": float, "method": str, "quality": str,
    "lip_reader": str, "emotion_network": str, "senses": str, "trust": str,
    "fix_sync": bool, "lips": str, "actor": str, "consent": str,
}  # fmt: skip


class EngineError(AVFaceError):
    """The engine ended without a word, or by an error of ours."""


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


@dataclass
class ClipReport:
    """What stands in NAME.report.json; a capture's own figures stand beside it."""

    clip: str
    ok: bool = False
    message: str = ""
    hint: str = ""
    blender: str = bpy.app.version_string
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    built: dict[str, dict[str, Any]] = field(default_factory=dict)  # kind -> `BatchOptions.times`

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        start = time.perf_counter()
        yield
        self.stages[name] = {"seconds": round(time.perf_counter() - start, 3)}

    def write(self, path: Path) -> None:
        """Add to the report that the engine has left, or write a new one."""
        content = _read_report(path)
        own = asdict(self)
        own["built"] = content.get("built", {}) | own["built"]
        own["clip"] = content.get("clip", self.clip)  # of a take: the film that it came from
        own["stages"] = content.get("stages", {}) | own["stages"]
        own["warnings"] = list(dict.fromkeys(content.get("warnings", []) + own["warnings"]))
        write_whole(path, json.dumps(content | own, indent=1))


def main(arguments: list[str]) -> int:
    """Serve a command line; an exit code of `engine.exchange.protocol`."""
    options = _parse(arguments)
    try:
        codes = run_batch(options)
    except AVFaceError as error:
        _say(str(error))
        return CANNOT_SERVE
    failures = [code for code in codes if code != DONE]
    if not failures:
        return DONE
    return SOME_FAILED if len(failures) < len(codes) else max(failures)


def run_batch(options: BatchOptions) -> list[int]:
    """Serve each clip and write its report; an exit code for each.

    Raises AVFaceError when none can be served: no engine, no folder to write to.
    """
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AVFaceError(
            f"The folder {options.out} can't be made ({error.strerror}).", "Choose another --out."
        ) from error
    python = options.engine
    if python is None and (options.batch or not all(map(_is_take, options.clips))):
        python = engine_python(bpy.context)
    codes = _serve_batch(options, python) if options.batch else []
    for index, (clip, name) in enumerate(zip(options.clips, _names(options.clips), strict=True)):
        _say(f"[{index + 1}/{len(options.clips)}] {clip}")
        codes.append(_serve(clip, name, options, python))
    return codes


def _serve(clip: Path, name: str, options: BatchOptions, python: Path | None) -> int:
    """One clip from capture to report; an exit code."""
    report, path = ClipReport(str(clip)), options.out / f"{name}.report.json"
    code = DONE
    try:
        if _is_take(clip):
            take = clip
        else:
            path.unlink(missing_ok=True)  # of an earlier capture
            assert python is not None
            take = _capture(clip, name, options, python, report)
        _build(take, name, options, report)
        report.ok = True
    except AVFaceError as error:
        code = OUR_FAULT if isinstance(error, EngineError) else CANNOT_SERVE
        report.message, report.hint = error.message, error.hint
    except Exception as error:  # a fault of ours must not stop the other clips
        log.exception("%s", clip)
        code = OUR_FAULT
        report.message = f"The scene could not be built ({type(error).__name__}: {error})."
        report.hint = "The traceback is in Blender's output."
    _say("  " + (f"{report.message} {report.hint}" if report.message else ", ".join(report.files)))
    report.write(path)
    return code


def _serve_batch(options: BatchOptions, python: Path | None) -> list[int]:
    """Captures by the engine, some at a time; then a scene for each take; an exit code for each.

    Raises AVFaceError when the engine can't serve the batch at all.
    """
    assert options.batch is not None
    assert python is not None
    request = BatchRequest(
        options.batch.resolve(),
        options.out.resolve(),
        options.workers,
        head=options.head.resolve() if options.head else None,
        part=options.part,
        only_report=options.only_report,
        options=options.capture,
    )
    engine, codes = start_batch(request, python, ROOT), []
    takes: dict[str, Path] = {}
    for event in engine.follow():
        if isinstance(event, Item) and event.state in {"done", "skipped", "failed"}:
            _say(f"  {event.name}: {event.state}. {event.message}")
            if event.result:
                takes[event.name] = Path(event.result)
            else:
                codes.append(CANNOT_SERVE)
    if isinstance(engine.outcome, Failed):
        log = engine.log_path.read_text(encoding="utf-8", errors="replace").strip()
        raise AVFaceError(log.splitlines()[-1] if log else engine.outcome.message)
    return codes + [
        _serve(take, name, options, None)
        for name, take in takes.items()
        if not _is_built(take, name, options)
    ]


def _is_built(take: Path, name: str, options: BatchOptions) -> bool:
    """Whether all that was asked for stands, made as it is asked for now and after the take."""
    files = {kind: options.out / f"{name}.{kind}" for kind in options.export}
    built = _read_report(options.out / f"{name}.report.json").get("built", {})
    return all(
        file.is_file()
        and file.stat().st_mtime >= take.stat().st_mtime
        and built.get(kind) == options.times
        for kind, file in files.items()
    )


def _read_report(path: Path) -> dict[str, Any]:
    """What stands in a report; nothing where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _capture(
    clip: Path, name: str, options: BatchOptions, python: Path, report: ClipReport
) -> Path:
    """The take of a clip, by the engine. Its job folder stays only when the engine was at fault."""
    take = options.out / f"{name}{TAKE_SUFFIX}"
    folder = options.out / f"{name}.job"
    head = str(options.head.resolve()) if options.head else ""
    job = CaptureJob(str(clip.resolve()), str(take.resolve()), head, options.capture)
    with report.stage("capture"):
        engine = start_capture(job, folder.resolve(), python, ROOT)
        stage = ""
        for event in engine.follow():
            if isinstance(event, Note):
                _say(f"  Note: {event.message}")
                report.warnings.append(event.message)
            elif isinstance(event, Progress) and event.stage != stage:
                stage = event.stage
                _say(f"  {stage} ({event.fraction:.0%})")
    if engine.exit_code != OUR_FAULT:
        shutil.rmtree(folder)
    if isinstance(engine.outcome, Failed):
        kind = EngineError if engine.exit_code == OUR_FAULT else AVFaceError
        raise kind(engine.outcome.message, engine.outcome.hint)
    report.files.append(take.name)
    return take


def _build(take: Path, name: str, options: BatchOptions, report: ClipReport) -> None:
    """A new scene with the take in it, and the files that were asked for."""
    with report.stage("import"):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        result = _import(take, options)
        look_through_camera()
    report.warnings += result.notes
    for kind in EXPORTS:  # .blend first: an exporter may leave traces in the scene
        if kind in options.export:
            path = options.out.resolve() / f"{name}.{kind}"
            with report.stage(kind):
                EXPORTS[kind](result, path)
            report.files.append(path.name)
            report.built[kind] = options.times


def _import(take: Path, options: BatchOptions) -> ImportResult:
    """The take in the empty scene, which shows all of it at the rate asked for, or the clip's."""
    wanted = ImportOptions(head_path=options.head)
    if options.scene_fps is None:
        return import_take(take, bpy.context, wanted)
    scene: Any = bpy.context.scene
    set_rate(scene, options.scene_fps)
    result = import_take(take, bpy.context, replace(wanted, timing=options.timing))
    set_shot(scene, Take.load(take).size, result.camera, result.first_frame, result.last_frame)
    return result


def _save_blend(_result: ImportResult, path: Path) -> None:
    """Save the scene; a first save makes the paths of its files relative to it."""
    try:
        with written_whole(path, keeps_suffix=True) as partial:
            bpy.ops.wm.save_as_mainfile(filepath=str(partial), check_existing=False, compress=True)
    except (RuntimeError, OSError) as error:
        raise AVFaceError(
            f"{path} can't be written ({str(error).strip()}).",
            "Free some disk space or choose another --out.",
        ) from error


EXPORTS: dict[str, Callable[[ImportResult, Path], None]] = {
    "blend": _save_blend,
    "fbx": lambda result, path: export_fbx(result.head, path, bpy.context),
    "abc": lambda result, path: export_alembic(result.head, path, bpy.context),
}


def _parse(arguments: list[str]) -> BatchOptions:
    parser = argparse.ArgumentParser(
        prog="blender_batch.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clips", nargs="*", type=Path, help="clips, or takes that stand already")
    parser.add_argument("--batch", type=Path, help="folder of clips, or a list (CSV, JSON)")
    parser.add_argument("--workers", type=int, default=1, help="captures of --batch at a time")
    parser.add_argument("--part", default="", metavar="K/N", help="the K-th of N parts of --batch")
    parser.add_argument("--only-report", action="store_true", help="write --batch's report and end")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--export", nargs="+", choices=list(EXPORTS), default=["blend"])
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


def _is_take(path: Path) -> bool:
    return path.name.endswith(TAKE_SUFFIX)


def _names(clips: tuple[Path, ...]) -> list[str]:
    """NAME of each clip's results; clips of one name get numbers."""
    names: list[str] = []
    for clip in clips:
        base = clip.name.removesuffix(TAKE_SUFFIX) if _is_take(clip) else take_name(clip)
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}-{count}"
        names.append(name)
    return names


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
