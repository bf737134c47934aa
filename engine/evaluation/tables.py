"""The paper's tables for what runs here: on films with truth, and on real clips with referees.

Published figures stand below ours, on other data: to be read beside them, never compared digit by
digit.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..detail.recover import Detail
from ..exchange.protocol import AVFaceError
from ..geometry import embed, rotation_matrix
from ..head.model import FaceParams, Head
from ..media import open_clip
from ..progress import Report
from ..training.ablation import read_rows
from ..version import product_commit, product_version
from ..weights import load_head
from . import published
from .datasets import read_lrs3
from .errors import (
    LIPS,
    area_under_curve,
    closure,
    lip_gap,
    nme,
    normalized_errors,
    normals_error_degrees,
)
from .layers import FINE_ROW, LIPS_ROW, Layer, layers, raised
from .lip_table import LipTable
from .metrics import (
    CONTOUR_POINTS,
    EYE_DISTANCE_MM,
    SIGNALS,
    comparable_frames,
    correlation,
    face_signals,
    motion_error_mm,
)
from .referees import JUDGE, is_judged, judged_clips, referee_landmarks
from .scans import ScanErrors, face_vertices, pool_errors, scan_to_mesh
from .systems import SYSTEMS, System, ask
from .testset import SEED, KnownFilm, make_testset, read_testset

_NAME = 37  # letters of a row's name
_MESH_STEP = 10  # frames between those whose surface is measured
_INNER = slice(CONTOUR_POINTS, 68)


@dataclass
class _Scores:
    """One system over all test films."""

    errors: list[np.ndarray] = field(default_factory=list)  # (T, 68) %
    covered: list[np.ndarray] = field(default_factory=list)  # (T,) bool
    scans: list[ScanErrors] = field(default_factory=list)
    normals: list[float] = field(default_factory=list)  # degrees
    closures: list[dict[str, int]] = field(default_factory=list)
    failed: str = ""


def print_tables(
    report: Report,
    synthetic: int = 4,
    testset: Path | None = None,
    clips: Path | None = None,
    lip_reader: Path | None = None,
    rows: Path | None = None,
) -> tuple[str, dict]:
    """All tables as text, and their figures.

    Args:
        report: Progress.
        synthetic: Films to make (unless there) in `testset`, or in a temporary folder.
        testset: A folder of films with truth, such as Blender's; what is there is used too.
        clips: A folder of real clips with `referees/`.
        lip_reader: A network of the user's that reads them (`lip_table.LipTable`).
        rows: What `scripts/recipes/ablate_expression.py` has trained and measured.

    Raises:
        AVFaceError: Something that is named isn't there, or holds nothing to measure.
    """
    if synthetic < 0:
        raise AVFaceError(f"--synthetic can't be {synthetic}.", "Give 0 or more.")
    if clips and not clips.is_dir():
        raise AVFaceError(f"There is no folder at {clips}.", "Correct --clips.")
    trained = read_rows(rows) if rows else None
    lines = [f"AVFace {product_version()}, commit {product_commit()}, test set seed {SEED}"]
    figures: dict = {"commit": product_commit(), "seed": SEED}
    if synthetic or testset:
        with tempfile.TemporaryDirectory(prefix="avface-testset-") as temporary:
            folder = testset or Path(temporary)
            if synthetic:
                make_testset(folder, synthetic, report.part("test set", 0, 0.2))
            films = read_testset(folder)
            scores = _score_films(films, report.part("films", 0.2, 0.4))
        text, figures["synthetic"] = _film_table(films, scores)
        lines += ["", *text]
    if clips:
        lips = LipTable(lip_reader)
        stage = report.part("clips", 0.6, 0.4)
        text, figures["clips"] = _clip_table(clips, lips, stage)
        lines += ["", *text]
        text, figures["lips"] = lips.table()
        lines += ["", *text]
    if trained:
        figures["rows"] = trained[1]
        lines += ["", *trained[0]]
    lines += ["", *_published()]
    return "\n".join(lines), figures


def _score_films(films: list[KnownFilm], report: Report) -> dict:
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
    scores.covered.append(np.asarray(truth.covered[:count].any(axis=1)))
    gaps = []
    for landmarks in (points, marks):
        size = np.linalg.norm(landmarks[:, 36:42].mean(1) - landmarks[:, 42:48].mean(1), axis=-1)
        gap = lip_gap(landmarks) / size * EYE_DISTANCE_MM
        # inner-lip landmarks lie a little apart on lips that meet: by how much, people differ
        gaps.append(gap - np.nanmin(gap) if np.isfinite(gap).any() else gap)
    scores.closures.append(closure(*gaps))
    if params is None:
        return
    file, rest = head.file, head.rest(params.shape)
    which = face_vertices(file)
    faces = file.faces[which[file.faces].all(1)]
    for t in range(0, count, _MESH_STEP):
        if not np.isfinite(points[t]).all():
            continue
        ours, theirs = head.frame(params, t, rest), truth.vertices[t].astype(float)
        ours = ours if detail is None else raised(ours, file.faces, detail, t)
        turned = ours @ rotation_matrix(params.head_pose[t]).T, theirs @ truth.turn[t].T
        scores.normals.append(normals_error_degrees(*turned, file.faces, which))
        marks_3d = [embed(v, file.faces, file.landmarks_68) for v in (theirs, ours)]
        skin = theirs[which] * 1e3
        scan_marks = marks_3d[0] * 1e3
        scores.scans.append(scan_to_mesh(skin, scan_marks, ours * 1e3, faces, marks_3d[1] * 1e3))


def _film_table(films: list[KnownFilm], scores: dict[str, _Scores]) -> tuple[list[str], dict]:
    frames = sum(len(film.truth.landmarks) for film in films)
    lines = [
        f"Films with truth: {len(films)}, {frames} frames. NME in % of the face's box; covered:",
        "frames with something before the face; scan to mesh in mm by NoW's protocol, size free;",
        "normals in degrees; shut: of the frames whose lips meet (within 1.5 mm of the film's",
        "least gap), how many do, and open ones (over 5 mm) taken for shut. By frame: AVFace's",
        "networks where no frame knows another. found: of the frames; the others are in no figure.",
        "",
        f"{'':{_NAME}}{'films':>6}{'found':>7}{'NME':>6}{'AUC':>6}{'lips':>6}{'clear':>7}{'covered':>9}"
        f"{'median':>8}{'mean':>6}{'std':>6}{'normals':>9}{'shut':>7}{'wrong':>7}",
    ]
    figures = {}
    for name, mine in scores.items():
        if not mine.errors:
            if mine.failed:  # a layer of what isn't here needs no word of its own
                lines.append(f"{name:{_NAME}}not here: {mine.failed}")
            continue
        row = _film_row(mine)
        figures[name] = row
        lines.append(
            f"{name:{_NAME}}{len(mine.errors):6}{row['found']:7.0%}{row['nme']:6.2f}{row['auc']:6.2f}{row['nme_lips']:6.2f}"
            f"{row['nme_clear']:7.2f}{row['nme_covered']:9.2f}{row['scan_median']:8.2f}"
            f"{row['scan_mean']:6.2f}{row['scan_std']:6.2f}{row['normals']:9.1f}"
            f"{row['shut']:7.0%}{row['shut_wrongly']:7.0%}"
        )
    return lines, figures


def _film_row(mine: _Scores) -> dict[str, float]:
    errors, covered = np.concatenate(mine.errors), np.concatenate(mine.covered)
    scan = pool_errors(mine.scans).row if mine.scans else (float("nan"),) * 3
    shut, hit, wide, missed = (
        sum(c[key] for c in mine.closures) for key in ("shut", "shut_hit", "open", "open_missed")
    )
    return {
        "found": float(np.isfinite(errors).all(1).mean()),
        "nme": nme(errors), "auc": area_under_curve(errors), "nme_lips": nme(errors, LIPS),
        "nme_clear": nme(errors[~covered]), "nme_covered": nme(errors[covered]),
        "scan_median": scan[0], "scan_mean": scan[1], "scan_std": scan[2],
        "normals": float(np.mean(mine.normals)) if mine.normals else float("nan"),
        "shut": hit / shut if shut else float("nan"),
        "shut_wrongly": missed / wide if wide else float("nan"),
    }  # fmt: skip


def _clip_table(folder: Path, lips: LipTable, report: Report) -> tuple[list[str], dict[str, dict]]:
    """Correlations with the referees and motion errors, medians over the clips; lips are read."""
    clips = _real_clips(folder)
    rows: dict[str, list[dict[str, float]]] = {system.name: [] for system in SYSTEMS}
    failed: dict[str, str] = {}
    for k, path in enumerate(clips):
        clip, head_file = open_clip(path), load_head()
        raw, sentence = None, lips.hear(path, clip)
        for system in SYSTEMS:  # the tracker's landmarks first
            if system.name in failed or (system.needs_sound and not clip.has_sound):
                continue
            try:
                answer = ask(system, clip, head_file, Report())
            except AVFaceError as error:
                failed[system.name] = error.message
                continue
            points = answer.landmarks
            raw = points if raw is None else raw
            if sentence is not None:
                lips.add(system.name, sentence, clip, answer)
            if is_judged(path):
                rows[system.name].append(_against_referees(path, points, raw))
        report((k + 1) / len(clips))
    keys = (*SIGNALS, "inner_mm", "lips_mm")
    lines = [
        f"Real clips: {len(clips)}, medians. Correlation with the referees (jaw: 3ddfa, the rest:",
        "ghost); motion of the inner 51 landmarks and of the lips against ghost, mm.",
        "",
        f"{'':{_NAME}}" + "".join(f"{key:>10}" for key in keys),
    ]
    figures = {}
    for name, found in rows.items():
        if not found:
            why = f"not here: {failed[name]}" if name in failed else "no referee"
            lines.append(f"{name:{_NAME}}{why}")
            continue
        medians = {key: float(np.nanmedian([row[key] for row in found])) for key in keys}
        figures[name] = medians
        lines.append(f"{name:{_NAME}}" + "".join(f"{medians[key]:10.3f}" for key in keys))
    return lines, figures


def _real_clips(folder: Path) -> list[Path]:
    """Clips with referees; else LRS3's, whose lips can be read though nothing judges landmarks."""
    if not (folder / "referees").is_dir() and any(folder.glob("*/*.mp4")):
        return [clip.video for clip in read_lrs3(folder)]
    return judged_clips(folder)


def _against_referees(clip: Path, points: np.ndarray, raw: np.ndarray) -> dict[str, float]:
    referees = referee_landmarks(clip, set(JUDGE.values()))
    count = min(len(points), len(raw), *map(len, referees.values()))
    everyone = {"raw": raw[:count]} | {who: p[:count] for who, p in referees.items()}
    good = comparable_frames(everyone, "raw") & np.isfinite(points[:count, 0, 0])
    mine = face_signals(np.where(good[:, None, None], points[:count], np.nan))
    row = {}
    for key in SIGNALS:
        judge = everyone.get(JUDGE[key], everyone["ghost"])
        row[key] = correlation(mine[key], np.where(good, face_signals(judge)[key], np.nan))
    ghost = everyone["ghost"]
    row["inner_mm"] = motion_error_mm(points[:count], ghost, _INNER, good)
    row["lips_mm"] = motion_error_mm(points[:count], ghost, LIPS, good)
    return row


def _published() -> list[str]:
    """The papers' own rows."""
    lines = ["PUBLISHED, on others' data (never ours):"]
    tables = (
        ("AVFace table 1, FaceSet: NME, AUC, NME lips, NME occluded", published.TABLE_1),
        ("AVFace table 2, FaceSet: NME, AUC, NME lips", published.TABLE_2),
        ("AVFace table 3, synthetic occlusions: NME, AUC, NME lips", published.TABLE_3),
        ("AVFace table 4, FaceSet: NME, AUC, NME lips, NME occluded", published.TABLE_4),
        ("AVFace table 5, Multiface: median, mean, std mm", published.TABLE_5),
        ("NoW, non-metrical: median, mean, std mm", published.NOW),
        ("SPECTRE table 1, LRS3: CER, WER, VER, VWER %", published.SPECTRE_TABLE_1),
    )
    for title, rows in tables:
        lines += ["", f"  {title}"]
        lines += [
            f"  {name:36}" + "".join(f"{value:8.2f}" for value in values)
            for name, values in rows.items()
        ]
    return lines
