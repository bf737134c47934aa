"""Lashes: they grow from the lids' edges and go with them."""

from dataclasses import replace

import numpy as np
import pytest

from engine.exchange.lashes import POINTS, grow_lashes
from engine.geometry import embed
from engine.head.model import FaceParams, Head

UPPER_MIDDLE = [159, 386]  # MediaPipe's landmarks


def posed(head: Head, blink: float) -> np.ndarray:
    params = FaceParams.neutral(head, 1, 600.0)
    for side in ("Left", "Right"):
        params.expression[0, head.unit[f"eyeBlink{side}"]] = blink
    return head.camera_frame(params, 0)


def upper(head: Head, vertices: np.ndarray, lashes: np.ndarray) -> np.ndarray:
    """The lashes near the middles of the upper lids."""
    middles = embed(vertices, head.file.faces, head.file.landmarks_468)[UPPER_MIDDLE]
    away = np.linalg.norm(lashes[:, None, 0] - middles, axis=2).min(1)
    return lashes[away < 0.004]


def test_lashes_stand_on_the_lids_and_out_of_the_eyes(head):
    vertices = posed(head, 0.0)
    lashes = grow_lashes(head.file, vertices)
    assert lashes.shape[1:] == (POINTS, 3)
    lids = vertices[head.file.masks["eyelids"] | head.file.masks["sockets"]]
    roots = np.linalg.norm(lashes[:, None, 0] - lids, axis=2).min(1)
    assert roots.max() < 0.003
    length = np.linalg.norm(np.diff(lashes, axis=1), axis=2).sum(1)
    assert 0.001 < length.min() < length.max() < 0.009
    eyes = [vertices[head.file.masks[eye]].mean(0) for eye in ("left_eye", "right_eye")]
    root, tip = (
        np.min([np.linalg.norm(lashes[:, k] - eye, axis=1) for eye in eyes], axis=0)
        for k in (0, -1)
    )
    assert (tip > root).all()


def test_lashes_go_down_with_the_lids(head):
    """As far as the lid's edge; open they point up, shut they don't."""
    rises, heights = [], []
    for blink in (0.0, 1.0):
        vertices = posed(head, blink)
        above = upper(head, vertices, grow_lashes(head.file, vertices))
        rises.append((above[:, -1, 1] - above[:, 0, 1]).mean())
        middles = embed(vertices, head.file.faces, head.file.landmarks_468)[UPPER_MIDDLE]
        heights.append((above[:, 0, 1].mean(), middles[:, 1].mean()))
    fallen = np.subtract(*heights)
    assert fallen[0] == pytest.approx(fallen[1], abs=0.001)
    assert fallen[1] > 0.004
    assert rises[0] > 0.001 > rises[1] + 0.001


def test_a_head_without_eyes_grows_none(head):
    masks = {name: mask for name, mask in head.file.masks.items() if "eye" not in name}
    assert not len(grow_lashes(replace(head.file, masks=masks), head.file.template))
