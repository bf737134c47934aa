"""The figures of painted covers, by kind, and their table."""

from dataclasses import dataclass, field, fields

import numpy as np

from .painted_hands import PART_KINDS

UNPAINTED = "nothing painted"


@dataclass
class Row:
    """One kind of cover over all clips."""

    hidden: int = 0  # frames of regions; of a cover of a part of the mouth, of points of the lips
    noticed: int = 0
    beside: int = 0  # points of the lips that such a cover leaves free, in its frames
    kept: int = 0
    clear: int = 0
    false: int = 0
    lips: dict[str, list[float]] = field(default_factory=dict)  # mm, by sense and clip
    shut: int = 0  # frames of truly shut lips beneath the cover
    met: int = 0
    wide: int = 0
    wrong: int = 0
    steps: list[tuple[float, float]] = field(default_factory=list)  # largest, and the true one


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def figures_of(row: Row) -> dict[str, float]:
    """The row's shares and medians by name; NaN where nothing was counted."""

    def median(values) -> float:
        return float(np.median(values)) if len(values) else float("nan")

    picture, both = (row.lips.get(sense, []) for sense in ("picture", "both"))
    return {
        "noticed": _share(row.noticed, row.hidden),
        "kept": _share(row.kept, row.beside),
        "false_alarms": _share(row.false, row.clear),
        "lips_picture_mm": median(picture),
        "lips_both_mm": median(both),
        "ratio": median([b / p for p, b in zip(picture, both, strict=True)]),
        "shut_met": _share(row.met, row.shut),
        "shut_wrongly": _share(row.wrong, row.wide),
        "step_mm": median([mine for mine, _ in row.steps]),
        "true_step_mm": median([true for _, true in row.steps]),
    }


def write_table(rows: dict[str, Row], clips: int) -> str:
    """The rows and what they come to, with a legend."""
    parts = [row for name, row in rows.items() if _is_part(name)]
    whole = [row for name, row in rows.items() if name != UNPAINTED and not _is_part(name)]
    totals = {"all of whole regions": _together(whole), "all of parts": _together(parts)}
    lines = [
        f"Painted covers on {clips} clips: hidden frames noticed; clear ones taken for covered by",
        "what is painted (all regions; in the first row what is taken for covered in the clips as",
        "they are); lip vertices beneath a covered mouth against the clip without the cover,",
        "mm, by the picture and by both senses (medians); truly shut lips that meet, wide ones",
        "shut; the largest step from frame to frame, and the true one, mm. Of a mouth covered in",
        "part: its hidden points that are noticed, and free ones that are still believed (kept).",
        "",
        f"{'':26}{'noticed':>9}{'kept':>8}{'false':>8}{'picture':>9}{'both':>7}{'ratio':>7}{'shut':>7}"
        f"{'wrong':>7}{'step':>7}{'true':>7}",
    ]
    for name, row in {**rows, **totals}.items():
        f = figures_of(row)
        lines.append(
            f"{name:26}{f['noticed']:9.1%}{f['kept']:8.1%}{f['false_alarms']:8.2%}"
            f"{f['lips_picture_mm']:9.2f}"
            f"{f['lips_both_mm']:7.2f}{f['ratio']:7.2f}{f['shut_met']:7.0%}"
            f"{f['shut_wrongly']:7.0%}{f['step_mm']:7.1f}{f['true_step_mm']:7.1f}"
        )
    return "\n".join(lines)


def _is_part(name: str) -> bool:
    return name.split(",")[0] in PART_KINDS


def _together(rows: list[Row]) -> Row:
    """All rows as one."""
    return Row(
        lips={
            sense: [e for row in rows for e in row.lips.get(sense, [])]
            for sense in ("picture", "both")
        },
        steps=[step for row in rows for step in row.steps],
        **{
            item.name: sum(getattr(row, item.name) for row in rows)
            for item in fields(Row)
            if item.type is int
        },
    )
