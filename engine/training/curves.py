"""A training's log as a picture: one panel for each loss and each figure of the evaluations."""

from pathlib import Path

import cv2
import numpy as np

from ..exchange.protocol import AVFaceError
from ..exchange.saving import save
from .checkpoint import read_log

_PANEL = (300, 190)  # px, width and height
_COLUMNS = 4
_INK, _FAINT, _GRID = (40, 40, 40), (205, 190, 170), (230, 230, 230)  # BGR
_LOSS, _FIGURE = (180, 90, 20), (40, 40, 190)
_MARGIN = (52, 26, 12, 24)  # left, top, right, bottom
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_curves(folder: Path, out: Path) -> int:
    """Write the curves of a run's log as PNG; how many there are. Raises AVFaceError."""
    curves = read_curves(folder)
    if not curves:
        raise AVFaceError(f"The log in {folder} holds no step yet.", "Wait for the first steps.")
    panels = [_panel(name, *points) for name, points in curves.items()]
    while len(panels) % _COLUMNS and len(panels) > _COLUMNS:
        panels.append(np.full_like(panels[0], 255))
    rows = [np.hstack(panels[k : k + _COLUMNS]) for k in range(0, len(panels), _COLUMNS)]
    done, content = cv2.imencode(".png", np.vstack(rows))
    assert done, len(rows)
    save(out, content.tobytes())
    return len(curves)


def read_curves(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Steps and values of each loss (its name), and of each figure (`test: NAME`)."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in read_log(folder):
        for name, value in line.get("losses", {}).items():
            found.setdefault(name, []).append((line["step"], value))
        for name, value in line.get("figures", {}).items():
            found.setdefault(f"test: {name}", []).append((line["step"], value))
    return {
        name: (np.array([s for s, _ in points]), np.array([v for _, v in points], float))
        for name, points in found.items()
    }


def _panel(name: str, steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """One curve: raw faint, its running mean strong; logarithmic where it falls far."""
    width, height = _PANEL
    left, top, right, bottom = _MARGIN
    picture = np.full((height, width, 3), 255, np.uint8)
    good = np.isfinite(values)
    steps, values = steps[good], values[good]
    cv2.putText(picture, name, (left, 17), _FONT, 0.42, _INK, 1, cv2.LINE_AA)
    if not len(values):
        return picture
    is_log = values.min() > 0 and values.max() > 20 * values.min()
    shown = np.log10(values) if is_log else values
    low, high = float(shown.min()), float(shown.max())
    high = high if high > low else low + 1
    last = max(int(steps[-1]), 1)

    def place(line: np.ndarray) -> np.ndarray:
        x = left + (width - left - right) * steps / last
        y = height - bottom - (height - top - bottom) * (line - low) / (high - low)
        return np.stack([x, y], 1).round().astype(np.int32)

    for share in (0, 0.5, 1):
        y = round(height - bottom - (height - top - bottom) * share)
        cv2.line(picture, (left, y), (width - right, y), _GRID, 1)
        value = low + share * (high - low)
        label = f"{10**value if is_log else value:.3g}"
        cv2.putText(picture, label, (3, y + 4), _FONT, 0.34, _INK, 1, cv2.LINE_AA)
    cv2.putText(picture, "0", (left, height - 8), _FONT, 0.34, _INK, 1, cv2.LINE_AA)
    cv2.putText(picture, f"step {last}", (width - 80, height - 8), _FONT, 0.34, _INK, 1,
                cv2.LINE_AA)  # fmt: skip
    is_figure = name.startswith("test: ")
    if is_figure:
        cv2.polylines(picture, [place(shown)], False, _FIGURE, 1, cv2.LINE_AA)
        for x, y in place(shown):
            cv2.circle(picture, (int(x), int(y)), 2, _FIGURE, -1, cv2.LINE_AA)
        return picture
    cv2.polylines(picture, [place(shown)], False, _FAINT, 1, cv2.LINE_AA)
    cv2.polylines(picture, [place(_running_mean(shown))], False, _LOSS, 2, cv2.LINE_AA)
    return picture


def _running_mean(values: np.ndarray) -> np.ndarray:
    """Over a twentieth of the curve, shorter at its ends."""
    half = max(1, len(values) // 40)
    summed = np.concatenate([[0], np.cumsum(values)])
    first = np.maximum(np.arange(len(values)) - half, 0)
    end = np.minimum(np.arange(len(values)) + half + 1, len(values))
    return (summed[end] - summed[first]) / (end - first)
