import numpy as np
import pytest

from engine.detail.carry import carry_colour, carry_normals, make_passage
from engine.geometry import embed
from engine.render import rasterize
from engine.weights import load_head

SIDE = 160


def painted(file, colours, side=SIDE):
    """A sheet that shows colours (V, 3) of the vertices, and where it does."""
    texels = np.column_stack(
        [file.uv[:, 0] * side, (1 - file.uv[:, 1]) * side, np.ones(len(file.uv))]
    )
    face, share = rasterize(texels, file.uv_faces, (side, side))
    return embed(colours, file.faces, (np.maximum(face, 0), share)), face >= 0


@pytest.fixture(scope="module")
def passage(adopted):
    return make_passage(load_head(), adopted.head, SIDE)


def test_a_head_onto_itself_changes_nothing():
    head = load_head()
    passage = make_passage(head, head, SIDE)
    rows, columns = np.nonzero(passage.on_skin)
    own = np.stack([(columns + 0.5) / SIDE, 1 - (rows + 0.5) / SIDE], axis=1)
    assert np.abs(passage.uv[passage.on_skin] - own).max() < 1e-4
    turn = passage.turn[passage.on_skin]
    assert np.abs(np.median(turn, axis=0) - np.eye(2)).max() < 1e-6


def test_colours_arrive_where_they_belong(passage, adopted):
    """Colour by place on the head: forehead, cheeks and chin of the other head get their own."""
    head, file = load_head(), adopted.head
    low, high = head.template.min(0), head.template.max(0)
    source, _ = painted(head, 255 * (head.template - low) / (high - low), 640)
    carried = carry_colour(
        source.astype(np.uint8), passage, np.zeros((SIDE, SIDE, 3), np.uint8)
    ).astype(float)
    laid = file.laid.astype(float)
    face = head.masks["face"] & ~head.masks["sockets"]
    on_default = 255 * (head.template - low) / (high - low)
    from scipy.spatial import KDTree

    near = KDTree(laid[face]).query(file.template)[1]
    wanted, shown = painted(file, on_default[face][near])
    inner, _ = painted(file, file.masks["face_tex"].astype(float)[:, None].repeat(3, 1))
    compared = shown & passage.on_skin & (inner[..., 0] > 0.99)
    assert compared.sum() > 500
    assert np.median(np.abs(carried - wanted)[compared]) < 6


def test_flat_stays_flat_and_lengths_stay(passage):
    flat = np.tile(np.uint8([128, 128, 255, 255]), (64, 64, 1))
    assert np.abs(carry_normals(flat, passage).astype(int) - [128, 128, 255, 255]).max() <= 1
    tilted = np.tile(np.uint8([178, 128, 240, 200]), (64, 64, 1))
    carried = carry_normals(tilted, passage)[passage.on_skin].astype(float) - 128
    assert np.median(np.abs(np.linalg.norm(carried[:, :2], axis=1) - 50)) < 6
    assert np.median(carried[:, 3]) == 200 - 128  # the light that cavities leave


def test_a_bump_leans_the_same_way_on_both_heads(adopted):
    """A normal map that says “up” on the default head says “up” on the other, whatever its UVs."""
    from engine.detail.tangent import tangent_frames

    def upwards(file, side):
        frames = tangent_frames(file.template.astype(float), file)
        texels = np.column_stack(
            [file.uv[:, 0] * side, (1 - file.uv[:, 1]) * side, np.ones(len(file.uv))]
        )
        face, share = rasterize(texels, file.uv_faces, (side, side))
        rows = np.maximum(face, 0)
        normal = np.einsum("ijk,ijkc->ijc", share, frames.normals[file.faces[rows]])
        tangent = np.einsum("ijk,ijkc->ijc", share, frames.tangents[file.uv_faces[rows]])
        sign = frames.signs[file.uv_faces[rows]][..., 0, None]
        across = sign * np.cross(normal, tangent)
        up = np.stack([tangent[..., 1], across[..., 1]], axis=-1)
        return up, face >= 0

    head, file = load_head(), adopted.head
    up, shown = upwards(head, 640)
    picture = np.full((640, 640, 4), 255, np.uint8)
    picture[..., :2] = np.where(shown[..., None], 128 + 60 * up, 128)
    passage = make_passage(head, file, SIDE)
    carried = carry_normals(picture, passage).astype(float)[..., :2] - 128
    wanted, _ = upwards(file, SIDE)
    inner, _ = painted(file, file.masks["face_tex"].astype(float)[:, None].repeat(3, 1))
    compared = passage.on_skin & (inner[..., 0] > 0.99)
    assert np.median(np.linalg.norm(carried - 60 * wanted, axis=-1)[compared]) < 8
