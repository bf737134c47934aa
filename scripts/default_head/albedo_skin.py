"""Skin on the sheet: lips, redness, shadows of pigment, freckles, moles, pores."""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from .albedo_hair import LID_LOWER, LID_UPPER
from .albedo_sheet import Sheet, smoothstep

# Landmarks of MediaPipe's face mesh.
CHEEKS, CHEEK_SIDES = [205, 425], [117, 346]
NOSE_TIP, NOSE_WINGS, CHIN, FOREHEAD, GLABELLA = 4, [129, 358], 152, 151, 9
NOSTRILS = [238, 458]
UPPER_LIDS = [27, 28, 56, 257, 258, 286]
UNDER_EYES, EYE_INNER = [231, 232, 230, 451, 452, 450], [133, 362]
MOUTH = [61, 91, 17, 321, 291, 269, 0, 39]  # round the lips
FIELDS = 4  # free smooth variations


def skin_maps(sheet: Sheet, generator: np.random.Generator, hair: np.ndarray):
    """Sharp maps and smooth maps, name -> (n, n); the first sharp one is `bare`, skin without hair.

    Args:
        sheet: where to paint; generator: for spots and noise.
        hair: (n, n) cover of the scalp's hair.
    """
    socket = _sockets(sheet)
    inner = sheet.part("mouth_inside") & sheet.part("skin")
    skin = sheet.part("skin") & ~socket & ~inner
    lips = _lips(sheet) * skin
    sharp = {
        "bare": skin * (1 - hair),
        "lips": lips,
        "lip_edge": skin * lips * (1 - lips) * 4,
        "lip_lines": lips * sheet.grain(generator, 1.0),
        "socket": socket.astype(float),
        "lid_margin": skin * _lid_margin(sheet),
        "nostril": skin * _nostrils(sheet),
    }
    face = sheet.soft(sheet.part("face") & sheet.main, 8.0) * skin
    clear = face * (1 - lips) * (1 - hair)
    sharp |= _spots(sheet, generator, clear)
    resolved = smoothstep(1.6, 3.0, sheet.texels_per_mm)  # elsewhere grain would show as streaks
    fine = sheet.grain(generator, 0.7) + 0.7 * sheet.grain(generator, 1.6)
    sharp["pores"] = np.clip(fine, -3, 3) * skin * resolved * (1 - hair)
    lids = sheet.soft(sheet.part("eyelids"), 3.0)  # a blink would stretch pores there
    sharp["pores"] *= (1 - 0.7 * lips) * (1 - lids)
    return sharp, _regions(sheet) | _mottling(sheet, generator)


def _sockets(sheet: Sheet) -> np.ndarray:
    """Skin in charts that are neither face nor mouth: what lies behind the lids."""
    mouth = np.unique(sheet.chart[sheet.part("mouth_inside")])
    return sheet.part("skin") & ~sheet.main & ~np.isin(sheet.chart, mouth)


def _lips(sheet: Sheet) -> np.ndarray:
    """The vermilion, its outline freed of the mesh's steps, with a border about 1 mm wide."""
    region = (sheet.soft(sheet.share("lips"), 1.5) > 0.5).astype(np.uint8)
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)[:, 0].astype(float)
    outline = gaussian_filter1d(outline, 0.02 * len(outline), axis=0, mode="wrap")
    canvas = np.zeros((sheet.size, sheet.size), np.uint8)
    cv2.fillPoly(canvas, [np.round(outline * 16).astype(np.int32)], 1, cv2.LINE_AA, 4)
    return smoothstep(0.1, 0.9, sheet.soft(canvas, 1.2))


def _lid_margin(sheet: Sheet) -> np.ndarray:
    """The wet, pink rim of the lids."""
    rings = [up + low[::-1][1:-1] for up, low in zip(LID_UPPER, LID_LOWER, strict=True)]
    opening = np.maximum(*(sheet.inside(ring) for ring in rings))
    return sheet.soft(opening > 0.5, 0.8)


def _nostrils(sheet: Sheet) -> np.ndarray:
    """The dark insides of nose and ears: skin that little light reaches."""
    hidden = smoothstep(0.58, 0.32, sheet.openness)
    marks = sheet.landmarks
    middle = (marks[NOSTRILS[0]] + marks[NOSTRILS[1]]) / 2
    near = smoothstep(20, 14, np.linalg.norm(sheet.position - middle, axis=2))
    return hidden * np.maximum(near, 0.25 * sheet.part("ears"))


def _spots(sheet: Sheet, generator, clear: np.ndarray) -> dict[str, np.ndarray]:
    nose_and_cheeks = sheet.spots([NOSE_TIP, 6, *CHEEK_SIDES, *CHEEKS], 17)
    freckled = clear * (0.12 + nose_and_cheeks + 0.25 * sheet.spots([FOREHEAD], 30))
    aged = clear * (0.2 + sheet.spots([FOREHEAD, 127, 356, *CHEEK_SIDES], 25))
    return {
        "freckles": sheet.dots(generator, freckled, 1500, (0.35, 1.0)),
        "moles": sheet.dots(generator, clear, 9, (0.8, 1.7)),
        "moles_b": sheet.dots(generator, clear, 14, (0.6, 1.5)),
        "age_spots": sheet.dots(generator, aged, 50, (0.9, 2.6)),
        "pimples": sheet.dots(generator, clear, 40, (0.9, 2.0)),
    }


def _regions(sheet: Sheet) -> dict[str, np.ndarray]:
    """Smooth regions of colour, in [0, 1]."""
    marks, place = sheet.landmarks, sheet.position
    under = sheet.spots(UNDER_EYES, 5.5) * smoothstep(0, -4, place[:, :, 1] - marks[145, 1])
    lids = sheet.spots(UPPER_LIDS, 4.5)
    zone = np.maximum(sheet.spots([FOREHEAD, GLABELLA], 20), sheet.spots([6, NOSE_TIP], 10))
    return {
        "cheeks": sheet.spots(CHEEKS, 15) * 0.6 + sheet.spots(CHEEK_SIDES, 15) * 0.6,
        "nose": np.maximum(sheet.spots([NOSE_TIP], 9), sheet.spots(NOSE_WINGS, 7)),
        "wing_folds": sheet.spots(NOSE_WINGS, 4),
        "chin": sheet.spots([CHIN, 199], 13),
        "ears": sheet.soft(sheet.part("ears"), 3.0),
        "under_eyes": under,
        "eye_inner": sheet.spots(EYE_INNER, 6.5),
        "lids": lids,
        "forehead": sheet.spots([FOREHEAD], 30),
        "t_zone": zone,
        "mouth_ring": _mouth_ring(sheet),
        "tan": smoothstep(marks[CHIN, 1] - 25, marks[FOREHEAD, 1], place[:, :, 1]),
        "neck": smoothstep(marks[CHIN, 1] + 5, marks[CHIN, 1] - 35, place[:, :, 1])
        * smoothstep(marks[CHIN, 2] + 5, marks[CHIN, 2] - 25, place[:, :, 2]),
    }


def _mouth_ring(sheet: Sheet) -> np.ndarray:
    """The skin round the lips."""
    return np.clip(sheet.spots(MOUTH, 7) - sheet.soft(sheet.part("lips"), 2.0), 0, 1)


def _mottling(sheet: Sheet, generator) -> dict[str, np.ndarray]:
    """Unit-variance noise: blotches of blood and of pigment, and free smooth fields."""
    maps = {
        "blotch_red": sheet.noise(generator, 13) + 0.6 * sheet.noise(generator, 7),
        "blotch_brown": sheet.noise(generator, 16) + 0.5 * sheet.noise(generator, 9),
    }
    for k in range(FIELDS):
        maps[f"field_{k}"] = sheet.noise(generator, 70 if k < FIELDS // 2 else 45)
    return {name: np.clip(values, -3, 3) for name, values in maps.items()}
