"""Captures and exports without a window: clips (or takes) in, .blend, exports, reports out.

    blender -b --python-exit-code 3 --python scripts/blender_batch.py -- CLIP... --out DIR
    blender --command avface CLIP... --out DIR        (where the extension is enabled)
    blender --command avface --batch FOLDER_OR_LIST --workers 4 --out DIR

Each clip gets a scene of its own; one that fails does not stop the others.
"""

import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.files import TAKE_SUFFIX, written_whole
from ..engine.exchange.livelink import write_livelink
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
from .batch_options import BatchOptions, parse
from .batch_report import ClipReport, read_report
from .curves import scene_curves
from .engine_client import BatchRequest, start_batch, start_capture
from .export import export_alembic, export_fbx, export_gltf, export_usd, missing_part
from .install import ROOT
from .preferences import engine_python
from .scene_setup import set_rate, set_shot
from .shot import look_through_camera
from .take_importer import ImportOptions, ImportResult, import_take

log = logging.getLogger(__name__)


class EngineError(AVFaceError):
    """The engine ended without a word, or by an error of ours."""


def main(arguments: list[str]) -> int:
    """Serve a command line; an exit code of `engine.exchange.protocol`."""
    options = parse(arguments, EXPORTS, __doc__)
    try:
        _can_be_written(options.export)
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
    built = read_report(options.out / f"{name}.report.json").get("built", {})
    return all(
        file.is_file()
        and file.stat().st_mtime >= take.stat().st_mtime
        and built.get(kind) == options.times
        for kind, file in files.items()
    )


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
        scene: Any = bpy.context.scene
        result = _import(take, options, scene)
        look_through_camera(scene)
    report.warnings += result.notes
    for kind in EXPORTS:  # .blend first: an exporter may leave traces in the scene
        if kind in options.export:
            path = options.out.resolve() / f"{name}.{kind}"
            with report.stage(kind):
                EXPORTS[kind](result, path)
            report.files.append(path.name)
            report.built[kind] = options.times


def _import(take: Path, options: BatchOptions, scene: bpy.types.Scene) -> ImportResult:
    """The take in the empty scene, which shows all of it at the rate asked for, or the clip's."""
    wanted = ImportOptions(head_path=options.head)
    if options.scene_fps is None:
        return import_take(take, bpy.context, wanted)
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


def _save_curves(result: ImportResult, path: Path) -> None:
    write_livelink(scene_curves(result.head, bpy.context), path)


# By the ending of the file. What isn't the .blend goes the way of the button of its name.
EXPORTS: dict[str, Callable[[ImportResult, Path], None]] = {
    "blend": _save_blend,
    "fbx": lambda result, path: export_fbx(result.head, path, bpy.context),
    "glb": lambda result, path: export_gltf(result.head, path, bpy.context),
    "usdc": lambda result, path: export_usd(result.head, path, bpy.context),
    "abc": lambda result, path: export_alembic(result.head, path, bpy.context),
    "csv": _save_curves,
}
_NEEDS = {"abc": "Alembic", "usdc": "USD"}  # parts that a Blender may have been built without


def _can_be_written(kinds: tuple[str, ...]) -> None:
    """Raises AVFaceError before the first capture, not after it."""
    for kind in kinds:
        if problem := missing_part(_NEEDS[kind]) if kind in _NEEDS else "":
            raise AVFaceError(f"{problem}.", f"Leave {kind} out of --export.")


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
