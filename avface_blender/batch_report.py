"""NAME.report.json: what became of a clip, beside the figures that its capture has left there."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.files import write_whole


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
        content = read_report(path)
        own = asdict(self)
        own["built"] = content.get("built", {}) | own["built"]
        own["clip"] = content.get("clip", self.clip)  # of a take: the film that it came from
        own["stages"] = content.get("stages", {}) | own["stages"]
        own["warnings"] = list(dict.fromkeys(content.get("warnings", []) + own["warnings"]))
        write_whole(path, json.dumps(content | own, indent=1))


def read_report(path: Path) -> dict[str, Any]:
    """What stands in a report; nothing where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
