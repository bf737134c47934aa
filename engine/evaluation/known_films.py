"""The papers' measures of every system on films with truth (`testset`)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..detail.recover import Detail
from ..exchange.protocol import AVFaceError
from ..geometry import embed, rotation_matrix
from ..head.model import FaceParams, Head
from ..media import open_clip
from ..progress import Report
from ..weights import load_head
from .errors import (
    LIPS,
    area_under_curve,
    lip_gap,
    nme,
    normalized_errors,
    normals_error_degrees,
)
from .layers import FINE_ROW, LIPS_ROW, Layer, layers, raised
from .metrics import EYE_DISTANCE_MM, closure_counts
from .scans import ScanErrors, face_vertices, pool_errors, scan_to_mesh
from .systems import NAME_WIDTH, SYSTEMS, System, ask
from .testset import KnownFilm

_MESH_STEP = 10  # frames between those whose surface is measured
# Covered frames by the share of the 68 points that something is before: what a cover costs goes by
# how much it hides, and that another set may not hide as much.
_SHARES = {"under": (0.0, 0.25), "half": (0.25, 0.5), "most": (0.5, 1.01)}


@dataclass
class _Scores:
    """One system over all test films."""

    errors: list[np.ndarray] = field(default_factory=list)  # (T, 68) %
    hidden: list[np.ndarray] = field(default_factory=list)  # (T,) share of the 68 points
    scans: list[ScanErrors] = field(default_factory=list)
    normals: list[float] = field(default_factory=list)  # degrees
    closures: list[dict[str, int]] = field(default_factory=list)
    failed: str = ""


def film_table(films: list[KnownFilm], report: Report) -> tuple[list[str], dict[str, dict]]:
    """A row for each system: lines to print, and the figures."""
    scores = _score_films(films, report)
    frames = sum(len(film.truth.landmarks) for film in films)
    lines = [
        f"Films with truth: {len(films)}, {frames} frames. NME in % of the face's box; covered:",
        "frames with something before the face, and those of which it hides under a quarter of the",
        "68 points, up to a half, more; scan to mesh in mm by NoW's protocol, size free; normals",
        "in degrees; shut: of the frames whose lips meet (within 1.5 mm of the film's least gap),",
        "how many do, and open ones (over 5 mm) taken for shut. By frame: AVFace's networks where",
        "no frame knows another. found: of the frames; the others are in no figure.",
        "",
        f"{'':{NAME_WIDTH}}{'films':>6}{'found':>7}{'NME':>6}{'AUC':>6}{'lips':>6}"
        f"{'clear':>7}{'covered':>9}{'< 1/4':>7}{'< 1/2':>7}{'more':>6}"
        f"{'median':>8}{'mean':>6}{'std':>6}{'normals':>9}{'shut':>7}{'wrong':>7}",
    ]
    figures = {}
    for name, mine in scores.items():
        if not mine.errors:
            if mine.failed:  # a layer of what isn't here needs no word of its own
                lines.append(f"{name:{NAME_WIDTH}}not here: {mine.failed}")
            continue
        row = _figures(mine)
        figures[name] = row
        lines.append(
            f"{name:{NAME_WIDTH}}{len(mine.errors):6}{row['found']:7.0%}{row['nme']:6.2f}"
            f"{row['auc']:6.2f}{row['nme_lips']:6.2f}"
            f"{row['nme_clear']:7.2f}{row['nme_covered']:9.2f}{row['nme_hidden_under']:7.2f}"
            f"{row['nme_hidden_half']:7.2f}{row['nme_hidden_most']:6.2f}{row['scan_median']:8.2f}"
            f"{row['scan_mean']:6.2f}{row['scan_std']:6.2f}{row['normals']:9.1f}"
            f"{row['shut']:7.0%}{row['shut_wrongly']:7.0%}"
        )
    return lines, figures


def _figures(mine: _Scores) -> dict[str, float]:
    errors, hidden = np.concatenate(mine.errors), np.concatenate(mine.hidden)
    covered = hidden > 0
    scan = pool_errors(mine.scans).row if mine.scans else (float("nan"),) * 3
    shut, hit, wide, missed = (
        sum(c[key] for c in mine.closures) for key in ("shut", "shut_hit", "open", "open_missed")
    )
    by_share = {
        f"nme_hidden_{name}": nme(errors[covered & (hidden >= low) & (hidden < high)])
        for name, (low, high) in _SHARES.items()
    }
    return by_share | {
        "found": float(np.isfinite(errors).all(1).mean()),
        "nme": nme(errors), "auc": area_under_curve(errors), "nme_lips": nme(errors, LIPS),
        "nme_clear": nme(errors[~covered]), "nme_covered": nme(errors[covered]),
        "scan_median": scan[0], "scan_mean": scan[1], "scan_std": scan[2],
        "normals": float(np.mean(mine.normals)) if mine.normals else float("nan"),
        "shut": hit / shut if shut else float("nan"),
        "shut_wrongly": missed / wide if wide else float("nan"),
    }  # fmt: skip


def _score_films(films: list[KnownFilm], report: Report) -> dict[str, _Scores]:
    """Each system's scores."""
    head_file = load_head()
    head, scores = Head(head_file), {name: _Scores() for s in SYSTEMS for name in _row_names(s)}
    for k, film in enumerate(films):
        clip = open_clip(film.path)
        for system in SYSTEMS:
            mine = scores[system.name]
            if mine.failed or (system.needs_sound and not clip.has_sound):
                continue
            try:
                answer = ask(system, clip, head_file, Report())
            except AVFaceError as error:
                mine.failed = error.message
                continue
            _add_film(mine, film, answer.landmarks, answer.params, head)
            if system.layered and answer.take is not None:
                _add_layers(scores, system, film, layers(clip, answer.take, head), head)
        report((k + 1) / len(films))
    return scores


def _row_names(system: System) -> list[str]:
    rows = [system.name]
    return [*rows, *(system.name + row for row in (LIPS_ROW, FINE_ROW))] if system.layered else rows


def _add_layers(
    scores: dict[str, _Scores],
    system: System,
    film: KnownFilm,
    stages: Iterator[Layer],
    head: Head,
) -> None:
    try:
        for stage in stages:
            mine = scores[system.name + stage.name]
            _add_film(mine, film, stage.landmarks, stage.params, head, stage.detail)
    except AVFaceError as error:  # no later stage works here
        scores[system.name + FINE_ROW].failed = error.message


def _add_film(
    scores: _Scores,
    film: KnownFilm,
    points: np.ndarray,
    params: FaceParams | None,
    head: Head,
    detail: Detail | None = None,
) -> None:
    truth = film.truth
    count = min(len(points), len(truth.landmarks))
    points, marks = points[:count], truth.landmarks[:count]
    scores.errors.append(normalized_errors(points, marks))
    scores.hidden.append(np.asarray(truth.covered[:count].mean(axis=1)))
    gaps = []
    for landmarks in (points, marks):
        size = np.linalg.norm(landmarks[:, 36:42].mean(1) - landmarks[:, 42:48].mean(1), axis=-1)
        gap = lip_gap(landmarks) / size * EYE_DISTANCE_MM
        # inner-lip landmarks lie a little apart on lips that meet: by how much, people differ
        gaps.append(gap - np.nanmin(gap) if np.isfinite(gap).any() else gap)
    scores.closures.append(closure_counts(gaps[0], gaps[1:]))
    if params is not None:
        _add_surfaces(scores, film, points, params, head, detail)


def _add_surfaces(
    scores: _Scores,
    film: KnownFilm,
    points: np.ndarray,
    params: FaceParams,
    head: Head,
    detail: Detail | None,
) -> None:
    """Scan to mesh and normals of some frames whose landmarks `points` (T, 68, 2) are known."""
    truth, file, rest = film.truth, head.file, head.rest(params.shape)
    which = face_vertices(file)
    faces = file.faces[which[file.faces].all(1)]
    for t in range(0, len(points), _MESH_STEP):
        if not np.isfinite(points[t]).all():
            continue
        ours, theirs = head.frame(params, t, rest), truth.vertices[t].astype(float)
        ours = ours if detail is None else raised(ours, file.faces, detail, t)
        turned = ours @ rotation_matrix(params.head_pose[t]).T, theirs @ truth.turn[t].T
        scores.normals.append(normals_error_degrees(*turned, file.faces, which))
        own, marks = (1e3 * embed(v, file.faces, file.landmarks_68) for v in (ours, theirs))
        scores.scans.append(scan_to_mesh(theirs[which] * 1e3, marks, ours * 1e3, faces, own))
