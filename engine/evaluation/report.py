"""Captures of a folder of clips against trackers that the product doesn't use, as a table.

What they say lies beside the clips (`referees`); clips without are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..faces import FaceTrack
from ..fitting import FitResult
from ..geometry import rotation_matrix
from ..head.landmarks import mesh_to_68
from ..head.model import Head
from ..media import open_clip
from ..options import CaptureOptions
from ..pipeline import perform
from ..progress import Report
from ..weights import load_head
from .metrics import (
    BROWS_NOSE_EYES,
    EYE_DISTANCE_MM,
    SIGNALS,
    blinks,
    closure_counts,
    comparable_frames,
    correlation,
    face_frame,
    face_signals,
    gain,
    jitter_mm,
    matched,
    slow_gain,
    still_frames,
    turn_degrees,
)
from .referees import JUDGE, judged_clips, referee_landmarks, referee_turn

_BLINK = {"fit": 0.62, "raw": 0.62, "ghost": 0.55, "pfld": 0.62}  # of the median opening
# A clip whose mouth is covered in some frames, and the same clip uncovered.
_COVERED = ("hard/mouth_covered_20_44.mp4", "grid_bbaf2n", range(20, 45))


@dataclass(frozen=True)
class _Captured:
    track: FaceTrack
    fit: FitResult

    @property
    def raw(self) -> np.ndarray:
        """The tracker's own landmarks, (T, 68, 2) px."""
        return mesh_to_68(self.track.landmarks[..., :2])


def evaluate_clips(folder: Path, report: Report, options: CaptureOptions) -> tuple[str, dict]:
    """Capture every clip that has referees: a table to print, and all figures."""
    clips = judged_clips(folder)
    head, figures, captured = Head(load_head()), {}, {}
    for done, path in enumerate(clips):
        stage = report.part(path.stem[:12], done / len(clips), 1 / len(clips))
        captured[path.stem] = _capture(path, head, stage, options)
        figures[path.stem] = _score(path, captured[path.stem])
    summary = _summarize(figures)
    covered, uncovered, frames = _COVERED
    if (folder / covered).is_file() and uncovered in captured:
        under = _capture(folder / covered, head, report.part("covered", 1, 0), options)
        summary["covered mouth"] = _covered(captured[uncovered], under, frames)
    return _table(figures, summary), {"clips": figures, "summary": summary}


def _capture(path: Path, head: Head, report: Report, options: CaptureOptions) -> _Captured:
    done = perform(open_clip(path), head, options, report)
    return _Captured(done.track, done.fit)


def _score(path: Path, captured: _Captured) -> dict:
    """All figures of one clip: "fit" and "raw" side by side."""
    points = {"fit": captured.fit.landmarks_px, "raw": captured.raw} | referee_landmarks(path)
    frames = min(map(len, points.values()))
    points = {who: landmarks[:frames] for who, landmarks in points.items()}
    good = comparable_frames(points)
    signals = {
        who: {k: np.where(good, v, np.nan) for k, v in face_signals(landmarks).items()}
        for who, landmarks in points.items()
    }
    judges = [who for who in ("ghost", "pfld") if who in points]
    still = still_frames([points[who] for who in judges], good)
    scores: dict = {"frames": frames, "compared": int(good.sum())}
    for who in ("fit", "raw"):
        mine = signals[who]
        scores[who] = {
            "correlation": {
                k: correlation(mine[k], signals[JUDGE[k]][k])
                for k in SIGNALS
                if JUDGE[k] in signals
            },
            "gain": {k: gain(mine[k], signals[JUDGE[k]][k]) for k in SIGNALS
                     if JUDGE[k] in signals},
            "jitter_mm": jitter_mm(points[who], still),
            "jitter_above_lips_mm": jitter_mm(points[who], still, BROWS_NOSE_EYES),
            "closures": closure_counts(
                EYE_DISTANCE_MM * mine["gap"], [EYE_DISTANCE_MM * signals[j]["gap"] for j in judges]
            ),
            "blinks": _blink_counts(who, judges, signals),
        }  # fmt: skip
    scores["referees"] = _between_referees(signals)
    scores["gain_on_raw"] = {k: slow_gain(signals["fit"][k], signals["raw"][k]) for k in SIGNALS}
    scores["turn_degrees"] = _turn_error(path, captured, good)
    return scores


def _between_referees(signals: dict[str, dict]) -> dict[str, float]:
    """How far two referees agree: what a perfect capture could reach against one of them."""
    if "pfld" not in signals:
        return {}
    return {
        k: correlation(signals[JUDGE[k]][k], signals["pfld"][k])
        for k in SIGNALS
        if JUDGE[k] in signals
    }


def _blink_counts(who: str, judges: list[str], signals: dict[str, dict]) -> dict[str, int]:
    """Blinks that all judges see, and how many of them `who` sees."""
    events = blinks(signals[judges[0]]["eye"], _BLINK[judges[0]])
    for judge in judges[1:]:
        other = blinks(signals[judge]["eye"], _BLINK[judge])
        events = [event for event, hit in zip(events, matched(events, other), strict=True) if hit]
    mine = blinks(signals[who]["eye"], _BLINK[who])
    return {"seen": len(events), "hit": sum(matched(events, mine))}


def _turn_error(path: Path, captured: _Captured, good: np.ndarray) -> float:
    """Median difference of the angle turned since the middle frame, degrees."""
    referee = referee_turn(path)
    if referee is None:
        return float("nan")
    referee = referee[: len(good)]
    frames = good & np.isfinite(referee[:, 0, 0])
    mine = rotation_matrix(captured.fit.params.head_pose[: len(good)][frames])
    return float(np.median(np.abs(turn_degrees(mine) - turn_degrees(referee[frames]))))


def _covered(truth: _Captured, under: _Captured, covered: range) -> dict[str, float]:
    """What becomes of the mouth while it can't be seen, against the clip without the cover."""
    lips = slice(48, 68)
    mine, true = (face_frame(c.fit.landmarks_px)[:, lips] for c in (under, truth))
    frames = np.array(covered)
    steps = np.linalg.norm(np.diff(mine, axis=0), axis=-1).max(1)  # (T - 1,)
    error = np.linalg.norm((mine - true)[frames], axis=-1)
    return {
        "largest_step_mm": float(steps[frames[0] - 1 : frames[-1] + 1].max() * EYE_DISTANCE_MM),
        "lip_error_mm": float(error.mean() * EYE_DISTANCE_MM),
        "mouth_confidence_covered": float(under.fit.confidence[frames, 1].mean()),
        "mouth_confidence_before": float(under.fit.confidence[: frames[0] - 3, 1].mean()),
    }


def _summarize(figures: dict[str, dict]) -> dict:
    """Medians over the clips, and what is counted over all of them."""
    clips = list(figures.values())

    def median(pick: Callable[[dict], float]) -> float:
        known = [value for value in map(pick, clips) if not np.isnan(value)]
        return float(np.median(known)) if known else float("nan")

    def share(who: str, group: str, part: str, whole: str) -> float:
        hit, of = (sum(clip[who][group][key] for clip in clips) for key in (part, whole))
        return hit / of if of else float("nan")

    def ratio(key: str) -> float:
        return median(lambda clip: clip["fit"][key] / clip["raw"][key])

    def by_signal(pick: Callable[[dict], dict]) -> dict[str, float]:
        return {k: median(lambda clip, k=k: pick(clip).get(k, np.nan)) for k in SIGNALS}

    summary: dict = {
        who: {
            "correlation": by_signal(lambda clip, who=who: clip[who]["correlation"]),
            "shut_lips_hit": share(who, "closures", "shut_hit", "shut"),
            "open_lips_missed": share(who, "closures", "open_missed", "open"),
            "blinks_hit": share(who, "blinks", "hit", "seen"),
        }
        for who in ("fit", "raw")
    }
    return summary | {
        "jitter_ratio": ratio("jitter_mm"),
        "jitter_ratio_above_lips": ratio("jitter_above_lips_mm"),
        "referees": by_signal(lambda clip: clip["referees"]),
        "turn_degrees": median(lambda clip: clip["turn_degrees"]),
        "gain_on_raw": by_signal(lambda clip: clip["gain_on_raw"]),
    }


def _table(figures: dict[str, dict], summary: dict) -> str:
    """Rows of clips, fit / raw side by side, then medians and counts."""
    lines = [
        "Correlation with the referees (jaw: 3ddfa, the rest: ghost), fit / tracker's landmarks;",
        "jitter of still frames, fit over tracker; turn of the head against 3ddfa, degrees.",
        "",
        f"{'clip':24}" + "".join(f"{k:^14}" for k in SIGNALS) + f"{'jitter':>8}{'turn':>7}",
    ]

    def row(name: str, fit: dict, raw: dict, jitter: float, turn: float) -> str:
        cells = "".join(f"{fit.get(k, np.nan):6.3f} /{raw.get(k, np.nan):6.3f}" for k in SIGNALS)
        return f"{name[:23]:24}{cells}{jitter:8.2f}{turn:7.2f}"

    for name, clip in figures.items():
        ratio = clip["fit"]["jitter_mm"] / clip["raw"]["jitter_mm"]
        fit, raw = clip["fit"]["correlation"], clip["raw"]["correlation"]
        lines.append(row(name, fit, raw, ratio, clip["turn_degrees"]))
    fit, raw = summary["fit"], summary["raw"]
    lines.append(
        row("median", fit["correlation"], raw["correlation"], summary["jitter_ratio"],
            summary["turn_degrees"])
    )  # fmt: skip
    cells = "".join(f"{summary['referees'][k]:6.3f}{'':8}" for k in SIGNALS)
    lines += [
        f"{'pfld against them':24}{cells}",
        "",
        f"jitter of brows, nose and eyes alone {summary['jitter_ratio_above_lips']:.2f} "
        "(with the lips it holds what they say)",
        "motion against the tracker's, slow part: "
        + ", ".join(f"{k} {v:.2f}" for k, v in summary["gain_on_raw"].items()),
        f"lips that ghost and pfld see shut: {fit['shut_lips_hit']:.1%} under 1.5 mm "
        f"(tracker {raw['shut_lips_hit']:.1%}); wrongly shut {fit['open_lips_missed']:.1%} "
        f"(tracker {raw['open_lips_missed']:.1%}); blinks hit {fit['blinks_hit']:.1%}",
    ]
    if covered := summary.get("covered mouth"):
        lines.append("covered mouth: " + ", ".join(f"{k} {v:.2f}" for k, v in covered.items()))
    return "\n".join(lines)
