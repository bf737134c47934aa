"""Hair on the sheet: a short cap on the scalp, brows, lashes, stubble, moustache and beard."""

from itertools import pairwise

import numpy as np
from scipy.interpolate import PchipInterpolator

from .albedo_sheet import Sheet, draw_hairs, smoothstep

# Landmarks of MediaPipe's face mesh, from the nose outwards; subject's right, then left.
BROW_UPPER = ([107, 66, 105, 63, 70], [336, 296, 334, 293, 300])
BROW_LOWER = ([55, 65, 52, 53, 46], [285, 295, 282, 283, 276])
LID_UPPER = (
    [133, 173, 157, 158, 159, 160, 161, 246, 33],
    [362, 398, 384, 385, 386, 387, 388, 466, 263],
)
LID_LOWER = (
    [133, 155, 154, 153, 145, 144, 163, 7, 33],
    [362, 382, 381, 380, 374, 373, 390, 249, 263],
)
# Of the distance between the landmarks' two rows: so far the hair lies below them. Measured in the
# pictures of seven people, whose darkest line is 0.1 of it below the lower row; on drawn faces the
# tracker sets its points nearer to the hair, hence not all of that.
BROW_BELOW_LANDMARKS = 0.45
SUBNASALE, CHIN, MOUTH_CORNERS, EYE_CORNER = 2, 152, (61, 291), 33


def hair_maps(sheet: Sheet, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """All hair, each map (n, n): how much of the texel it covers."""
    maps = _scalp(sheet, generator) | _beard(sheet, generator)
    for name, band in (
        ("brow", (-0.12, 1.12)),
        ("brow_top", (0.75, 1.25)),
        ("brow_foot", (-0.3, 0.3)),
    ):
        maps[name] = _brows(sheet, generator, band, 650 if name == "brow" else 230)
    maps["brow_shade"] = sheet.soft(maps["brow"], 4.0)
    maps["brow_bridge"] = _brow_bridge(sheet, generator)
    maps["lashes"], maps["lash_line"] = _lashes(sheet, generator)
    return maps


def _hairline(sheet: Sheet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height over the hairline in mm, azimuth from the front in degrees, height over its top.

    On the forehead the line lies three fifths of the way from the eyes to the vertex; it falls
    at the temples, runs down before the ear as a short sideburn and behind it to the nape.
    """
    marks = sheet.landmarks
    ears = 1000 * sheet.head.template[sheet.head.masks["ears"]]
    centre = ears.mean(0)
    eye, lobe, ear_top = marks[EYE_CORNER, 1], ears[:, 1].min(), ears[:, 1].max()
    skin = 1000 * sheet.head.template[sheet.head.masks["skin"]]
    top = eye + 0.6 * (skin[:, 1].max() - eye)
    ear_middle = (lobe + ear_top) / 2
    azimuths = np.degrees(np.arctan2(np.abs(ears[:, 0]), ears[:, 2] - centre[2]))
    ear = np.percentile(azimuths, 2)
    knots = [
        (0, top), (8, top - 0.5), (18, top - 3), (28, top - 9), (36, top - 20), (42, eye + 33),
        (ear - 22, eye + 23), (ear - 13, eye + 6), (ear - 8, ear_middle), (ear, ear_middle + 3),
        (ear + 8, ear_top + 2), (105, ear_top + 4), (118, ear_middle + 4), (130, lobe + 2),
        (150, lobe - 12), (181, lobe - 16),
    ]  # fmt: skip
    knots = [knots[0]] + [b for a, b in pairwise(knots) if b[0] > a[0]]
    line = PchipInterpolator(*np.transpose(knots))
    away = sheet.position - centre
    azimuth = np.degrees(np.arctan2(np.abs(away[:, :, 0]), away[:, :, 2]))
    return sheet.position[:, :, 1] - line(azimuth), azimuth, sheet.position[:, :, 1] - top


def _scalp(sheet: Sheet, generator: np.random.Generator) -> dict[str, np.ndarray]:
    height, azimuth, above = _hairline(sheet)
    skin = sheet.main & ~sheet.part("ears")
    strands = _strands(sheet, generator, skin & (height > -10))
    # the edge frays strand by strand and gets denser over about 15 mm
    ramp = smoothstep(-5, 14, height + sheet.noise(generator, 12))
    cover = skin * smoothstep(0.15, 0.85, ramp * 1.25 + 0.5 * (strands - 0.5) * (1.4 - ramp))
    crown = smoothstep(45, 110, azimuth) * smoothstep(-5, 25, above)
    front = smoothstep(60, 30, azimuth) * smoothstep(32, 6, height) * cover
    temple = np.exp(-(((azimuth - 36) / 11) ** 2)) * smoothstep(40, 8, height) * cover
    sides = smoothstep(40, 65, azimuth) * smoothstep(10, -40, above) * cover
    return {
        "hair": cover,
        "hair_strands": (strands - strands.mean()) * skin * cover,
        "hair_crown": crown * cover,
        "hair_front": front,
        "hair_temple": temple,
        "hair_sides": sides,
    }


def _strands(sheet: Sheet, generator, region: np.ndarray) -> np.ndarray:
    """Short strokes that run from the crown outwards, (n, n) in [0, 1]."""
    area = (region / np.maximum(sheet.texels_per_mm, 0.1) ** 2).ravel()
    chosen = generator.choice(area.size, 30000, p=area / area.sum())
    rows, columns = np.divmod(chosen, sheet.size)
    spread = sheet.position
    along_row = np.gradient(spread, axis=0)[rows, columns]
    along_column = np.gradient(spread, axis=1)[rows, columns]
    flow = np.array([0, -0.55, 0.4]) + 0.35 * generator.normal(size=(len(rows), 3))
    step = np.stack([(flow * along_column).sum(1), (flow * along_row).sum(1)], 1)
    scale = np.linalg.norm(np.stack([along_column, along_row]), axis=2).mean(0)
    step /= np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
    length = generator.uniform(4, 9, len(rows)) / np.maximum(scale, 0.05)
    start = np.stack([columns, rows], 1) + 0.5
    reach = np.minimum(length, 14)[:, None] * step
    return draw_hairs(
        sheet.size, [(np.stack([a, a + b]), 0.55) for a, b in zip(start, reach, strict=True)], 2
    )


def _brow_curves(sheet: Sheet, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge, (101, 2) texels from the inner end to the tail."""
    lower, upper = (sheet.texel(marks[side]) for marks in (BROW_LOWER, BROW_UPPER))
    down = BROW_BELOW_LANDMARKS * (lower - upper)
    return _through(lower + down, 101), _through(upper + down, 101)


def _brows(sheet: Sheet, generator, band: tuple[float, float], count: int) -> np.ndarray:
    """Hairs rooted mostly between two shares of the way up from the brow's lower edge."""
    hairs = []
    for side in range(2):
        lower, upper = _brow_curves(sheet, side)
        along = np.gradient(0.5 * (lower + upper), axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        scale = np.linalg.norm(upper[20] - lower[20]) / 8.0  # texels per mm, a brow is 8 mm high
        for t in generator.beta(1.25, 1.15, count) * 1.02 - 0.04:
            k = round(max(t, 0) * 100)
            narrow = 1 - 0.62 * smoothstep(0.45, 1.0, np.array(t))
            share = generator.normal(sum(band) / 2, (band[1] - band[0]) / 4)  # thin at the edges
            share = 0.5 + (share - 0.5) * narrow * (1.0 if t > 0.08 else 0.65)
            root = lower[k] + share * (upper[k] - lower[k]) + (t - max(t, 0)) * 100 * along[0]
            rise = (upper[k] - lower[k]) / max(np.linalg.norm(upper[k] - lower[k]), 1e-9)
            # inner hairs stand up, those of the lower row lift, those of the upper row bend down
            lift = np.interp(t, [0, 0.12, 0.45, 0.7, 1], [1.6, 0.9, 0.45, 0.0, -0.25])
            lift += 0.5 * (0.5 - share) + generator.normal(0, 0.24)
            heading = along[k] + lift * rise
            heading /= np.linalg.norm(heading)
            bend = along[k] - 0.2 * rise
            length = scale * np.interp(t, [0, 0.2, 0.7, 1], [5.0, 6.5, 6.0, 4.0])
            length *= generator.uniform(0.7, 1.15)
            middle = root + 0.5 * length * heading
            tip = middle + 0.5 * length * (0.6 * heading + 0.4 * bend)
            hairs.append((np.stack([root, middle, tip]), generator.uniform(0.3, 0.55)))
    return draw_hairs(sheet.size, hairs, 4)


def _brow_bridge(sheet: Sheet, generator) -> np.ndarray:
    """Sparse hairs between the brows."""
    right, left = (np.mean(_brow_curves(sheet, side), axis=0)[0] for side in range(2))
    hairs = []
    for t in generator.beta(0.6, 0.6, 110):
        root = right + t * (left - right) + generator.normal(0, 1, 2) * [2, 7]
        tip = root + np.array([8 * (t - 0.5), -5]) + generator.normal(0, 2, 2)
        hairs.append((np.stack([root, tip]), 0.45))
    return draw_hairs(sheet.size, hairs, 4)


def _lashes(sheet: Sheet, generator) -> tuple[np.ndarray, np.ndarray]:
    """Strokes from the lid margins outwards, and the dark line where they grow."""
    hairs, lines = [], []
    for lids, length_mm, line_mm, count in ((LID_UPPER, 3.4, 1.0, 110), (LID_LOWER, 1.6, 0.45, 60)):
        for side in range(2):
            corners = [lids[side][0], lids[side][-1]]
            curve = _through(sheet.texel(lids[side]), 121)
            along = np.gradient(curve, axis=0)
            along /= np.linalg.norm(along, axis=1, keepdims=True)
            width_mm = np.linalg.norm(np.diff(sheet.landmarks[corners], axis=0))
            scale = np.linalg.norm(np.diff(sheet.texel(corners), axis=0)) / width_mm  # texels/mm
            eye = np.mean(sheet.texel(LID_UPPER[side] + LID_LOWER[side]), 0)
            lines.append((curve[8:][::-1], line_mm * scale))  # thickest at the outer corner
            for t in generator.uniform(0.1, 1.0, count):
                k = round(120 * t)
                outward = curve[k] - eye
                outward -= (outward @ along[k]) * along[k]
                outward /= max(np.linalg.norm(outward), 1e-9)
                heading = outward + (1.1 * t - 0.45) * along[k] + generator.normal(0, 0.1, 2)
                length = scale * length_mm * np.interp(t, [0, 0.5, 1], [0.5, 0.9, 1.2])
                tip = curve[k] + length * generator.uniform(0.7, 1.1) * heading
                hairs.append((np.stack([curve[k], tip]), 0.5))
    return draw_hairs(sheet.size, hairs, 4), draw_hairs(sheet.size, lines, 4)


def _through(points: np.ndarray, count: int) -> np.ndarray:
    """A smooth curve through points (P, 2), evenly sampled, (count, 2)."""
    step = np.linalg.norm(np.diff(points, axis=0), axis=1)
    kept = np.r_[True, step > 1e-6]
    length = np.r_[0, np.cumsum(step)][kept]
    return PchipInterpolator(length / length[-1], points[kept])(np.linspace(0, 1, count))


def _beard(sheet: Sheet, generator) -> dict[str, np.ndarray]:
    """Dots of stubble, and where moustache, goatee and full beard would be."""
    marks, place = sheet.landmarks, sheet.position
    x, y = np.abs(place[:, :, 0]), place[:, :, 1]
    mouth = marks[list(MOUTH_CORNERS)].mean(0)
    half = abs(marks[MOUTH_CORNERS[0], 0])
    nose, chin = marks[SUBNASALE, 1], marks[CHIN]
    _, azimuth, _ = _hairline(sheet)
    edge = PchipInterpolator(
        [0, half * 0.45, half + 4, half + 18, half + 30, half + 60],
        [nose - 3, nose - 4, mouth[1] + 5, mouth[1] + 6, mouth[1] + 16, mouth[1] + 45],
    )
    below = edge(x) - y
    lips = sheet.soft(sheet.part("lips"), 1.2)
    region = smoothstep(-6, 9, below) * smoothstep(chin[1] - 42, chin[1] - 18, y)
    region *= (1 - smoothstep(0.2, 0.7, lips)) * smoothstep(112, 95, azimuth)
    region *= sheet.main & ~sheet.part("ears")
    centre = np.exp(-((x / (half + 3)) ** 4))
    upper = region * centre * smoothstep(mouth[1] - 6, mouth[1] + 2, y)
    goatee = (
        region * smoothstep(mouth[1] + 3, mouth[1] - 6, y) * np.exp(-((x / (half * 0.95)) ** 4))
    )
    goatee *= smoothstep(chin[1] - 32, chin[1] - 12, y)
    rough = np.clip(0.75 + 0.16 * sheet.grain(generator, 0.7), 0, 1.4)  # hair on hair, no skin
    return {
        "stubble": region * np.clip(0.55 + 0.45 * sheet.grain(generator, 0.6), 0, 1.6),
        "moustache": upper * rough,
        "goatee": goatee * rough,
        "beard": region * rough,
    }
