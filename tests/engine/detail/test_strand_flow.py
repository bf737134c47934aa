"""How hair lies is seen in the picture."""

import numpy as np
import pytest

from engine.detail.strand_flow import parting_by_flow, see_flow


def test_a_parting_is_seen_by_how_strands_lie():
    """And hair that lies straight down, or is combed back, has none."""
    rows, columns = np.arange(24.0, 54, 1.5), np.arange(-60.0, 61, 4)
    places = np.stack(np.meshgrid(400 + 5 * columns, 8 * rows), -1)
    seen = np.ones(places.shape[:2], bool)
    y, x = np.mgrid[:480, :800].astype(float)
    for slope, parting in ((0.8, 0.0), (0.8, 16.0), (0.0, None), (-0.8, None)):
        strands = 128 + 100 * np.sin((np.abs(x - 400 - 5 * (parting or 0)) - slope * y) / 2)
        picture = np.repeat(strands[..., None], 3, 2).astype(np.uint8)
        flow = see_flow(picture, places, seen, rows, columns)
        found = parting_by_flow(flow, seen, columns)
        assert found == (None if parting is None else pytest.approx(parting, abs=4))
