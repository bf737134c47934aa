"""Relief that is known is found again: a head with grooves, lit and drawn by the test itself."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.detail.bake import bake_normals, encode
from engine.detail.face_sheet import FaceSheet, build_sheet, map_surface
from engine.detail.folds import fold_zones, open_skin, region_reach, trusted
from engine.detail.keys import denser, key_frames, lenders
from engine.detail.recover import DetailOptions, recover_detail
from engine.detail.residual import LINES_TRUST, Grain, gate, off_hair
from engine.detail.slopes import differences, surface_steps
from engine.exchange.take import REGIONS
from engine.faces.track import FaceTrack
from engine.geometry import embed, harmonics, project
from engine.head.model import FaceParams, Head
from engine.head.places import tracked_points
from engine.media import Clip, open_clip
from engine.progress import Report
from engine.render import interpolate, rasterize

SIDE, FOCAL, DISTANCE = 448, 900.0, 0.55  # px, px, m: 1.6 px per mm
LAMP = np.array([0.55, 0.15, 0.4, 0.25, 0, 0, 0, 0, 0.03])  # from above and a little aside
FRAMES = 10


@pytest.fixture(scope="module")
def params(head: Head) -> FaceParams:
    return FaceParams.neutral(head, FRAMES, FOCAL, DISTANCE)


@pytest.fixture(scope="module")
def sheet(head: Head, params: FaceParams) -> FaceSheet:
    return build_sheet(head, head.rest(params.shape)[0], 384)


@pytest.fixture(scope="module")
def grooves(sheet: FaceSheet) -> np.ndarray:
    """(R, R) mm: five grooves across the forehead, 0.4 mm deep, 5 mm apart."""
    row = np.arange(sheet.size)[:, None] * sheet.texel_mm
    brow = sheet.landmarks[[105, 334], 1].mean() * sheet.texel_mm
    depth = np.sum([np.exp(-(((row - brow + 10 + 5 * k) / 0.9) ** 2) / 2) for k in range(5)], 0)
    forehead = fold_zones(sheet) * open_skin(sheet) * (row < brow)
    return (-0.4 * depth * forehead).astype(np.float32)


def _draw(
    head: Head, params: FaceParams, sheet: FaceSheet, relief: np.ndarray, albedo: float = 0.5
):
    """The head under LAMP with a relief, (SIDE, SIDE, 3) uint8: no code of the solver's."""
    vertices = head.camera_frame(params, 0)
    surface = map_surface(sheet, vertices, head.file.faces)
    du, dv = differences(relief)
    step_u, step_v = surface_steps(surface)
    normals = surface.normal - step_u * du[..., None] - step_v * dv[..., None]
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)

    screen = np.column_stack([project(vertices, FOCAL, (SIDE, SIDE)), -vertices[:, 2]])
    face_id, weights = rasterize(screen, head.file.faces, (SIDE, SIDE))
    uv = interpolate(head.file.uv, head.file.uv_faces, face_id, weights)
    left, bottom, side = sheet.window
    column = (uv[..., 0] - left) / side * sheet.size - 0.5
    row = sheet.size - (uv[..., 1] - bottom) / side * sheet.size - 0.5
    seen = cv2.remap(normals, column, row, cv2.INTER_LINEAR)
    reflectance = cv2.remap(_marks(sheet), column, row, cv2.INTER_LINEAR)
    lit = reflectance * np.maximum(harmonics(seen) @ LAMP, 0.02)
    linear = np.where((face_id >= 0) & (np.linalg.norm(seen, axis=-1) > 0.5), lit, 0.02)
    colour = linear[..., None] * np.array([1.0, 0.7, 0.55])
    encoded = np.where(
        colour < 0.0031308, 12.92 * colour, 1.055 * np.maximum(colour, 1e-6) ** (1 / 2.4) - 0.055
    )
    return np.clip(encoded * 255, 0, 255).astype(np.uint8)


def _marks(sheet: FaceSheet) -> np.ndarray:
    """(R, R) reflectance with faint blotches, as skin has: what registration holds on to."""
    noise = np.random.default_rng(0).normal(size=(sheet.size, sheet.size)).astype(np.float32)
    blotches = cv2.GaussianBlur(noise, (0, 0), 1.2 / sheet.texel_mm)
    return 0.5 * np.exp(0.04 * blotches / blotches.std())


def _track(head: Head, params: FaceParams, confidence: float = 1.0) -> FaceTrack:
    points, (*on_skin, aside) = [], tracked_points(head.file)
    for t in range(len(params)):
        vertices = head.camera_frame(params, t)
        mesh, iris = (embed(vertices, head.file.faces, x) for x in (tuple(on_skin), head.file.iris))
        places = np.concatenate([mesh + aside, iris])
        pixels = project(places, FOCAL, (SIDE, SIDE))
        points.append(np.column_stack([pixels, np.zeros(len(pixels))]))
    landmarks = np.array(points, np.float32)
    frames = len(params)
    return FaceTrack(
        boxes=np.tile([100.0, 100, 300, 300], (frames, 1)),
        landmarks=landmarks,
        seen=np.ones(frames, bool),
        confidence=np.full((frames, len(REGIONS)), confidence, np.float32),
        times=np.arange(frames) / 25,
        size=(SIDE, SIDE),
    )


def _clip(folder: Path, pictures: list[np.ndarray]) -> Clip:
    folder.mkdir()
    for k, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{k:04d}.png"), picture[..., ::-1])
    return open_clip(folder, fps=25)


def _recover(clip: Clip, head: Head, params: FaceParams, track: FaceTrack | None = None, **options):
    options = DetailOptions(texels=384, **options)
    detail = recover_detail(clip, track or _track(head, params), params, head, options, Report())
    assert detail is not None
    return detail


def _resized(relief: np.ndarray, size: int) -> np.ndarray:
    return cv2.resize(relief, (size, size), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def lasting(head, params, sheet, grooves, tmp_path_factory):
    """Grooves in every frame."""
    picture = _draw(head, params, sheet, grooves)
    clip = _clip(tmp_path_factory.mktemp("lasting") / "pictures", [picture] * FRAMES)
    return clip, _recover(clip, head, params)


@pytest.fixture(scope="module")
def passing(head, params, sheet, grooves, tmp_path_factory):
    """Grooves in the last three frames, in which the brows are up."""
    flat, grooved = (_draw(head, params, sheet, relief) for relief in (0 * grooves, grooves))
    pictures = [flat] * (FRAMES - 3) + [grooved] * 3
    clip = _clip(tmp_path_factory.mktemp("passing") / "pictures", pictures)
    return clip, _recover(clip, head, params, key_seconds=0.09)


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1)))


def _raised_normals(head: Head, params: FaceParams, sheet: FaceSheet, relief: np.ndarray):
    surface = map_surface(sheet, head.camera_frame(params, 0), head.file.faces)
    du, dv = differences(relief)
    step_u, step_v = surface_steps(surface)
    normals = surface.normal - step_u * du[..., None] - step_v * dv[..., None]
    return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)


def test_lasting_grooves_are_found(head, params, sheet, grooves, lasting):
    detail = lasting[1]
    truth = _resized(grooves, detail.sheet.size)
    grooved = cv2.dilate((truth < -0.1).astype(np.uint8), np.ones((9, 9))) > 0
    assert np.corrcoef(detail.static[grooved], truth[grooved])[0, 1] > 0.4
    true, flat, found = (
        _raised_normals(head, params, detail.sheet, relief)[grooved]
        for relief in (truth, 0 * truth, detail.static)
    )
    assert _angle(found, true).mean() < 0.9 * _angle(flat, true).mean()


def test_heads_that_the_network_has_not_met_are_read_by_shading_alone(
    head, params, lasting, monkeypatch
):
    clip, detail = lasting
    monkeypatch.setattr("engine.detail.recover.knows", lambda _: False)
    monkeypatch.setattr("engine.detail.recover.learned_relief", None)
    assert np.abs(_recover(clip, head, params).static - detail.static).max() > 0.02


def test_passing_grooves_are_dynamic(grooves, passing):
    detail = passing[1]
    truth = _resized(grooves, detail.sheet.size)
    grooved = cv2.dilate((truth < -0.1).astype(np.uint8), np.ones((9, 9))) > 0
    assert len(detail.dynamic) == len(detail.frames) == len(detail.times)
    for k, frame in enumerate(detail.frames):
        found = detail.dynamic[k]
        if frame < FRAMES - 3:
            assert np.abs(found).max() < 0.05
        else:
            assert np.corrcoef(found[grooved], truth[grooved])[0, 1] > 0.55
            assert found[truth < -0.3].mean() < -0.05


def test_passing_grooves_are_dark_and_nothing_else(grooves, passing):
    detail = passing[1]
    truth = _resized(grooves, detail.sheet.size)
    grooved = cv2.dilate((truth < -0.1).astype(np.uint8), np.ones((9, 9))) > 0
    calm, folded = detail.cavities[0], detail.cavities[len(detail.frames) - 1]
    assert max(calm.max(), folded.max()) <= 0
    assert calm.min() > -0.05
    seen = detail.mask > 0.5
    assert folded[~grooved & seen].mean() > 0.1 * folded[grooved & seen].mean()


def test_a_quick_expression_has_more_keys(head, params):
    track = _track(head, params)
    quick = params.replace(expression=params.expression.copy())
    quick.expression[6:, 0] = 1.0
    keys = np.array([0, 5, 9])
    assert denser(keys, params, track).tolist() == keys.tolist()
    track.seen[7] = False
    found = denser(keys, quick, track).tolist()
    assert {0, 5, 9} < set(found) and 7 not in found and max(found[:-1]) > 5
    assert [k for k in found if k < 5] == [0]


def test_keys_of_short_films_keep_their_own_maps(head, params):
    keys = np.arange(FRAMES)
    assert lenders(keys, params, _track(head, params), most=FRAMES).tolist() == keys.tolist()


def test_an_expression_that_comes_again_shows_the_same_map(head, params):
    """Two units in turn, each as strong as the time before: rest, the one, rest, the other."""
    again = params.replace(expression=params.expression.copy())
    again.expression[1::4, 0] = 1.0
    again.expression[3::4, 1] = 0.8
    keys, track = np.arange(FRAMES), _track(head, params)
    lent = lenders(keys, again, track, most=4)
    assert len(set(lent)) == 3
    assert np.abs(again.expression[lent] - again.expression).max() == 0
    assert len(set(lenders(keys, again, track, most=2))) == 2
    track.confidence[1, REGIONS.index("mouth")] = 0.1  # a hand before it: the next time lends
    assert set(lenders(keys, again, track, most=4)[1::4]) == {5}


def test_keys_that_share_a_map_name_one_picture(head, params, passing, tmp_path):
    detail = passing[1]
    shared = replace(detail, shown=np.arange(len(detail.frames)) // 2)
    written = bake_normals(shared, head, params, tmp_path, "name")
    names = written["dynamic_normals"]
    assert len(names) == len(written["detail_times"]) and names[0] == names[1] != names[2]


def test_blotches_hardly_become_relief(passing):
    """4 % of contrast in the albedo; mm."""
    seen = passing[1].mask > 0.5
    assert np.sqrt((passing[1].static[seen] ** 2).mean()) < 0.05


def test_eyes_lips_and_brows_stay_flat(lasting):
    detail = lasting[1]
    for landmark in (159, 386, 13, 14, 105, 334):  # lids, lips, brows
        column, row = np.round(detail.sheet.landmarks[landmark]).astype(int)
        assert abs(detail.static[row, column]) < 0.03


def test_a_region_of_low_confidence_stays_flat(head, params, sheet, grooves, tmp_path):
    picture = _draw(head, params, sheet, grooves)
    track = _track(head, params)
    track.confidence[:, REGIONS.index("brows")] = 0.0
    detail = _recover(_clip(tmp_path / "pictures", [picture] * 4), head, params[:4], replace(
        track, **{name: getattr(track, name)[:4] for name in (
            "boxes", "landmarks", "seen", "confidence", "times")}
    ))  # fmt: skip
    row, column = np.mgrid[: detail.sheet.size, : detail.sheet.size]
    right, left = detail.sheet.landmarks[[105, 334]]
    above_brows = (row < right[1]) & (row > right[1] - 12 / detail.sheet.texel_mm)
    above_brows &= (column > right[0]) & (column < left[0])
    assert np.abs(detail.static[above_brows]).max() < 0.02


def test_a_mask_leaves_the_skin_above_it(sheet):
    """It reaches from the nose's bridge to the jaw; the face's low confidence is its, too."""
    reach = region_reach(sheet)

    def trust(**confidence: float) -> tuple[np.ndarray, np.ndarray]:
        """At points above a mask and beneath it."""
        told = np.array([confidence.get(region, 0.95) for region in REGIONS])
        left = trusted(reach, told)
        above, beneath = (
            np.round(sheet.landmarks[list(points)]).astype(int)
            for points in ((151, 9, 69, 299), (4, 50, 280, 205, 425, 172, 397, 18, 200))
        )
        return left[above[:, 1], above[:, 0]], left[beneath[:, 1], beneath[:, 0]]

    masked = trust(face=0.3, mouth=0.0)
    assert masked[0].min() == 1 and masked[1].max() == 0
    assert max(map(np.max, trust(face=0.3, mouth=0.0, brows=0.0))) == 0
    assert max(map(np.max, trust(face=0.2))) == 0
    assert min(map(np.min, trust())) == 1


def test_dark_glasses_leave_no_skin_beneath_their_lenses(sheet):
    """They reach farther than what is before one eye."""
    reach = region_reach(sheet)
    below_lid = np.round(sheet.landmarks[[50, 280]]).astype(int)  # cheekbones
    told = np.full(len(REGIONS), 0.95)
    told[REGIONS.index("left_eye")] = 0
    one = trusted(reach, told)[below_lid[:, 1], below_lid[:, 0]]
    told[REGIONS.index("right_eye")] = 0
    both = trusted(reach, told)[below_lid[:, 1], below_lid[:, 0]]
    assert one[0] == 1 and both.max() < min(one[1], 0.3)


def test_nothing_is_made_of_a_far_face(head, params, sheet, grooves, tmp_path):
    clip = _clip(tmp_path / "pictures", [_draw(head, params, sheet, grooves)] * 2)
    report = Report()
    far = params.replace(head_translation=params.head_translation * 4)
    assert recover_detail(clip, _track(head, params), far, head, DetailOptions(), report) is None
    assert "too small" in report.warnings[0]
    assert bake_normals(None, head, far, tmp_path, "name") == {}


def test_pictures_are_written_whole(head, params, passing, tmp_path):
    detail = replace(passing[1], size=512)
    written = bake_normals(detail, head, params, tmp_path, "name")
    names = (written["static_normals"], *written["dynamic_normals"])
    assert names[0] == "name.normals/static.png"
    assert names[-1] == f"name.normals/frame_{detail.frames[-1]:06d}.png"
    assert len(written["detail_times"]) == len(written["dynamic_normals"])
    assert sorted(p.name for p in (tmp_path / "name.normals").iterdir()) == sorted(
        Path(name).name for name in names
    )
    picture = cv2.imread(str(tmp_path / names[-1]), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape == (512, 512, 4) and picture.dtype == np.uint8
    assert tuple(picture[0, 0]) == (255, 128, 128, 255)  # OpenCV reads B, G, R, alpha
    assert (picture[..., :3] != (255, 128, 128)).any()


def test_a_groove_is_green_below_and_dark_green_above(head, params, passing, tmp_path):
    """+Y green: the lower side of a horizontal groove faces up."""
    detail = replace(passing[1], size=1024)
    names = bake_normals(detail, head, params, tmp_path, "name")["dynamic_normals"]
    picture = cv2.imread(str(tmp_path / names[-1]))
    assert picture is not None
    green = picture[..., 1].astype(float) - 128
    left, bottom, side = detail.sheet.window
    size = round(side * 1024)
    relief = cv2.resize(detail.dynamic[len(detail.frames) - 1], (size, size))
    column, row = round(left * 1024), round((1 - bottom - side) * 1024)
    part = green[row : row + size, column : column + size]
    rising_upwards = -np.gradient(relief, axis=0)
    steep = np.abs(rising_upwards) > np.abs(rising_upwards).max() / 4
    assert np.corrcoef(part[steep], -rising_upwards[steep])[0, 1] > 0.8


def test_encoding_keeps_the_place_on_the_sheet():
    """A tilted dot of the window lands where its UV is on the sheet."""
    normals = np.zeros((64, 64, 3), np.float32)
    normals[..., 2] = 1
    normals[16:24, 40:48] = np.array([0.6, 0, 0.8])
    sheet = encode(normals, (0.25, 0.5, 0.4), 320)
    rows, columns = np.nonzero(sheet[..., 0] > 180)
    u, v = (columns.mean() + 0.5) / 320, 1 - (rows.mean() + 0.5) / 320
    assert u == pytest.approx(0.25 + 0.4 * 44 / 64, abs=1 / 320)
    assert v == pytest.approx(0.9 - 0.4 * 20 / 64, abs=1 / 320)


def test_key_frames_skip_what_is_not_seen(head, params):
    track = _track(head, FaceParams.neutral(head, 100, FOCAL))
    track.seen[30:60] = False
    frames = key_frames(track, 0.2)
    assert track.seen[frames].all()
    assert (np.diff(frames) > 0).all()
    assert np.diff(frames)[frames[:-1] < 20].max() == 5
    assert frames[0] == 0 and frames[-1] == 99


def test_beside_hair_nothing_passes_and_less_beneath_a_fringe():
    bare = np.ones((80, 80), np.float32)
    bare[:, :40] = 0
    fringe = np.zeros((80, 80), bool)
    fringe[:40] = True
    left = off_hair(bare, fringe, 0.5)
    assert left[:, :42].max() == 0 and left[:, 79].min() == 1
    assert left[60, 50] == 1 and left[10, 50] < 0.7


def test_a_coarse_picture_counts_less():
    gains = [Grain(0.5, picture_mm).gain for picture_mm in (0.4, 0.7, 1.2, 2.0)]
    assert gains[0] == gains[1] == 1 and 0 < gains[2] < 1 and gains[3] == 0


def test_fine_lines_pass_and_pores_do_not():
    grain, row = Grain(0.25, 0.3), np.arange(160)
    crease = np.tile(-0.2 * np.exp(-0.5 * ((row[:, None] - 80) * grain.texel_mm / 0.4) ** 2), 160)
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(160, 160)), (0, 0), 1.6)
    pores = 0.06 * noise / noise.std()
    weight, nowhere = np.ones((160, 160), np.float32), np.zeros((160, 160))
    middle = np.s_[60:100, 60:100]
    for left, share in ((crease, (0.5, 1)), (pores, (0, 0.3))):
        taken = gate(left.astype(np.float32), weight, nowhere, grain, LINES_TRUST)
        assert share[0] <= taken[middle].std() / left[middle].std() <= share[1]
