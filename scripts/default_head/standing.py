"""A newly built mouth, or units, in the head file that stands.

A rebuild turns nearly equal identity components and packs the sheet anew, and networks are trained
on both. Teeth and tongue can be made anew without that: the rest of the file stays bit by bit, and
with it what takes and networks mean by their parameters. So can units: people and sheet stay.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

PARTS = ("upper_teeth", "lower_teeth", "tongue")
MAPS = ("teeth", "tooth_neck", "gums", "tongue", "tongue_coat", "tongue_furrow", "cavity",
        "cavity_deep")  # fmt: skip
ALIKE_M = 1e-4  # largest distance of two skins that count as one


def set_mouth(path: Path, built: dict[str, np.ndarray], head_sha256: str) -> dict[str, np.ndarray]:
    """The arrays of the head file at `path`, called `head_sha256`, with the mouth of `built`.

    Raises ValueError when the two differ in more than the mouth.
    """
    standing = _arrays(path)
    turn = _turn_of_people(standing, built)
    skin = standing["mask_skin"]
    mouth = np.any([standing[f"mask_{part}"] for part in PARTS], axis=0)
    template = built["template"] + (standing["template"] - built["template"])[skin].mean(0)
    standing["template"][mouth] = template[mouth]
    standing["shape_basis"][mouth] = built["shape_basis"][mouth].astype(float) @ turn
    standing["expression_basis"][mouth] = built["expression_basis"][mouth]
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
    _turn_of_people(standing, built)
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


def _turn_of_people(standing: dict[str, np.ndarray], built: dict[str, np.ndarray]) -> np.ndarray:
    """The matrix (S, S) that takes identity components of `built` to those that stand.

    Raises ValueError when it is not the same skin, or not the same people.
    """
    parts = ("mask_skin", *(f"mask_{part}" for part in PARTS))
    for name in ("faces", "expression_names", *parts):
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


def set_mouth_maps(path: Path, built: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of the albedo file at `path` with the mouth's maps and colours of `built`."""
    standing = _arrays(path)
    for name in MAPS:
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
