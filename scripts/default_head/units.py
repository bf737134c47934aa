"""Expression units: the CC0 ARKit targets on our head, with those that nothing else had mended."""

import numpy as np

from .anatomy import MIRROR, Anatomy
from .identity import RACES
from .source import Source
from .tongue import tongue_units

PAIRED_FIRST = (
    *("browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "eyeBlink"),
    *("eyeSquint", "eyeWide"),
)
MIDDLE = (
    *("jawForward", "mouthClose", "mouthFunnel", "mouthLeft", "mouthRight", "mouthPucker"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
)
PAIRED_LAST = (
    *("mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress", "mouthSmile"),
    *("mouthStretch", "mouthUpperUp", "noseSneer"),
)
SPLIT = ("browInnerUp", "cheekPuff")  # one target for both sides
EYE_WIDE = 0.65  # of the CC0 unit, which shows white all round the iris
SPLIT_WIDTH = 0.0048  # m over which the halves blend at the middle
SIDES = ("Left", "Right")


def build_units(source: Source, anatomy: Anatomy) -> dict[str, np.ndarray]:
    """name -> displacement (V, 3) m of the mean head at coefficient 1."""

    def unit(name: str) -> np.ndarray:
        return anatomy.lift(source.face_unit(name))

    def side(name: str, which: str) -> np.ndarray:
        return half(anatomy, unit(name), which) if name in SPLIT else unit(name + which)

    units = {name + which: side(name, which) for name in PAIRED_FIRST for which in SIDES}
    units |= {name: unit(name) for name in MIDDLE}
    units |= {name + which: side(name, which) for name in PAIRED_LAST for which in SIDES}
    units |= _extra_units(source, anatomy, unit("cheekPuff"))
    for name, move in units.items():
        for part in ("left_eye", "right_eye", "upper_teeth", "lower_teeth", "tongue"):
            if name != "jawForward" or part.endswith("eye") or part == "upper_teeth":
                move[anatomy.parts[part]] = 0
    for which in SIDES:
        units[f"eyeWide{which}"] *= EYE_WIDE
    edge = anatomy.parts["lower_teeth"]
    tongue = anatomy.parts["tongue"]
    incisors = np.array([0, anatomy.rest[edge, 1].max(), anatomy.rest[edge, 2].max()])
    for name, bend in tongue_units(anatomy.rest[tongue], incisors).items():
        units[name] = np.zeros_like(anatomy.rest)
        units[name][tongue] = bend
    return units


def half(anatomy: Anatomy, move: np.ndarray, which: str) -> np.ndarray:
    """The left or right half of a displacement (V, 3), blended at the middle."""
    sign = 1.0 if which == "Left" else -1.0
    return move / (1 + np.exp(-sign * anatomy.rest[:, :1] / SPLIT_WIDTH))


def make_symmetric(anatomy: Anatomy, units: dict[str, np.ndarray]) -> None:
    """Make right units the mirror images of left ones, and those of the middle their own."""
    for name, move in units.items():
        partner = name.removesuffix("Left") + "Right" if name.endswith("Left") else name
        if name.endswith("Right"):
            continue
        mirrored = units[partner][anatomy.mirror] * MIRROR
        mean = (move + mirrored) / 2
        units[name], units[partner] = mean, mean[anatomy.mirror] * MIRROR


def _extra_units(source: Source, anatomy: Anatomy, puff: np.ndarray) -> dict[str, np.ndarray]:
    """What ARKit has no name for: MakeHuman's own units and the cheeks drawn in."""

    def average(name: str) -> np.ndarray:
        moves = [source.target(f"expression/units/{race}/{name}") for race in RACES]
        return anatomy.lift(np.mean(moves, axis=0))

    beside = np.clip((np.abs(anatomy.rest[:, :1]) - 0.028) / 0.025, 0, 1)
    return {
        "nostrilDilate": average("nose-left-dilatation") + average("nose-right-dilatation"),
        "neckTighten": 0.5 * average("neck-platysma"),
        "lipsEvert": average("mouth-eversion"),
        "lipsPart": average("mouth-parling"),
        "cheekSuck": -0.8 * puff * beside,
    }
