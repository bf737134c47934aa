"""NAME.report.json: stages, times, figures and warnings of one capture."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.saving import save
from ..exchange.take import REGIONS

if TYPE_CHECKING:
    from ..pipeline import Capture


def write_report(done: "Capture", path: Path) -> None:
    """NAME.report.json: stages, times, figures and warnings of one capture. Raises AVFaceError."""
    take = done.take
    frames, is_seen = take.frame_count, take.source.get("kind") != "sound"
    content = {
        "ok": True,
        "clip": take.source["path"],
        "frames": frames,
        "frames_with_face": int(take.found.sum()) if is_seen else 0,
        "clip_seconds": float(take.times[-1] - take.times[0]) if frames else 0.0,
        "stages": {
            name: {
                "seconds": round(seconds, 3),
                "frames_per_second": round(frames / max(seconds, 1e-6), 1),
                "peak_megabytes": round(done.clock.peak_megabytes[name]),
            }
            for name, seconds in done.clock.seconds.items()
        },
        "mean_confidence": {
            name: round(float(value), 3)
            for name, value in zip(REGIONS, take.confidence.mean(0), strict=True)
            if is_seen
        },
        "warnings": list(take.warnings),
        "made_by": take.made_by,
    }
    save(path, json.dumps(content, indent=1))
