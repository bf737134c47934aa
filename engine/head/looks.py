"""Colours of people as one meets them: the albedo's components drawn together.

The prior of a fit takes each component for itself. Drawn so, half of all people have moustaches
over bare chins, joined brows, grey hair on young skin. Here what goes together is drawn together:
beards grow on some men, fair hair and eyes on fair skin, spots on few.
"""

import numpy as np

_CALM = 0.5  # of a component's own spread: blood, blotches and shadows, seldom as strong as it goes
_CALMED = (
    "haemoglobin", "undertone", "cheek_redness", "nose_redness", "ear_chin_redness", "lid_colour",
    "eye_shadows", "red_blotches", "brown_blotches", "t_zone", "mouth_ring", "lip_redness",
    "lip_darkness", "hair_redness", "iris_hue", "sclera_yellow", "sclera_veins", "teeth_shade",
    "brow_density", "brow_colour", "tanned_brow", "neck_tone", "moles", "pores",
)  # fmt: skip
_GROWN = ("stubble", "moustache", "goatee", "beard")
_MEN, _BEARDED, _STUBBLED = 0.5, 0.3, 0.35  # shares: of all, of men, of men
_DARKEST, _FAIREST = 1.9, -1.6  # melanin
_HIDDEN = 0.8  # of the blood for each step of melanin
_FAIR_HAIR, _FRECKLED, _SPOTTED, _OLD, _JOINED = 0.35, 0.15, 0.06, 0.2, 0.06  # shares of people
_FEW = {"freckles": _FRECKLED, "pimples": _SPOTTED, "brow_bridge": _JOINED}


def draw_look(names: tuple[str, ...], generator: np.random.Generator) -> np.ndarray:
    """Albedo coefficients (A,) of a person, for the names of a model's components."""
    look = dict(zip(names, generator.normal(size=len(names)), strict=True))
    for name in _CALMED:
        look[name] = _CALM * look.get(name, 0.0)
    melanin = generator.uniform(_FAIREST, _DARKEST)
    fair = melanin < 0
    look["melanin"] = melanin
    for name in ("haemoglobin", "cheek_redness", "nose_redness", "ear_chin_redness"):
        look[name] -= _HIDDEN * max(melanin, 0)
    blond = fair and generator.random() < _FAIR_HAIR
    look["hair_lightness"] = (
        1.4 + 0.4 * look.get("hair_lightness", 0)
        if blond
        else -0.6 - 0.5 * (melanin + abs(look.get("hair_lightness", 0)))
    )
    light_eyes = fair and generator.random() < 0.5
    look["iris_lightness"] = (1.2 if light_eyes else -1.0) + 0.4 * look.get("iris_lightness", 0)
    for name, share in _FEW.items():
        here = generator.random() < share and (fair or name != "freckles")
        look[name] = 1.0 + 0.3 * abs(look.get(name, 0)) if here else 0.0
    old = generator.random() < _OLD
    look["hair_grey"] = generator.uniform(1.2, 2.2) if old else 0.0
    look["age_spots"] = abs(look.get("age_spots", 0)) if old else 0.0
    for name in ("brow_height", "brow_depth", "moles_b"):
        look[name] = 0.4 * max(look.get(name, 0), 0)
    _grow_beard(look, generator, thick=not blond)
    return np.array([look[name] for name in names], np.float32)


def _grow_beard(look: dict[str, float], generator: np.random.Generator, thick: bool) -> None:
    """Nothing, stubble, or a beard with all its parts; women have finer brows."""
    man = generator.random() < _MEN
    grown = generator.random()
    for name in _GROWN:
        look[name] = 0.0
    if not man:
        look["brow_density"] = look.get("brow_density", 0) - 0.4
        look["lip_redness"] = look.get("lip_redness", 0) + 0.6
        return
    full = 1.0 if thick else 0.6
    if grown < _BEARDED:
        look.update(stubble=0.8, moustache=2.0 * full, goatee=2.2 * full, beard=2.1 * full)
    elif grown < _BEARDED + _STUBBLED:
        look["stubble"] = generator.uniform(0.5, 1.4) * full
