"""Coarse, lips, fine: heights lie where the relief does, and a missing network is named."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.detail.face_sheet import build_sheet
from engine.evaluation import layers
from engine.exchange.protocol import AVFaceError
from engine.head.model import FaceParams


def test_relief_raises_the_skin_and_nothing_else(head):
    sheet = build_sheet(head, head.rest(np.zeros(100))[0], 256)
    relief = np.full((sheet.size, sheet.size), 2.0)
    detail = SimpleNamespace(
        sheet=sheet, static=relief, dynamic=[0 * relief], frames=np.array([0]),
        mask=np.ones_like(relief),
    )  # fmt: skip
    high = layers.heights(detail, relief)
    on_skin = np.zeros(len(high), bool)
    on_skin[sheet.faces] = True
    np.testing.assert_allclose(high[high != 0], 2.0)
    assert (high != 0)[head.file.masks["cheeks"]].mean() > 0.8 and not high[~on_skin].any()
    rest = head.rest(np.zeros(100))[0]
    moved = np.linalg.norm(layers.raised(rest, head.file.faces, detail, 3) - rest, axis=1)
    np.testing.assert_allclose(moved[high != 0], 2e-3, rtol=1e-6)


def test_without_its_network_the_fine_stage_says_so(head, monkeypatch):
    monkeypatch.setattr(layers, "registry", dict)
    monkeypatch.setattr(layers, "params_of", lambda take: FaceParams.neutral(head, 3, 500.0))
    take = SimpleNamespace(size=(100, 100), found=np.array([True, False, True]))
    stages = layers.layers(None, take, head)
    first = next(stages)
    assert first.name == layers.LIPS_ROW and np.isnan(first.landmarks[1]).all()
    with pytest.raises(AVFaceError, match="fine stage"):
        next(stages)
