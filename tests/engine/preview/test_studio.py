"""Light on a head: what is open, what is hidden, which side is bright."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, binary_fill_holes

from engine.detail.complexion import person_texture
from engine.geometry import embed, project, vertex_normals
from engine.head.model import FaceParams, Head
from engine.preview.sitter import Sitter, upper_lids
from engine.preview.studio import Relief, draw, vertex_table
from engine.preview.vertices import AMBIENT
from engine.render.occlusion import ambient_openness, polygon_area, seen_from, through_polygon
from engine.weights import load_head

SIZE = (120, 150)
UP = np.array([0.0, 1.0, 0.0])


@pytest.fixture(scope="module")
def sitter() -> Sitter:
    head = Head(load_head())
    shape = np.zeros(head.file.shape_basis.shape[2])
    return Sitter(head, shape, person_texture(head, np.zeros(50), 256))


@pytest.fixture(scope="module")
def vertices(sitter) -> np.ndarray:
    params = FaceParams.neutral(sitter.head, 1, focal=300.0)
    return sitter.head.camera_frame(params, 0)


def _plate(height: float, side: float) -> np.ndarray:
    """A grid (n * n, 3) facing up."""
    x, z = np.meshgrid(np.linspace(-side, side, 9), np.linspace(-side, side, 9), indexing="ij")
    return np.stack([x, np.full_like(x, height), z], axis=-1).reshape(-1, 3)


def _plate_faces(first: int) -> np.ndarray:
    i, j = np.meshgrid(np.arange(8), np.arange(8), indexing="ij")
    a = (i * 9 + j).ravel() + first
    return np.concatenate([np.c_[a, a + 1, a + 9], np.c_[a + 1, a + 10, a + 9]]).astype(np.int32)


def test_a_roof_hides_what_is_under_it():
    vertices = np.concatenate([_plate(0.0, 0.1), _plate(0.05, 0.04)])
    faces = np.concatenate([_plate_faces(0), _plate_faces(81)])
    normals = np.tile(UP, (len(vertices), 1))
    seen = seen_from(vertices, normals, faces, UP)
    under = np.abs(vertices[:81, [0, 2]]).max(1) < 0.035
    beside = np.abs(vertices[:81, [0, 2]]).max(1) > 0.045
    assert (seen[:81][under] == 0).all()
    assert (seen[:81][beside] == 1).all()
    assert (seen[81:] == 1).all()


def test_everything_on_a_convex_body_is_open():
    phi, theta = np.meshgrid(np.linspace(0, 2 * np.pi, 40), np.linspace(0.05, 3.09, 20))
    ball = 0.1 * np.stack(
        [np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)], axis=-1
    ).reshape(-1, 3)
    a = (np.arange(19)[:, None] * 40 + np.arange(39)).ravel()
    faces = np.concatenate([np.c_[a, a + 1, a + 40], np.c_[a + 1, a + 41, a + 40]])
    assert (vertex_normals(ball, faces) * ball).sum() > 0  # outwards
    assert ambient_openness(ball, faces.astype(np.int32)).min() > 0.85


def test_cavities_of_the_head_are_dark(sitter):
    mouth = sitter.head.file.masks["mouth_inside"]
    assert np.median(sitter.ambient[mouth]) < 0.2
    assert np.median(sitter.ambient[sitter.head.file.masks["forehead"]]) > 0.8


def test_the_key_side_is_brighter(sitter, vertices):
    shot = draw(sitter, vertices, 300.0, SIZE)
    cheek = shot.colour[70:100].astype(float).mean(2)
    inside = shot.face[70:100] > 200
    left, right = inside.copy(), inside.copy()
    left[:, 60:], right[:, :60] = False, False
    assert cheek[left].mean() > cheek[right].mean() + 15


def test_coverage_is_the_head_and_nothing_else(sitter, vertices):
    shot = draw(sitter, vertices, 300.0, SIZE)
    assert shot.coverage[75, 60] == 255
    assert not shot.coverage[:, :8].any() and not shot.coverage[:3].any()
    assert (shot.face[shot.coverage == 0] == 0).all()


def test_in_a_films_light_hollows_of_skin_are_red(sitter, vertices):
    grey = Sitter(sitter.head, sitter.shape, np.full((64, 64, 3), 150, np.uint8))
    light = np.zeros((9, 3))
    light[0] = 0.6
    filmed = draw(grey, vertices, 300.0, SIZE, light=light).filmed.astype(float)
    red, green = filmed[..., 0], filmed[..., 1]
    usual = np.median(green[green > 0])
    hollow = (green > 0.6 * usual) & (green < 0.93 * usual)
    assert np.median((red - green)[hollow]) >= 1
    assert np.median((red - green)[green >= usual]) == 0


def test_over_a_film_the_face_ends_at_the_jaws_edge(sitter):
    """Beneath it lies the film's own shadow; lips that look down are still face."""
    vertices, file = sitter.rest[0], sitter.head.file
    chin = embed(vertices, file.faces, file.landmarks_68)[8]
    middle = (np.abs(vertices[:, 0]) < 0.004) & file.masks["skin"]
    before = middle & (vertices[:, 1] > chin[1]) & (vertices[:, 1] < chin[1] + 0.04)
    before &= vertices[:, 2] > chin[2] - 0.01
    down = vertex_normals(vertices, file.faces)[:, 1] < -0.97
    beneath = middle & down & (vertices[:, 1] < chin[1]) & ~file.masks["mouth_inside"]
    assert before.any() and sitter.face[before].min() > 0.95
    assert beneath.any() and sitter.face[beneath].max() < 0.05


def test_the_head_has_no_holes(sitter, vertices):
    """Inside its outline, across ears, nose and jaw, every pixel is covered."""
    turned = sitter.head.camera_frame(
        FaceParams.neutral(sitter.head, 1, 300.0).replace(head_pose=np.array([[0.1, 0.5, 0.0]])), 0
    )
    for points in (vertices, turned):
        coverage = draw(sitter, points, 900.0, (360, 450)).bare  # lashes stand out of it
        solid = binary_fill_holes(coverage > 0)
        inside = binary_erosion(solid, iterations=2)
        lip = embed(points, sitter.head.file.faces, sitter.head.file.landmarks_68)[57:58]
        inside[int(project(lip, 900.0, (360, 450))[0, 1]) :] = False  # the nape fades
        assert inside.sum() > 30_000
        assert (coverage[inside] == 255).all()


def test_the_neck_fades_to_its_end(sitter, vertices):
    chin = embed(sitter.rest[0], sitter.head.file.faces, sitter.head.file.landmarks_68)[8, 1]
    assert sitter.neck_end.max() == 1
    assert (sitter.neck_end[sitter.rest[0][:, 1] > chin] == 0).all()
    coverage = draw(sitter, vertices, 900.0, (360, 450)).bare.astype(int)
    middle = coverage[:, 180][coverage[:, 180] > 0]
    assert middle[0] > 100  # the crown is a sharp edge
    assert middle[-1] < 20
    assert np.diff(middle[len(middle) // 2 :]).max() <= 2


def test_a_flat_normal_map_changes_nothing_and_a_bent_one_does(sitter, vertices):
    plain = draw(sitter, vertices, 300.0, SIZE).colour.astype(int)
    flat = np.full((64, 64, 4), (128, 128, 255, 255), np.uint8)
    bent = np.full((64, 64, 4), (190, 128, 240, 255), np.uint8)
    same = draw(sitter, vertices, 300.0, SIZE, Relief(flat, flat)).colour.astype(int)
    other = draw(sitter, vertices, 300.0, SIZE, Relief(flat, bent, 1.0)).colour.astype(int)
    assert np.abs(same - plain).mean() < 1
    assert np.abs(other - plain).mean() > 3


def test_cavities_are_darker(sitter, vertices):
    flat = np.full((64, 64, 4), (128, 128, 255, 255), np.uint8)
    deep = np.full((64, 64, 4), (128, 128, 255, 100), np.uint8)
    bright, dim, dark = (
        draw(sitter, vertices, 300.0, SIZE, Relief(flat, deep, mix)).colour[SIZE[1] // 2].mean()
        for mix in (0.0, 0.5, 1.0)
    )
    assert dark < 0.97 * dim < 0.94 * bright


def test_the_picture_moves_with_its_centre(sitter, vertices):
    middle = draw(sitter, vertices, 300.0, SIZE).coverage
    moved = draw(sitter, vertices, 300.0, SIZE, centre=(70.0, 80.0)).coverage
    np.testing.assert_array_equal(moved[5:, 10:], middle[:-5, :-10])


def test_a_tongue_lies_in_the_shade_of_teeth_until_it_is_out(sitter):
    params = FaceParams.neutral(sitter.head, 2, focal=300.0)
    expression, jaw = params.expression.copy(), params.jaw.copy()
    jaw[:, 0] = 0.2
    expression[1, sitter.head.file.expression_names.index("tongueOut")] = 1
    params = params.replace(expression=expression, jaw=jaw)
    light = []
    for frame in range(2):
        table = vertex_table(sitter, sitter.head.camera_frame(params, frame), False)
        light.append(np.percentile(table[sitter.mask("tongue"), AMBIENT], 95))
    assert light[1] > 1.5 * light[0]


def test_light_through_a_window_follows_lambert():
    """A square window of 2 m: close behind it the whole sky, far away its area over pi d^2."""
    window = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    behind = np.array([[0, 0, -1e-4], [0, 0, -1.0], [0, 0, -30.0], [0, -5.0, -5.0]])
    light = through_polygon(window, behind)
    np.testing.assert_allclose(light[0], [0, 0, 1], atol=1e-3)
    np.testing.assert_allclose(light[1, 2], 0.5541, atol=1e-3)  # a square seen under 90 degrees
    np.testing.assert_allclose(light[2, 2], 4 / (np.pi * 900), rtol=2e-3)
    assert light[3, 1] > 0 < light[3, 2]  # it comes from above and from outside
    np.testing.assert_allclose(polygon_area(window), [0, 0, 4])


def test_teeth_are_bright_in_smiles_and_shaded_under_an_upper_lip(sitter):
    params = FaceParams.neutral(sitter.head, 3, focal=300.0)
    expression, jaw = params.expression.copy(), params.jaw.copy()
    names = sitter.head.file.expression_names
    for name in ("mouthSmileLeft", "mouthSmileRight", "mouthUpperUpLeft", "mouthUpperUpRight",
                 "mouthLowerDownLeft", "mouthLowerDownRight"):  # fmt: skip
        expression[0, names.index(name)] = 0.8
    jaw[:, 0] = 0.02, 0.06, 0.25
    params = params.replace(expression=expression, jaw=jaw)
    tables = [vertex_table(sitter, sitter.head.camera_frame(params, k), False) for k in range(3)]
    front = sitter.rest[0][:, 2] > sitter.rest[0][sitter.mask("upper_teeth"), 2].max() - 0.004
    upper, lower = (
        [float(np.median(table[sitter.mask(row) & front, AMBIENT])) for table in tables]
        for row in ("upper_teeth", "lower_teeth")
    )
    assert upper[0] > 0.5 > 2 * upper[1]  # a grin, a word
    assert lower[2] > 1.2 * upper[2]  # a wide open mouth


def test_cheeks_keep_light_from_side_teeth(sitter):
    params = FaceParams.neutral(sitter.head, 1, focal=300.0)
    vertices = sitter.head.camera_frame(params.replace(jaw=np.array([[0.1, 0.0, 0.0]])), 0)
    light = vertex_table(sitter, vertices, False)[:, AMBIENT]
    for row in ("upper_teeth", "lower_teeth"):
        aside, front = np.abs(vertices[:, 0]), vertices[sitter.mask(row), 2].max() - 0.01
        seen = sitter.mask(row) & (vertices[:, 2] > front)
        middle, side = seen & (aside < 0.006), seen & (aside > 0.016)
        assert np.median(light[side]) < 0.7 * np.median(light[middle])


def test_lids_keep_light_from_the_corners_of_whites(sitter, vertices):
    light = vertex_table(sitter, vertices, False)[sitter.in_socket, AMBIENT]
    eyes, lids = vertices[sitter.in_socket], upper_lids(sitter.head.file, vertices)
    corners = lids[:, [0, -1]].reshape(-1, 3)
    away = np.linalg.norm(eyes[:, None] - corners[None], axis=2).min(1)
    white = ~sitter.on_iris
    assert light[white & (away < 3e-3)].max() < 0.6 * np.median(light[white & (away > 8e-3)])


def test_a_tongue_that_looks_up_sees_no_sky(sitter):
    """It is lit through the lips, which look down a little: by the floor rather than by the sky."""
    head, size = sitter.head, (300, 400)
    params = FaceParams.neutral(head, 1, focal=900.0)
    vertices = head.camera_frame(params.replace(jaw=np.array([[0.3, 0.0, 0.0]])), 0)
    grey = Sitter(head, sitter.shape, np.full((64, 64, 3), 150, np.uint8))
    lips = project(embed(vertices, head.file.faces, head.file.landmarks_68)[[62, 66]], 900.0, size)
    (x, top), (_, bottom) = lips.round().astype(int)
    light = np.zeros((9, 3))
    light[0] = 1
    seen = []
    for light[2] in (0.5, -0.5):
        filmed = draw(grey, vertices, 900.0, size, light=light).filmed
        seen.append(np.median(filmed[top + 3 : bottom - 3, x]))
    assert seen[0] <= seen[1]


def test_what_is_dark_in_the_mouth_is_red(sitter):
    """All is painted grey: red it is by the flesh that its light has met."""
    head, size = sitter.head, (300, 400)
    params = FaceParams.neutral(head, 1, focal=900.0)
    vertices = head.camera_frame(params.replace(jaw=np.array([[0.3, 0.0, 0.0]])), 0)
    grey = Sitter(head, sitter.shape, np.full((64, 64, 3), 150, np.uint8))
    light = np.zeros((9, 3))
    light[0] = 1
    red, green, _ = np.moveaxis(draw(grey, vertices, 900.0, size, light=light).filmed, 2, 0) / 255.0
    lips = project(embed(vertices, head.file.faces, head.file.landmarks_68)[[62, 66]], 900.0, size)
    (x, top), (_, bottom) = lips.round().astype(int)
    between = slice(top + 3, bottom - 3), x
    assert np.median(red[between] / green[between]) > 1.12
    skin = green > 0.9 * np.median(green[green > 0])
    assert np.median(red[skin] / green[skin]) < 1.02
