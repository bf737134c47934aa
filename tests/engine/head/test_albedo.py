"""The albedo model: colours of skin, lips, brows, eyes at the right places, and what moves them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.faces.detector import FaceDetector, FaceMesh, region_of, region_of_box
from engine.faces.views import view_of
from engine.geometry import embed, project, to_camera
from engine.head.albedo import load_albedo
from engine.head.model import Head
from engine.preview.sitter import Sitter
from engine.preview.studio import draw
from engine.weights import load_head, locate

SIZE = 512
BROW_EDGES = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 46, 53, 52, 65, 55, 285, 295, 282]
LIP_EDGES = [61, 91, 17, 321, 291, 269, 0, 39, 13, 14]
CHEEKS, FOREHEAD = [205, 425], 151
BROWS = [105, 334, 52, 282, 65, 295]


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def albedo():
    return load_albedo(locate("albedo_default"))


@pytest.fixture(scope="module")
def mean(albedo):
    return albedo.reflectance(np.zeros(len(albedo.names)), SIZE)


def _at(picture: np.ndarray, head, landmarks, reach: int = 2) -> np.ndarray:
    """Mean colour (3,) round landmarks of the 468."""
    face, weights = head.landmarks_468
    colours = []
    for k in np.atleast_1d(landmarks):
        u, v = weights[k] @ head.uv[head.uv_faces[face[k]]]
        row, column = int((1 - v) * len(picture)), int(u * len(picture))
        patch = picture[row - reach : row + reach + 1, column - reach : column + reach + 1]
        colours.append(patch.reshape(-1, 3).mean(0))
    return np.mean(colours, axis=0)


def _within(picture: np.ndarray, head, mask: np.ndarray) -> np.ndarray:
    """Colours (N, 3) at the middles of the triangles in a mask of vertices."""
    middles = head.uv[head.uv_faces[mask[head.faces].all(1)]].mean(1)
    rows, columns = ((1 - middles[:, 1]) * SIZE).astype(int), (middles[:, 0] * SIZE).astype(int)
    return picture[rows, columns]


def _with(albedo, **settings) -> np.ndarray:
    coefficients = np.zeros(len(albedo.names))
    for name, value in settings.items():
        coefficients[albedo.names.index(name)] = value
    return coefficients


def test_textures_are_srgb_bytes_of_the_asked_size(albedo):
    for size in (256, 1024):
        texture = albedo.texture(np.zeros(len(albedo.names)), size)
        assert texture.shape == (size, size, 3)
        assert texture.dtype == np.uint8


def test_there_are_fifty_components(albedo):
    assert len(albedo.names) == len(set(albedo.names)) == 50


def test_the_mean_is_mid_skin(head, mean):
    """Reflectance of medium human skin: red about 0.5, falling to blue."""
    red, green, blue = _at(mean, head, FOREHEAD, 6)
    assert 0.35 < red < 0.65
    assert red > 1.3 * green > 1.3 * blue


def test_lips_are_redder_than_cheeks(head, mean):
    lips = _within(mean, head, head.masks["lips"]).mean(0)
    cheeks = _at(mean, head, CHEEKS)
    assert lips[0] / lips[1] > 1.15 * cheeks[0] / cheeks[1]


def test_brows_are_darker_than_the_forehead(head, mean):
    brows, forehead = _at(mean, head, BROWS), _at(mean, head, FOREHEAD)
    assert brows.mean() < 0.75 * forehead.mean()


def test_the_scalp_wears_hair(head, mean):
    top = head.template[:, 1] > head.template[head.masks["skin"], 1].max() - 0.015
    assert np.median(_within(mean, head, top & head.masks["skin"])) < 0.12


def test_eyes_have_white_iris_and_pupil(head, mean):
    pupil = _within(mean, head, head.masks["left_eye"])
    assert np.percentile(pupil, 95) > 0.6
    face, weights = head.iris
    u, v = weights[0] @ head.uv[head.uv_faces[face[0]]]
    assert mean[int((1 - v) * SIZE), int(u * SIZE)].mean() < 0.05


def test_teeth_are_lighter_than_the_tongue(head, mean):
    teeth = _within(mean, head, head.masks["upper_teeth"] & ~head.masks["gums"])
    tongue = _within(mean, head, head.masks["tongue"])
    assert np.median(teeth) > 2 * np.median(tongue)


def test_every_component_changes_the_texture(albedo):
    """By at least a few levels somewhere at 2; on every fourth texel, for speed."""
    thin = dataclasses.replace(albedo, sharp=albedo.sharp[:, ::4, ::4])
    before = thin.texture(np.zeros(50), 256).astype(int)
    for name in albedo.names:
        after = thin.texture(_with(albedo, **{name: 2}), 256).astype(int)
        assert np.abs(after - before).max() >= 6, name


def test_extremes_stay_between_black_and_white(albedo):
    thin = dataclasses.replace(albedo, sharp=albedo.sharp[:, ::4, ::4])
    generator = np.random.default_rng(3)
    for _ in range(3):
        picture = thin.reflectance(3 * np.sign(generator.normal(size=50)), 128)
        assert np.isfinite(picture).all()
        assert picture.min() > 0
        assert picture.max() < 1


def test_melanin_darkens_skin_and_leaves_teeth(albedo, head, mean):
    dark = albedo.reflectance(_with(albedo, melanin=2), SIZE)
    assert _at(dark, head, CHEEKS).mean() < 0.5 * _at(mean, head, CHEEKS).mean()
    teeth = head.masks["upper_teeth"] & ~head.masks["gums"]
    assert np.allclose(_within(dark, head, teeth), _within(mean, head, teeth))


def test_skin_is_mirrored_where_it_should_be(head, mean):
    """The two cheeks differ by mottling only."""
    left, right = _at(mean, head, 205, 4), _at(mean, head, 425, 4)
    assert np.allclose(left, right, rtol=0.12)


def test_nobody_has_negative_freckles(albedo):
    none, fewer = albedo.effective(np.zeros(50)), albedo.effective(_with(albedo, freckles=-2))
    assert (none == fewer).all()


def test_a_face_network_sees_brows_and_lips_where_they_are_painted(head, albedo):
    """MediaPipe's landmarks on pictures of random colours, against the head's own: mm apart."""
    generator, size, distance = np.random.default_rng(3), 512, 0.8
    focal = distance * size / 0.27
    detector, mesh = FaceDetector(), FaceMesh()
    apart = []
    for _ in range(3):
        sitter = Sitter(Head(head), np.zeros(1), albedo.texture(generator.normal(size=50)))
        place = np.array([0, -0.01, -distance])
        vertices = to_camera(sitter.rest[0], np.array([0, generator.uniform(-0.2, 0.2), 0]), place)
        shot = draw(sitter, vertices, focal, (size, size))
        share = shot.coverage[:, :, None] / 255
        picture = np.ascontiguousarray((shot.colour * share + 90 * (1 - share)).astype(np.uint8))
        region = region_of_box(detector.find(picture)[0])
        for _ in range(2):
            seen, presence = mesh.find(view_of(picture, region), region)
            region = region_of(seen)
        own = project(embed(vertices, head.faces, head.landmarks_468), focal, (size, size))
        assert presence > 0.99
        apart.append(1000 * distance / focal * (seen[:468, :2] - own))
    apart = np.array(apart)
    for edges in (BROW_EDGES, LIP_EDGES):
        assert np.median(np.linalg.norm(apart[:, edges], axis=2)) < 2.5


def test_a_file_that_is_no_albedo_is_refused(tmp_path: Path):
    (tmp_path / "other.npz").write_bytes(b"not an archive")
    with pytest.raises(AVFaceError, match="not an albedo file"):
        load_albedo(tmp_path / "other.npz")
    with pytest.raises(AVFaceError, match="no albedo file"):
        load_albedo(tmp_path / "missing.npz")


def test_a_thick_beard_takes_all_colours_alike_and_hides_the_skin(albedo):
    ground = albedo.sharp[albedo.maps.index("beard")] > 150
    look = np.zeros(len(albedo.names), np.float32)
    bare = np.log(albedo.reflectance(look, 1024)[ground])
    look[[albedo.names.index("moustache"), albedo.names.index("beard")]] = 2.5
    bearded = np.log(albedo.reflectance(look, 1024)[ground])
    taken = (bearded - bare).mean(0)
    assert taken.max() < -0.8
    assert np.ptp(taken) < 0.25  # not bluish
    assert bearded.mean(1).std() < 0.4
