"""One report of a batch: `batch.report.json`, and `batch.report.html` with the contact sheets."""

import html
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..exchange.saving import save
from ..version import product_version
from .manifest import Wanted
from .work import Record, read_record

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1200px; color: #222 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .35em .7em; border-bottom: 1px solid #ddd; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums }
.failed { color: #a11 } .done { color: #171 } .waiting { color: #777 }
figure { margin: 2em 0 } figure img { max-width: 100%; border: 1px solid #ddd }
.note { color: #666; font-size: .9em }
"""


def write_summary(wanted: list[Wanted], out: Path, seconds: float) -> dict[str, Any]:
    """Write both reports from what stands in the batch's folder; the content of the JSON."""
    rows = [_row(item, out) for item in wanted]
    states = [row["state"] for row in rows]
    content = {
        "version": product_version(),
        "clips": len(rows),
        "done": states.count("done"),
        "failed": states.count("failed"),
        "waiting": states.count("waiting"),
        "seconds": round(seconds, 1),
        "results": rows,
    }
    save(out / "batch.report.json", json.dumps(content, indent=1))
    save(out / "batch.report.html", _page(content))
    return content


def _row(item: Wanted, out: Path) -> dict[str, Any]:
    """What is known of one clip: its record, and its capture's own report."""
    record = read_record(out / "jobs" / item.name) or Record(
        item.name, str(item.clip), "waiting", ""
    )
    row = {name: value for name, value in asdict(record).items() if name != "key"}
    row |= {"options": item.options, "files": [], "warnings": []}
    if record.state != "done":
        return row
    try:
        report = json.loads((out / f"{item.name}.report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        report = {}
    for name in ("frames", "frames_with_face", "clip_seconds", "mean_confidence", "warnings"):
        if name in report:
            row[name] = report[name]
    kinds = ("take.npz", "report.json", "sheet.png", "preview.mp4", "blend")
    row["files"] = [
        f"{item.name}.{kind}" for kind in kinds if (out / f"{item.name}.{kind}").is_file()
    ]
    return row


def _page(content: dict[str, Any]) -> str:
    """The report as one page; failures come first, everything in it is escaped."""
    order = {"failed": 0, "waiting": 1, "done": 2}
    rows = sorted(content["results"], key=lambda row: order.get(row["state"], 1))
    head = (
        f"{content['clips']} clips: {content['done']} done, {content['failed']} failed,"
        f" {content['waiting']} waiting"
    )
    lines = "\n".join(_table_row(row) for row in rows)
    sheets = "\n".join(_figure(row) for row in rows)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>AVFace batch</title>
<style>{_STYLE}</style></head>
<body><h1>AVFace batch</h1><p>{html.escape(head)}. AVFace {html.escape(content["version"])}.</p>
<table><tr><th>clip</th><th>state</th><th>frames</th><th>with face</th><th>confidence</th>
<th>seconds</th><th>notes</th></tr>
{lines}
</table>
{sheets}
</body></html>
"""


def _table_row(row: dict[str, Any]) -> str:
    confidence = row.get("mean_confidence", {}).get("face")
    notes = [row["message"], row["hint"], *row["warnings"]]
    cells = [
        f"<td>{html.escape(row['name'])}</td>",
        f'<td class="{html.escape(row["state"])}">{html.escape(row["state"])}</td>',
        _number(row.get("frames")),
        _number(row.get("frames_with_face")),
        _number(confidence),
        _number(row["seconds"]),
        f'<td class="note">{"<br>".join(html.escape(note) for note in notes if note)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _number(value: float | None) -> str:
    text = "" if value is None else f"{value:g}"
    return f'<td class="number">{text}</td>'


def _figure(row: dict[str, Any]) -> str:
    sheet = f"{row['name']}.sheet.png"
    if sheet not in row["files"]:
        return ""
    name = html.escape(row["name"])
    return (
        f'<figure><figcaption>{name}</figcaption><img loading="lazy" alt="{name}"'
        f' src="{quote(sheet)}"></figure>'
    )
