"""New parts, or new units, in an old head: all else stays; by new parts it keeps its name."""

import sys
from pathlib import Path

import numpy as np
import pytest

from engine.exchange.head_file import file_sha256, head_sha256, load_head_file
from engine.weights import FOLDER, default_head_sha256, load_head, locate

sys.path.insert(0, str(FOLDER.parent / "scripts"))
from default_head.standing import EYES, MOUTH, set_maps, set_masks, set_parts, set_units  # type: ignore[import-not-found]

NAME = "5" * 64
ALL_PARTS = MOUTH + EYES


@pytest.fixture
def standing(tmp_path) -> tuple[Path, dict[str, np.ndarray]]:
    """A head of sixty skin vertices and three of each part, and its file."""
    random, count = np.random.default_rng(4), 60 + 3 * len(ALL_PARTS)
    arrays = {
        "template": random.normal(0, 0.1, (count, 3)).astype(np.float32),
        "shape_basis": random.normal(0, 1e-3, (count, 3, 4)),
        "expression_basis": random.normal(0, 1e-3, (count, 3, 2)),
        "expression_names": np.array(["aLeft", "mouthClose"]),
        "faces": np.arange(count).reshape(-1, 3),
        "mask_skin": np.arange(count) < 60,
        **{f"mask_{p}": (np.arange(count) - 60) // 3 == k for k, p in enumerate(ALL_PARTS)},
    }
    path = tmp_path / "head.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path, arrays


@pytest.mark.parametrize("parts", [MOUTH, EYES])
def test_only_its_parts_are_taken_and_components_are_turned_to_the_old_ones(standing, parts):
    path, arrays = standing
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(4, 4)))[0]
    own = np.any([arrays[f"mask_{part}"] for part in parts], axis=0)
    built = {k: v.copy() for k, v in arrays.items()}
    built["template"] += np.float32(0.002)  # another origin
    built["template"][own] += np.array([0, 0.001, 0], np.float32)
    built["shape_basis"] = arrays["shape_basis"] @ turn
    built["expression_basis"] *= 2
    out = set_parts(path, built, NAME, parts)
    raised = (out["template"] - arrays["template"])[own]
    np.testing.assert_allclose(raised, np.tile([0, 0.001, 0], (len(raised), 1)), atol=1e-6)
    np.testing.assert_allclose(out["shape_basis"], arrays["shape_basis"], atol=1e-9)
    for name in ("template", "shape_basis", "expression_basis"):
        np.testing.assert_array_equal(out[name][~own], arrays[name][~own])
    assert str(out["parameters_sha256"]) == NAME


def test_units_are_taken_by_their_name_and_the_head_goes_by_its_own(standing):
    path, arrays = standing
    np.savez(path, **arrays, parameters_sha256=np.array(NAME))
    built = arrays | {"expression_basis": 2 * arrays["expression_basis"]}
    out = set_units(path, built, ["a"])
    np.testing.assert_array_equal(
        out["expression_basis"][..., 0], built["expression_basis"][..., 0]
    )
    for name, value in (arrays | {"expression_basis": out["expression_basis"]}).items():
        np.testing.assert_array_equal(out[name], value)
    np.testing.assert_array_equal(
        out["expression_basis"][..., 1], arrays["expression_basis"][..., 1]
    )
    assert "parameters_sha256" not in out


@pytest.mark.parametrize("stems", [["b"], ["a", "b"], ["mouthClose"]])
def test_units_that_do_not_stand_alone_are_refused(standing, stems):
    path, arrays = standing
    with pytest.raises(ValueError, match="by itself"):
        set_units(path, arrays, stems)


def test_masks_are_taken_by_their_name_and_the_head_keeps_its_own(standing):
    path, arrays = standing
    built = arrays | {name: ~arrays[name] for name in ("mask_tongue", "mask_left_eye")}
    out = set_masks(path, built, NAME, ["tongue"])
    for name, value in (arrays | {"mask_tongue": built["mask_tongue"]}).items():
        np.testing.assert_array_equal(out[name], value)
    assert str(out["parameters_sha256"]) == NAME
    with pytest.raises(ValueError, match="mask_lips"):
        set_masks(path, built, NAME, ["lips"])


def test_another_skin_is_refused(standing):
    path, arrays = standing
    moved = arrays | {"template": arrays["template"] * np.float32(1.1)}
    with pytest.raises(ValueError, match="build the whole head"):
        set_parts(path, moved, NAME, MOUTH)
    with pytest.raises(ValueError, match="build the whole head"):
        set_units(path, moved, ["a"])


def test_a_head_is_called_by_the_parameters_that_it_kept(tmp_path):
    with np.load(locate("head_default"), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    arrays.pop("parameters_sha256", None)
    own, kept = tmp_path / "own.npz", tmp_path / "kept.npz"
    np.savez(own, **arrays)
    np.savez(kept, **arrays, parameters_sha256=np.array(NAME))
    assert head_sha256(own) == file_sha256(own) == load_head_file(own).sha256
    assert head_sha256(kept) == NAME == load_head_file(kept).sha256
    assert load_head().sha256 == default_head_sha256()


def test_only_its_maps_are_taken(tmp_path):
    random, names = np.random.default_rng(6), np.array(["skin", "beard", "lips"])
    shapes = {"sharp": (3, 8, 8), "ranges": (3, 2), "mean": (3, 3), "basis": (5, 3, 3)}
    old, new = (
        {"maps": order, **{name: random.normal(size=shape) for name, shape in shapes.items()}}
        for order in (names, names[::-1])
    )
    path = tmp_path / "albedo.npz"
    np.savez(path, **old)  # type: ignore[arg-type]
    out = set_maps(path, new, ["beard"])
    for key in ("sharp", "ranges", "mean"):
        np.testing.assert_array_equal(out[key], [old[key][0], new[key][1], old[key][2]])
    np.testing.assert_array_equal(out["basis"][:, 1], new["basis"][:, 1])
    np.testing.assert_array_equal(out["basis"][:, [0, 2]], old["basis"][:, [0, 2]])
    with pytest.raises(ValueError, match="hat"):
        set_maps(path, new, ["hat"])
