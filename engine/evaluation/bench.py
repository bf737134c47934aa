"""How fast each stage is and how much memory it takes, on one clip."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..clock import peak_megabytes
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..media import open_clip
from ..options import CaptureOptions
from ..pipeline import capture
from ..preview import write_preview
from ..progress import Report
from ..render.backends import available_backends, rasterize_batch
from ..weights import load_head, locate

_SIDE, _FOCAL, _DISTANCE_M, _BATCH = 256, 512.0, 0.6, 32  # px, px, m, pictures


@dataclass(frozen=True)
class Run:
    """One capture with its preview: (wall seconds, processor seconds) of each stage."""

    stages: dict[str, tuple[float, float]]
    take: Take
    peak_megabytes: float


def bench(path: Path | None, repeat: int, options: CaptureOptions) -> str:
    """Capture `path` (default: the demo clip) once to warm up, then `repeat` times; a table.

    The best of the repeats counts. Processor time is that of one core, whatever else the machine
    is doing. The warm-up compiles what a machine's first capture compiles; it is shown apart.
    """
    if repeat < 1:
        raise AVFaceError(f"--repeat can't be {repeat}.", "Give 1 or more.")
    path = path or locate("demo_clip")
    if open_clip(path).kind == "sound":
        raise AVFaceError(f"{path.name} shows no face to be timed.", "Choose a film.")
    first, *rest = (_run(path, options) for _ in range(repeat + 1))
    best = {stage: min(run.stages[stage] for run in rest) for stage in first.stages}
    for name, parts in (("faces + fit", ("faces", "fit")), ("all", tuple(best))):
        wall, cpu = (sum(best[part][k] for part in parts) for k in range(2))
        best[name] = wall, cpu
    frames, (width, height) = first.take.frame_count, first.take.size
    lines = [
        f"{path.name}: {frames} frames, {width} x {height}; best of {len(rest)}",
        f"{'stage':12}{'wall fps':>10}{'core fps':>10}{'core ms':>10}{'first run s':>13}",
    ]
    for stage, (wall, cpu) in best.items():
        start = f"{first.stages[stage][0]:13.1f}" if stage in first.stages else ""
        lines.append(
            f"{stage:12}{frames / wall:10.1f}{frames / cpu:10.1f}{1e3 * cpu / frames:10.2f}{start}"
        )
    lines.append(f"peak memory {rest[-1].peak_megabytes:.0f} MB")
    return "\n".join(lines)


def bench_rasterizers() -> str:
    """How many pictures of the default head each rasteriser draws in a second here; a table.

    Its last column is the share of pixels in which it sees the triangle that numba's sees.
    """
    head = load_head()
    points = head.template.astype(float) - head.template.mean(0)
    depth = _DISTANCE_M - points[:, 2]
    pixels = _SIDE / 2 + _FOCAL * points[:, :2] * [1, -1] / depth[:, None]
    batch = np.stack([np.column_stack([pixels, depth])] * _BATCH)
    lines = [f"{'rasteriser':12}{'pictures/s':>12}{'as numba':>10}   {_SIDE} px, {_BATCH} at once"]
    drawn, _ = rasterize_batch(batch, head.faces, (_SIDE, _SIDE), True)
    for backend in available_backends():
        ids, _ = rasterize_batch(batch, head.faces, (_SIDE, _SIDE), True, backend)  # compiles
        start = time.perf_counter()
        rasterize_batch(batch, head.faces, (_SIDE, _SIDE), True, backend)
        rate = _BATCH / (time.perf_counter() - start)
        lines.append(f"{backend:12}{rate:12.0f}{(ids == drawn).mean():10.2%}")
    return "\n".join(lines)


def _run(path: Path, options: CaptureOptions) -> Run:
    head_file = load_head()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bench.take.npz"
        result = capture(path, out, head_file, options, Report())
        start = time.perf_counter(), time.process_time()
        film = Path(folder) / "bench.preview.mp4"
        write_preview(result.clip, result.take, head_file, film, Report())
        preview = time.perf_counter() - start[0], time.process_time() - start[1]
    clock = result.clock
    stages = {name: (clock.seconds[name], clock.cpu_seconds[name]) for name in clock.seconds}
    return Run(stages | {"preview": preview}, result.take, peak_megabytes())
