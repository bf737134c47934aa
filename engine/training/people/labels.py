"""What is true of a picture: points, what hides them, what is seen of each region, parameters."""

from dataclasses import dataclass

import numpy as np

from ...geometry import embed
from .acting import Acting
from .camera import View
from .identity import Performer
from .stage import REGION_NAMES, REST, Stage

COVERED, TURNED_AWAY = 1, 2  # bits of `Labels.hidden`: by a thing, by the head itself
_LEAST_PIXELS = 8  # of a region of a picture 112 pixels wide
_BEHIND_M = 0.007  # a point this far behind what is seen is hidden by the head itself
_IRIS_BEHIND_M = 0.0015


@dataclass(frozen=True)
class Labels:
    """N pictures. Pixels of the picture, y down; rotations head axes to camera axes."""

    points: np.ndarray  # (N, 478, 2) MediaPipe's mesh order and irises, px
    points_68: np.ndarray  # (N, 68, 2) px; 0-16 slide with the yaw
    hidden: np.ndarray  # (N, 478) uint8 bits, COVERED and TURNED_AWAY
    visible: np.ndarray  # (N, 6) share of REGION_NAMES that nothing covers; -1 turned away
    turn: np.ndarray  # (N, 3, 3)
    translation: np.ndarray  # (N, 3) m
    focal: np.ndarray  # (N,) px
    centre: np.ndarray  # (N, 2) principal point, px
    light: np.ndarray  # (N, 9, 3) harmonics in camera axes, exposure included
    units: np.ndarray  # (N, E)
    jaw: np.ndarray  # (N, 3) rad
    eyes: np.ndarray  # (N, 6) rad
    shape: np.ndarray  # (S,)
    albedo: np.ndarray  # (A,)


@dataclass(frozen=True)
class Drawn:
    """What the drawing of one picture of S pixels knows."""

    points: np.ndarray  # (478, 3) px and depth
    screen: np.ndarray  # (V, 3) px and depth
    nearness: np.ndarray  # (S, S) 1 / depth of the head
    region: np.ndarray  # (S, S) of the head
    hidden: np.ndarray  # (S, S) share that things cover
    light: np.ndarray  # (9, 3) harmonics, exposure included


def label_frame(stage: Stage, view: View, t: int, drawn: Drawn) -> dict[str, np.ndarray]:
    """The labels of one picture."""
    points, screen, hidden = drawn.points, drawn.screen, drawn.hidden
    file, size = stage.head.file, len(hidden)
    marks = embed(screen, file.faces, file.landmarks_68)[:, :2]
    forward = view.turn[t][:, 2]
    yaw = np.degrees(np.arctan2(forward[0], forward[2]))
    row = int(np.clip(np.round(yaw), -39, 39)) + 39
    face, weights = file.contour
    marks[:17] = embed(screen, file.faces, (face[row], weights[row]))[:, :2]
    column, line = np.clip(points[:, :2].astype(int), 0, size - 1).T
    covered = hidden[line, column] > 0.5
    front = 1 / np.maximum(drawn.nearness[line, column], 1e-6)
    behind = np.full(len(points), _BEHIND_M)
    behind[468:] = _IRIS_BEHIND_M
    turned = points[:, 2] - front > behind
    return {
        "points": points[:, :2].astype(np.float32),
        "points_68": marks.astype(np.float32),
        "hidden": (COVERED * covered + TURNED_AWAY * turned).astype(np.uint8),
        "visible": _visible(drawn.region, hidden),
        "turn": view.turn[t].astype(np.float32),
        "translation": view.translation[t].astype(np.float32),
        "focal": np.array(view.focal, np.float32),
        "centre": view.centre.astype(np.float32),
        "light": drawn.light.astype(np.float32),
    }


def _visible(region: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Share of each region that nothing covers, (6,); -1 where too little of it is turned here."""
    flat = region.ravel()
    whole = np.bincount(flat, minlength=REST + 1).astype(np.float32)
    left = whole - np.bincount(flat, weights=hidden.ravel(), minlength=REST + 1)
    whole[0], left[0] = whole[1:].sum(), left[1:].sum()  # the whole face first
    least = _LEAST_PIXELS * len(region) ** 2 / 112**2
    parts = len(REGION_NAMES)
    return np.where(whole[:parts] > least, left[:parts] / np.maximum(whole[:parts], 1), -1).astype(
        np.float32
    )


def stack_labels(labels: list[dict], acting: Acting, person: Performer) -> Labels:
    """Labels of single pictures with the performance and the person."""
    stacked = {name: np.stack([label[name] for label in labels]) for name in labels[0]}
    return Labels(
        **stacked, units=acting.units, jaw=acting.jaw, eyes=acting.eyes,
        shape=person.shape.astype(np.float32), albedo=person.albedo.astype(np.float32),
    )  # fmt: skip
