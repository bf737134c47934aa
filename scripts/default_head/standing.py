"""A newly built mouth, eyeballs, units, masks or landmarks, in the head file that stands.

A rebuild turns nearly equal identity components and packs the sheet anew, and networks are trained
on both. Teeth, tongue and eyeballs can be made anew without that: the rest of the file stays bit by
bit, and with it what takes and networks mean by their parameters. So can masks and landmarks; and
units, where people and sheet stay.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.exchange.head_file import LEFT_EYE_JOINT, head_sha256, load_head_file

from .contour import find_contour
from .landmarks import place_68

MOUTH = ("upper_teeth", "lower_teeth", "tongue")
EYES = ("left_eye", "right_eye")
MOUTH_MAPS = ("teeth", "tooth_neck", "gums", "tongue", "tongue_coat", "tongue_furrow", "cavity",
              "cavity_deep")  # fmt: skip
ALIKE_M = 1e-4  # largest distance of two skins that count as one


def set_parts(
    path: Path, built: dict[str, np.ndarray], head_sha256: str, parts: Sequence[str]
) -> dict[str, np.ndarray]:
    """The arrays of the head file at `path`, called `head_sha256`, with `parts` of `built`.

    `parts` are MOUTH or EYES. Raises ValueError when the two differ in more than those.
    """
    standing = _arrays(path)
    turn = _turn_of_people(standing, built, parts)
    skin = standing["mask_skin"]
    own = np.any([standing[f"mask_{part}"] for part in parts], axis=0)
    template = built["template"] + (standing["template"] - built["template"])[skin].mean(0)
    standing["template"][own] = template[own]
    standing["shape_basis"][own] = built["shape_basis"][own].astype(float) @ turn
    standing["expression_basis"][own] = built["expression_basis"][own]
    return standing | {"parameters_sha256": np.array(head_sha256)}


def set_units(
    path: Path, built: dict[str, np.ndarray], stems: Sequence[str]
) -> dict[str, np.ndarray]:
    """The arrays of the head file at `path` with units of `built`, named without their side.

    The file goes by its own sha256 then: networks and takes mean other shapes by its units.
    Raises ValueError for a unit that isn't there, for mouthClose, which is solved for together with
    the jaw's correctives, and when the two differ in more than units.
    """
    standing = _arrays(path)
    _turn_of_people(standing, built, MOUTH)
    names = [str(name) for name in standing["expression_names"]]
    columns = []
    for stem in stems:
        own = [k for k, name in enumerate(names) if name in (stem, f"{stem}Left", f"{stem}Right")]
        if not own or stem == "mouthClose":
            raise ValueError(f"{stem} is no unit that stands by itself.")
        columns += own
    standing["expression_basis"][:, :, columns] = built["expression_basis"][:, :, columns]
    standing.pop("parameters_sha256", None)
    return standing


def set_masks(
    path: Path, built: dict[str, np.ndarray], head_sha256: str, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """The arrays of the head file at `path`, called `head_sha256`, with masks of `built`.

    Raises ValueError for a mask that isn't there, and when it is another mesh or other people.
    """
    standing = _arrays(path)
    _turn_of_people(standing, built, ())
    for key in (f"mask_{name}" for name in names):
        if key not in standing:
            raise ValueError(f"{key} is not in {path}.")
        standing[key] = built[key]
    return standing | {"parameters_sha256": np.array(head_sha256)}


def set_landmarks(path: Path) -> dict[str, np.ndarray]:
    """The arrays of the head file at `path` with contour and iBUG's 68 anew, by the name it has."""
    file, named = load_head_file(path), {"parameters_sha256": np.array(head_sha256(path))}
    eyes = (file.joint_regressor @ file.template)[LEFT_EYE_JOINT:]
    faces, weights = find_contour(file.template, file.faces, file.masks, eyes)
    line = {"contour_faces": faces.astype(np.int32), "contour_bary": weights.astype(np.float32)}
    return _arrays(path) | named | line | place_68(replace(file, contour=(faces, weights)))


def _turn_of_people(
    standing: dict[str, np.ndarray], built: dict[str, np.ndarray], parts: Sequence[str]
) -> np.ndarray:
    """The matrix (S, S) that takes identity components of `built` to those that stand.

    Raises ValueError when it is not the same skin, or not the same people.
    """
    masks = ("mask_skin", *(f"mask_{part}" for part in parts))
    for name in ("faces", "expression_names", *masks):
        if not np.array_equal(standing[name], built[name]):
            raise ValueError(f"{name} has changed: build the whole head.")
    skin = standing["mask_skin"]
    moved = (built["template"] - standing["template"])[skin]
    own, theirs = (_components(h["shape_basis"], skin) for h in (built, standing))
    turn = np.linalg.lstsq(own, theirs, rcond=None)[0]
    apart = np.abs(own @ turn - theirs).max(), np.abs(moved - moved.mean(0)).max()
    if max(apart) > ALIKE_M:
        raise ValueError(f"The skin has moved by {1000 * max(apart):.2f} mm: build the whole head.")
    return turn


def set_maps(
    path: Path, built: dict[str, np.ndarray], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """The arrays of the albedo file at `path`, its maps `names` and their colours of `built`.

    Raises ValueError for a map that isn't there.
    """
    standing = _arrays(path)
    for name in names:
        if name not in standing["maps"] or name not in built["maps"]:
            raise ValueError(f"The map {name} is not in {path}.")
        old, new = (int(np.flatnonzero(arrays["maps"] == name)[0]) for arrays in (standing, built))
        for key in ("sharp", "ranges", "mean"):
            standing[key][old] = built[key][new]
        standing["basis"][:, old] = built["basis"][:, new]
    return standing


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _components(basis: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """(3 V_skin, S)."""
    return basis[skin].reshape(-1, basis.shape[2]).astype(float)
