"""Which curve moves which shape key and bone of a character; presets, and files of one's own.

No Blender here. A character's names are compared with each preset's; the one that knows most of
them is proposed.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..engine.exchange.arkit import ARKIT_NAMES
from ..engine.exchange.files import write_whole
from ..engine.exchange.protocol import AVFaceError

SUFFIX = ".avface-map.json"
_BONES = {  # names that rigs give to the bones, compared without case and signs
    "jaw": ("jaw", "jawroot", "facialcjaw", "mixamorigjaw", "jbipcjaw", "defjaw"),
    "left_eye": ("lefteye", "eyel", "eyeleft", "facialleye", "jadjlfaceeye", "mixamoriglefteye",
                 "defeyel", "eyeballl"),
    "right_eye": ("righteye", "eyer", "eyeright", "facialreye", "jadjrfaceeye",
                  "mixamorigrighteye", "defeyer", "eyeballr"),
    "head": ("head", "jbipchead", "mixamorighead", "defspine006", "spine006"),
}  # fmt: skip
_LOOKS = tuple(name for name in ARKIT_NAMES if name.startswith("eyeLook"))
JAW_CURVES = ("jawOpen", "jawLeft", "jawRight")


@dataclass(frozen=True)
class Route:
    """One curve onto one shape key. Several routes may end at one key: they add up."""

    curve: str
    key: str
    strength: float = 1.0


@dataclass(frozen=True)
class Mapping:
    """What moves a character. Bones that are not named stay still."""

    name: str
    routes: tuple[Route, ...]
    bones: dict[str, str] = field(default_factory=dict)  # "jaw", "left_eye", ... -> bone


def _vrm() -> tuple[Route, ...]:
    """VRoid's keys, which are whole expressions: the nearest of each."""
    both = {
        "Fcl_MTH_A": (("jawOpen", 1.0),),
        "Fcl_MTH_U": (("mouthPucker", 1.0),),
        "Fcl_MTH_O": (("mouthFunnel", 1.0),),
        "Fcl_MTH_I": (("mouthStretchLeft", 0.5), ("mouthStretchRight", 0.5)),
        "Fcl_MTH_Joy": (("mouthSmileLeft", 0.4), ("mouthSmileRight", 0.4)),
        "Fcl_MTH_Angry": (("mouthFrownLeft", 0.4), ("mouthFrownRight", 0.4)),
        "Fcl_BRW_Surprised": (("browInnerUp", 0.7),),
        "Fcl_BRW_Angry": (("browDownLeft", 0.5), ("browDownRight", 0.5)),
        "Fcl_EYE_Close_L": (("eyeBlinkLeft", 1.0),),
        "Fcl_EYE_Close_R": (("eyeBlinkRight", 1.0),),
        "Fcl_EYE_Surprised": (("eyeWideLeft", 0.5), ("eyeWideRight", 0.5)),
    }
    return tuple(Route(curve, key, s) for key, parts in both.items() for curve, s in parts)


def _vrm_zero() -> tuple[Route, ...]:
    """VRM 0's standard names."""
    pairs = (
        ("jawOpen", "A", 1.0), ("mouthPucker", "U", 1.0), ("mouthFunnel", "O", 1.0),
        ("mouthStretchLeft", "I", 0.5), ("mouthStretchRight", "I", 0.5),
        ("eyeBlinkLeft", "Blink_L", 1.0), ("eyeBlinkRight", "Blink_R", 1.0),
        ("mouthSmileLeft", "Joy", 0.3), ("mouthSmileRight", "Joy", 0.3),
    )  # fmt: skip
    return tuple(Route(*pair) for pair in pairs)


_METAHUMAN = {
    "browDown": ("browDown",), "browInnerUp": ("browRaiseIn",), "browOuterUp": ("browRaiseOuter",),
    "eyeBlink": ("eyeBlink",), "eyeSquint": ("eyeSquintInner",), "eyeWide": ("eyeWiden",),
    "eyeLookUp": ("eyeLookUp",), "eyeLookDown": ("eyeLookDown",), "cheekPuff": ("mouthCheekBlow",),
    "cheekSquint": ("eyeCheekRaise",), "noseSneer": ("noseWrinkle",),
    "mouthSmile": ("mouthCornerPull",), "mouthFrown": ("mouthCornerDepress",),
    "mouthDimple": ("mouthDimple",), "mouthStretch": ("mouthStretch",),
    "mouthUpperUp": ("mouthUpperLipRaise",), "mouthLowerDown": ("mouthLowerLipDepress",),
    "mouthPress": ("mouthPressU", "mouthPressD"),
    "mouthRollUpper": ("mouthUpperLipRollIn",), "mouthRollLower": ("mouthLowerLipRollIn",),
    "mouthFunnel": ("mouthFunnelU", "mouthFunnelD"),
    "mouthPucker": ("mouthLipsPurseU", "mouthLipsPurseD"),
    "mouthClose": ("mouthLipsTogetherU", "mouthLipsTogetherD"),
    "mouthShrugLower": ("jawChinRaiseD",), "mouthShrugUpper": ("jawChinRaiseU",),
}  # fmt: skip
_METAHUMAN_WHOLE = {
    "jawOpen": "jawOpen", "jawForward": "jawFwd", "jawLeft": "jawLeft", "jawRight": "jawRight",
    "mouthLeft": "mouthLeft", "mouthRight": "mouthRight", "tongueOut": "tongueOut",
    "eyeLookInLeft": "eyeLookRightL", "eyeLookOutLeft": "eyeLookLeftL",
    "eyeLookInRight": "eyeLookLeftR", "eyeLookOutRight": "eyeLookRightR",
}  # fmt: skip


def _metahuman() -> tuple[Route, ...]:
    """The expression controls of MetaHuman (CTRL_expressions_...) as shape keys."""
    routes = [Route(c, f"CTRL_expressions_{k}") for c, k in _METAHUMAN_WHOLE.items()]
    for curve in ARKIT_NAMES:
        side = next((s for s in ("Left", "Right") if curve.endswith(s)), "")
        sides = side[:1] or "LR"
        for stem in _METAHUMAN.get(curve.removesuffix(side) if side else curve, ()):
            routes += [Route(curve, f"CTRL_expressions_{stem}{one}") for one in sides]
    return tuple(routes)


PRESETS: dict[str, tuple[Route, ...]] = {
    # ARKit, Faceit, Ready Player Me, MPFB's face units and Perfect Sync share these names
    "ARKit": tuple(Route(name, name) for name in ARKIT_NAMES),
    "MetaHuman": _metahuman(),
    "VRoid": _vrm(),
    "VRM 0": _vrm_zero(),
}


def plain(name: str) -> str:
    """A name to compare by: `head_GEO.eyeBlink_L` and `EyeBlinkLeft` -> eyeblinkleft."""
    name = name.split(".")[-1] if "." in name and not re.search(r"\.[LR]$", name) else name
    name = re.sub(r"[._ ]?(?<![A-Za-z])([LR])$|[._ ]([LR])$|(?<=[a-z])([LR])$", _side, name)
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _side(found: re.Match) -> str:
    letter = next(group for group in found.groups() if group)
    return {"L": "Left", "R": "Right"}[letter]


def suggest(keys: Iterable[str], bones: Iterable[str] = ()) -> Mapping:
    """The preset that knows most of a character's shape keys, and the bones it has."""
    keys = list(keys)
    by_name: dict[str, str] = {}
    for key in keys:
        by_name.setdefault(plain(key), key)
    best, best_routes = "ARKit", ()
    for name, routes in PRESETS.items():
        found = tuple(
            Route(r.curve, by_name[plain(r.key)], r.strength)
            for r in routes
            if plain(r.key) in by_name
        )
        if len(found) > len(best_routes):
            best, best_routes = name, found
    curves = {route.curve for route in best_routes}
    chosen = suggest_bones(bones)
    if "jawOpen" in curves:  # a key moves the jaw: a bone would open it twice
        chosen.pop("jaw", None)
    if curves.intersection(_LOOKS):
        chosen.pop("left_eye", None)
        chosen.pop("right_eye", None)
    return Mapping(best, best_routes, chosen)


def suggest_bones(bones: Iterable[str]) -> dict[str, str]:
    """The bones of a rig that are called as the parts of a head are."""
    by_name = {re.sub(r"[^a-z0-9]", "", bone.lower()): bone for bone in bones}
    found = {}
    for part, names in _BONES.items():
        name = next((n for n in names if n in by_name), None)
        if name:
            found[part] = by_name[name]
    return found


def save_mapping(mapping: Mapping, folder: Path) -> Path:
    """Write a mapping under its name. Raises AVFaceError."""
    stem = re.sub(r"[^\w -]", "_", mapping.name).strip() or "mapping"
    path = folder / f"{stem}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asdict(mapping), indent=1))
    except OSError as error:
        raise AVFaceError(
            f"The mapping can't be written to {folder} ({error.strerror}).", "Free some space."
        ) from error
    return path


def load_mapping(path: Path) -> Mapping:
    """Read a mapping. Raises AVFaceError when the file isn't one."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        routes = tuple(
            Route(str(r["curve"]), str(r["key"]), float(r["strength"])) for r in content["routes"]
        )
        bones = {str(k): str(v) for k, v in content["bones"].items() if k in _BONES}
        unknown = {route.curve for route in routes} - set(ARKIT_NAMES)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AVFaceError(f"{path.name} is not a mapping.", "Choose another.") from error
    if unknown:
        raise AVFaceError(
            f"{path.name} names curves that ARKit doesn't have ({min(unknown)}).", "Mend the file."
        )
    return Mapping(str(content.get("name", path.stem)), routes, bones)


def saved_mappings(folder: Path) -> list[Path]:
    """The mappings of one's own, by name."""
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
