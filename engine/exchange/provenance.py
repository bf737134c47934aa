"""What made a take or an export: it travels with each of them."""

import json
import os
from pathlib import Path
from typing import Any

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
    """`NAME.fbx.made-by.json` beside an export, to a temporary name, then renamed."""
    path = export.with_name(f"{export.name}.made-by.json")
    temporary = path.with_name(path.name + ".tmp")
    text = json.dumps({"file": export.name} | content, indent=1, ensure_ascii=False)
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
    return path
