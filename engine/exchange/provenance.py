"""What made a take or an export: it travels with each of them."""

import json
from pathlib import Path
from typing import Any

from .files import write_whole
from .take import Take

PROVENANCE_PROPERTY = "avface_made_by"  # of Blender's objects and actions: JSON text


def provenance(take: Take) -> dict[str, Any]:
    """Product and version, clip and its hash, weights, options, actor and the note of consent."""
    made_by = take.made_by
    return {
        "product": "AVFace",
        "version": made_by.get("version", ""),
        "clip": {"name": Path(take.source.get("path", "")).name,
                 "sha256": take.source.get("sha256", "")},
        "head": dict(take.head),
        "weights": made_by.get("weights", {}),
        "options": made_by.get("options", {}),
        "actor": take.actor,
        "consent": made_by.get("options", {}).get("consent", ""),
    }  # fmt: skip


def write_sidecar(content: dict[str, Any], export: Path) -> Path:
    """`NAME.fbx.made-by.json` beside an export. Raises OSError."""
    path = export.with_name(f"{export.name}.made-by.json")
    content = {"file": export.name} | content
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False))
    return path
