"""Films' numbers become the colours that were meant: matrices, ranges, depths, curves, sizes."""

import av
import numpy as np
import pytest

from engine.media.rgb import Rgb

# Skin, dark skin, white, black, green, blue: sRGB, side by side in a picture.
COLOURS = np.array(
    [(200, 140, 110), (90, 60, 40), (255, 255, 255), (0, 0, 0), (20, 200, 40), (60, 80, 220)]
)
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}  # of red and blue in luma
NOT_NAMED, BT709, BT601, BT2020 = 2, 1, 6, 9
PQ, HLG = 16, 18
SIZE = (324, 240)


def coded(colours: np.ndarray, matrix: int, full: bool, bits: int) -> np.ndarray:
    """Y, Cb, Cr (n, 3) of colours 0..255 as films hold them."""
    red, blue = WEIGHTS[matrix]
    r, g, b = (colours / 255).T
    y = red * r + (1 - red - blue) * g + blue * b
    differences = [(b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)]
    step, most = 1 << (bits - 8), (1 << bits) - 1
    if full:
        return np.stack([y * most, *(d * most + 128 * step for d in differences)], axis=1)
    return np.stack([16 + 219 * y, *(128 + 224 * d for d in differences)], axis=1) * step


def film_picture(
    codes: np.ndarray, named: int, full: bool, kind: str = "yuv420p", size: tuple[int, int] = SIZE
) -> av.VideoFrame:
    """A picture of upright stripes whose Y, Cb, Cr are `codes` (n, 3)."""
    frame = av.VideoFrame(*size, kind)
    whole = np.uint16 if "10" in kind else np.uint8
    for plane, values in zip(frame.planes, np.rint(codes).astype(whole).T, strict=True):
        stripes = values[np.arange(plane.width) * len(values) // plane.width]
        rows = np.zeros((plane.height, plane.line_size // whole().itemsize), whole)
        rows[:, : plane.width] = stripes
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = named, 2 if full else 1
    return frame


def shown(frame: av.VideoFrame, count: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The stripes' colours (n, 3) as the engine reads them."""
    picture = Rgb(size)(frame)
    assert picture.shape == (size[1], size[0], 3) and picture.flags.c_contiguous
    columns = (2 * np.arange(count) + 1) * size[0] // (2 * count)
    return picture[size[1] // 2, columns].astype(int)


@pytest.mark.parametrize("matrix", [BT709, BT601, BT2020])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("kind", ["yuv420p", "yuv420p10le", "yuv444p"])
def test_matrix_range_and_depth_are_obeyed(matrix: int, full: bool, kind: str) -> None:
    codes = coded(COLOURS, matrix, full, 10 if "10" in kind else 8)
    found = shown(film_picture(codes, matrix, full, kind), len(COLOURS))
    assert np.abs(found - COLOURS).max() <= 3


@pytest.mark.parametrize(
    "size, matrix", [((720, 576), BT601), ((1280, 720), BT709), ((606, 1080), BT709)]
)
def test_where_no_matrix_is_named_the_size_tells(size: tuple[int, int], matrix: int) -> None:
    frame = film_picture(coded(COLOURS, matrix, False, 8), NOT_NAMED, False, size=size)
    assert np.abs(shown(frame, len(COLOURS), size) - COLOURS).max() <= 3


@pytest.mark.parametrize(
    "curve, signal, linear",
    [  # light in white sheets; ITU-R BT.2100 and BT.2408
        (HLG, 0.75, 1.0),
        (HLG, 0.5, 0.249),
        (HLG, 0.3, 0.0731),
        (PQ, 0.5806, 1.0),
        (PQ, 0.5081, 0.4926),
        (PQ, 0.3, 0.0499),
    ],
)
def test_high_dynamic_range_has_the_light_that_was_meant(
    curve: int, signal: float, linear: float
) -> None:
    grey = coded(np.full((1, 3), 255 * signal), BT2020, False, 10)
    frame = film_picture(grey, BT2020, False, "yuv420p10le")
    frame.color_trc = curve
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    found = shown(frame, 1)[0]
    assert np.abs(found - expected).max() < 6 and np.ptp(found) <= 1


def test_skin_in_the_wide_primaries_of_high_range_keeps_its_colour() -> None:
    """sRGB skin, its light in BT.2020's primaries under HLG's curve, comes back as it was."""
    skin = ((COLOURS[:2] / 255 + 0.055) / 1.055) ** 2.4
    wide = (
        skin
        @ np.array(  # BT.709 to BT.2020, ITU-R BT.2087
            [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
        ).T
    )
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    sheet = (np.exp((0.75 - c) / a) + b) / 12
    scene = sheet * wide ** (1 / 1.2)
    signal = np.where(
        scene < 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    )
    codes = coded(255 * signal, BT2020, False, 10)
    frame = film_picture(codes, BT2020, False, "yuv420p10le", (320, 240))
    frame.color_trc = HLG
    assert np.abs(shown(frame, 2, (320, 240)) - COLOURS[:2]).max() <= 4


def test_a_picture_of_another_size_becomes_the_films() -> None:
    codes = coded(COLOURS, BT601, False, 8)
    frame = film_picture(codes, BT601, False, size=(160, 121))
    assert np.abs(shown(frame, len(COLOURS)) - COLOURS).max() <= 3
