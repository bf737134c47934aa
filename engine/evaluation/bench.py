"""How fast each stage is and how much memory it takes, on one clip."""

import platform
import tempfile
import time
from pathlib import Path

from ..exchange.take import Take
from ..options import CaptureOptions
from ..pipeline import capture, peak_megabytes
from ..preview import write_preview
from ..progress import Report
from ..weights import load_head, locate


def bench(path: Path | None, repeat: int) -> str:
    """Capture `path` (default: the demo clip) once to warm up, then `repeat` times; a table.

    The best of the repeats counts, in wall seconds. The warm-up compiles what is compiled on a
    machine's first capture; its seconds are shown apart.
    """
    path = path or locate("demo_clip")
    laps: list[dict[str, float]] = []
    for _ in range(repeat + 1):
        lap, take, peak = _one_run(path)
        laps.append(lap)
    frames = take.frame_count
    lines = [
        f"{path.name}: {frames} frames, {take.size[0]} x {take.size[1]}, on {platform.processor()}",
        f"{'stage':12}{'ms/frame':>10}{'fps':>10}{'first run s':>13}",
    ]
    best = {stage: min(lap[stage] for lap in laps[1:] or laps) for stage in laps[0]}
    best["faces + fit"] = best["faces"] + best["fit"]
    best["all"] = sum(lap for stage, lap in best.items() if stage != "faces + fit")
    for stage, seconds in best.items():
        first = f"{laps[0][stage]:13.2f}" if stage in laps[0] else ""
        lines.append(f"{stage:12}{1e3 * seconds / frames:10.2f}{frames / seconds:10.1f}{first}")
    lines.append(f"peak memory {peak:.0f} MB")
    return "\n".join(lines)


def _one_run(path: Path) -> tuple[dict[str, float], Take, float]:
    """Seconds of each stage, the take, and the peak memory so far (MB)."""
    head_file = load_head()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bench.take.npz"
        result = capture(path, out, head_file, CaptureOptions(), Report())
        start = time.perf_counter()
        film = Path(folder) / "bench.preview.mp4"
        write_preview(result.clip, result.take, head_file, film, Report())
        seconds = result.seconds | {"preview": time.perf_counter() - start}
    return seconds, result.take, peak_megabytes()
