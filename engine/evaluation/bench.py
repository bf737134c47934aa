"""How fast each stage is and how much memory it takes, on one clip."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ..exchange.take import Take
from ..options import CaptureOptions
from ..pipeline import capture, peak_megabytes
from ..preview import write_preview
from ..progress import Report
from ..weights import load_head, locate


@dataclass(frozen=True)
class Run:
    """One capture with its preview: (wall seconds, processor seconds) of each stage."""

    stages: dict[str, tuple[float, float]]
    take: Take
    peak_megabytes: float


def bench(path: Path | None, repeat: int) -> str:
    """Capture `path` (default: the demo clip) once to warm up, then `repeat` times; a table.

    The best of the repeats counts. Processor time is that of one core, whatever else the machine
    is doing. The warm-up compiles what a machine's first capture compiles; it is shown apart.
    """
    path = path or locate("demo_clip")
    runs = [_run(path) for _ in range(repeat + 1)]
    first, rest = runs[0], runs[1:] or runs
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
    lines.append(f"peak memory {runs[-1].peak_megabytes:.0f} MB")
    return "\n".join(lines)


def _run(path: Path) -> Run:
    head_file = load_head()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bench.take.npz"
        result = capture(path, out, head_file, CaptureOptions(), Report())
        start = time.perf_counter(), time.process_time()
        film = Path(folder) / "bench.preview.mp4"
        write_preview(result.clip, result.take, head_file, film, Report())
        preview = time.perf_counter() - start[0], time.process_time() - start[1]
    stages = {name: (result.seconds[name], result.cpu_seconds[name]) for name in result.seconds}
    return Run(stages | {"preview": preview}, result.take, peak_megabytes())
