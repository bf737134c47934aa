"""What each phone wants of the default head: targets of a clear speaker, and who yields to whom.

Set on pictures of the head (front and side) and in millimetres of its mesh: a jaw of 0.1 rad parts
the lips by 10 mm, mouthPucker narrows them by 8.
"""

import numpy as np

CHANNELS: tuple[str, ...] = (
    "jaw", "mouthClose", "mouthPucker", "mouthFunnel", "mouthStretch", "mouthSmile",
    "mouthLowerDown", "mouthUpperUp", "mouthRollLower", "mouthRollUpper", "mouthPress",
    "tongueOut", "tongueUp", "tongueBack",
)  # fmt: skip
# Channels that a phone pulls with one strength.
GROUPS: dict[str, tuple[str, ...]] = {
    "jaw": ("jaw",),
    "shape": ("mouthPucker", "mouthFunnel", "mouthStretch", "mouthSmile"),
    "opening": (
        "mouthClose", "mouthLowerDown", "mouthUpperUp", "mouthRollLower", "mouthRollUpper",
        "mouthPress",
    ),
    "tip": ("tongueOut", "tongueUp"),
    "body": ("tongueBack",),
}  # fmt: skip

# Gliding vowels are two phones; the first takes this share of the time.
DIPHTHONGS = {"AY": ("AA", "IH"), "AW": ("AA", "UW"), "OY": ("AO", "IH")}
FIRST_SHARE = 0.6

# jaw rad; mouthClose here is the share of the jaw's opening that the lips take back
_WANTS: dict[str, dict[str, float]] = {
    "SIL": {"jaw": 0.008, "mouthClose": 1.0},
    "P": {"jaw": 0.035, "mouthClose": 1.0},
    "B": {"jaw": 0.040, "mouthClose": 1.0},
    "M": {"jaw": 0.035, "mouthClose": 1.0},
    "F": {"jaw": 0.035, "mouthClose": 0.38, "mouthRollLower": 0.5, "mouthUpperUp": 0.25},
    "V": {"jaw": 0.035, "mouthClose": 0.38, "mouthRollLower": 0.5, "mouthUpperUp": 0.25},
    "W": {"jaw": 0.055, "mouthClose": 0.92, "mouthPucker": 1.0, "mouthFunnel": 0.12},
    "UW": {"jaw": 0.058, "mouthClose": 0.75, "mouthPucker": 0.95, "mouthFunnel": 0.15},
    "UH": {"jaw": 0.075, "mouthClose": 0.15, "mouthPucker": 0.5, "mouthFunnel": 0.35},
    "OW": {"jaw": 0.095, "mouthClose": 0.20, "mouthPucker": 0.8, "mouthFunnel": 0.25},
    "AO": {"jaw": 0.125, "mouthPucker": 0.4, "mouthFunnel": 0.3},
    "R": {"jaw": 0.055, "mouthClose": 0.55, "mouthPucker": 0.5, "mouthFunnel": 0.25,
          "tongueUp": 0.5, "tongueBack": 0.35},
    "ER": {"jaw": 0.062, "mouthClose": 0.1, "mouthPucker": 0.35, "mouthFunnel": 0.25,
           "tongueUp": 0.4, "tongueBack": 0.3},
    "SH": {"jaw": 0.030, "mouthPucker": 0.5, "mouthFunnel": 0.5, "tongueUp": 0.5},
    "ZH": {"jaw": 0.030, "mouthPucker": 0.5, "mouthFunnel": 0.5, "tongueUp": 0.5},
    "CH": {"jaw": 0.030, "mouthPucker": 0.48, "mouthFunnel": 0.5, "tongueUp": 0.8},
    "JH": {"jaw": 0.030, "mouthPucker": 0.45, "mouthFunnel": 0.5, "tongueUp": 0.8},
    "S": {"jaw": 0.022, "mouthStretch": 0.15, "mouthLowerDown": 0.5, "mouthUpperUp": 0.25,
          "tongueUp": 0.6},
    "Z": {"jaw": 0.022, "mouthStretch": 0.15, "mouthLowerDown": 0.5, "mouthUpperUp": 0.25,
          "tongueUp": 0.6},
    "T": {"jaw": 0.036, "mouthStretch": 0.08, "mouthLowerDown": 0.25, "mouthUpperUp": 0.1,
          "tongueUp": 1.0},
    "D": {"jaw": 0.038, "mouthStretch": 0.08, "mouthLowerDown": 0.25, "mouthUpperUp": 0.1,
          "tongueUp": 1.0},
    "N": {"jaw": 0.040, "mouthStretch": 0.06, "mouthLowerDown": 0.22, "mouthUpperUp": 0.1,
          "tongueUp": 1.0},
    "L": {"jaw": 0.075, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1, "tongueUp": 1.0},
    "TH": {"jaw": 0.078, "mouthClose": 0.1, "mouthLowerDown": 0.15, "tongueOut": 0.34,
           "tongueUp": 0.3},
    "DH": {"jaw": 0.074, "mouthClose": 0.1, "mouthLowerDown": 0.15, "tongueOut": 0.30,
           "tongueUp": 0.3},
    "K": {"jaw": 0.072, "mouthLowerDown": 0.15, "tongueBack": 0.9},
    "G": {"jaw": 0.072, "mouthLowerDown": 0.15, "tongueBack": 0.9},
    "NG": {"jaw": 0.072, "mouthLowerDown": 0.15, "tongueBack": 0.9},
    "HH": {"jaw": 0.075, "mouthLowerDown": 0.1},
    "Y": {"jaw": 0.040, "mouthStretch": 0.3, "mouthSmile": 0.12, "mouthLowerDown": 0.25,
          "mouthUpperUp": 0.12, "tongueUp": 0.25},
    "IY": {"jaw": 0.045, "mouthStretch": 0.38, "mouthSmile": 0.18, "mouthLowerDown": 0.3,
           "mouthUpperUp": 0.15, "tongueUp": 0.2},
    "IH": {"jaw": 0.055, "mouthStretch": 0.25, "mouthSmile": 0.08, "mouthLowerDown": 0.25,
           "mouthUpperUp": 0.12, "tongueUp": 0.1},
    "EY": {"jaw": 0.092, "mouthStretch": 0.3, "mouthSmile": 0.15, "mouthLowerDown": 0.3,
           "mouthUpperUp": 0.15},
    "EH": {"jaw": 0.098, "mouthStretch": 0.22, "mouthSmile": 0.08, "mouthLowerDown": 0.25,
           "mouthUpperUp": 0.12},
    "AE": {"jaw": 0.130, "mouthStretch": 0.28, "mouthSmile": 0.08, "mouthLowerDown": 0.3,
           "mouthUpperUp": 0.18},
    "AH": {"jaw": 0.090, "mouthLowerDown": 0.15, "mouthUpperUp": 0.05},
    "AA": {"jaw": 0.150, "mouthLowerDown": 0.15, "mouthUpperUp": 0.06, "tongueBack": 0.3},
}  # fmt: skip

# jaw, shape, opening, tip, body. What a phone does not need it leaves to its neighbours.
# Vowels hold the tip low: an open mouth between two stops of it shows it behind the lower teeth.
_HOLDS = {
    "SIL": (0.6, 0.5, 0.8, 0.3, 0.3),
    "P B M": (1.2, 0.15, 1.5, 0.2, 0.2),
    "F V": (2.0, 0.3, 3.0, 0.2, 0.2),
    "W UW OW": (2.2, 8.0, 6.0, 2.0, 0.6),
    "SH ZH CH JH": (4.0, 6.0, 1.5, 2.5, 0.6),
    "R": (1.0, 2.2, 2.0, 1.2, 1.2),
    "ER": (0.8, 2.2, 0.8, 1.2, 1.2),
    "S Z": (4.0, 0.8, 1.5, 2.5, 0.4),
    "T D N": (0.8, 0.3, 0.6, 5.0, 0.4),
    "L": (0.7, 0.3, 0.6, 5.0, 0.4),
    "TH DH": (2.2, 0.3, 1.2, 5.0, 0.4),
    "K G NG": (0.5, 0.2, 0.4, 1.5, 4.0),
    "HH": (0.25, 0.15, 0.25, 0.2, 0.2),
    "Y": (0.7, 1.0, 0.8, 0.8, 0.4),
    "IY EY": (2.0, 2.6, 1.8, 2.0, 0.6),
    "AA AE AH AO EH IH UH": (2.0, 1.6, 1.6, 2.0, 0.6),
}


def _row(wants: dict[str, float]) -> np.ndarray:
    assert set(wants) <= set(CHANNELS), wants
    return np.array([wants.get(name, 0.0) for name in CHANNELS])


TARGETS = {name: _row(wants) for name, wants in _WANTS.items()}  # phone -> (channels,)
STRENGTH = {name: holds for names, holds in _HOLDS.items() for name in names.split()}
assert set(STRENGTH) == set(TARGETS)
