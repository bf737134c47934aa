"""Following and telling apart faces: in a small painted world, and on real clips."""

import sys
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS
from engine.faces import following
from engine.faces.detector import (
    FaceDetector,
    FaceMesh,
    _mesh_graph,
    overlap,
    region_of,
    region_of_box,
)
from engine.faces.following import FollowOptions, begin, colour_change, follow_faces
from engine.faces.graph import mediapipe_module, packets, picture_packet
from engine.faces.looks import look_at, moved_share
from engine.faces.people import (
    NEAR_SHARE,
    _is_picture,
    choose_person,
    link_people,
    signature_of,
    unlikeness,
    usual_colours,
)
from engine.faces.track import FaceOptions, _warn, stretches, track_face
from engine.faces.views import view_of
from engine.media import Clip, open_clip, read_frames
from engine.progress import Report
from engine.weights import locate
from tests.made_tracks import made_track

SIZE = (320, 180)


def face_points(person: int) -> np.ndarray:
    """Points of an invented face of size 1 around 0: (478, 3); each person's shape differs."""
    common, own = np.random.default_rng(0), np.random.default_rng(person + 1)
    points = common.uniform(-0.5, 0.5, (478, 3)) * [0.8, 1.0, 0.4]
    points += own.normal(0, 0.03, (478, 3))
    points[[33, 263]] = [[-0.3, -0.2, 0], [0.3, -0.2, 0]]
    points[0], points[1] = [0, -0.5, 0], [0, 0.5, 0]  # so that all boxes are 1 high
    return points


@dataclass
class World:
    """Faces per frame: person -> (x, y, size); stands in for pictures, detector and mesh."""

    frames: list[dict[int, tuple[float, float, float]]]
    now: int = 0
    detections: list[int] = field(default_factory=list)  # frames in which the detector was asked

    def read_frames(self, clip: Clip):
        for frame in range(len(self.frames)):
            self.now = frame
            yield frame, self.paint()

    def paint(self) -> np.ndarray:
        image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        for person, (x, y, size) in sorted(self.frames[self.now].items(), key=lambda f: f[1][2]):
            rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
            inside = (abs(columns - x) < size * 0.5) & (abs(rows - y) < size * 0.55)
            stripes = (columns - x + (rows - y) * (person - 1)) / size * 12
            colour = [[190, 150, 120], [150, 100, 70], [200, 170, 160]][person % 3]
            wave = 45 * np.sin(stripes + person)[..., None]  # people differ by as much
            image[inside] = np.clip(np.array(colour) + wave, 0, 255)[inside]
        return image

    def find_small(self, picture: np.ndarray, levels: int) -> np.ndarray:
        self.detections.append(self.now)
        boxes = [
            [x - s / 2, y - s / 2, x + s / 2, y + s / 2, 0.9] for x, y, s in self._front().values()
        ]
        return np.array(boxes).reshape(-1, 5)

    def find(self, view, region: np.ndarray) -> tuple[np.ndarray, float]:
        nearest = min(
            self._front().items(),
            key=lambda face: np.hypot(face[1][0] - region[0], face[1][1] - region[1]),
            default=None,
        )
        if nearest is None:
            return np.zeros((478, 3), np.float32), 0.0
        person, (x, y, size) = nearest
        reached = np.hypot(x - region[0], y - region[1]) < region[2] * 0.4
        points = face_points(person) * size + [x, y, 0]
        return points.astype(np.float32), 0.99 if reached else 0.01

    def _front(self) -> dict[int, tuple[float, float, float]]:
        """The faces that no larger face covers."""
        faces = self.frames[self.now]
        return {
            person: (x, y, s)
            for person, (x, y, s) in faces.items()
            if not any(
                s < t and abs(x - u) < 0.6 * t and abs(y - v) < 0.6 * t
                for u, v, t in faces.values()
            )
        }


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch):
    def run(frames: list[dict[int, tuple[float, float, float]]]):
        world = World(frames)
        clip = clip_of(len(frames))
        monkeypatch.setattr(following, "read_frames", world.read_frames)
        monkeypatch.setattr(following, "FaceDetector", lambda: world)
        monkeypatch.setattr(following, "FaceMesh", lambda: world)
        followed = follow_faces(clip, FollowOptions(), Report())
        return world, clip, followed, link_people(followed, clip)

    return run


def clip_of(count: int) -> Clip:
    times = np.arange(count) / 25
    return Clip(Path("a.mp4"), "video", Fraction(25), times, SIZE, False, 0.0, np.arange(count))


def who(person, world: World) -> list[int]:
    """Which of the world's people each of a person's frames shows, by place."""
    shown = []
    for frame, points in zip(person.frames, person.points, strict=True):
        middle = points[:, :2].mean(0)
        faces = world.frames[frame]
        shown.append(min(faces, key=lambda p: np.hypot(*(np.array(faces[p][:2]) - middle))))
    return shown


def test_one_face_is_followed_with_few_detections(follow) -> None:
    world, _, followed, people = follow([{0: (100 + k, 90, 60)} for k in range(40)])
    assert len(followed.tracklets) == 1 and not followed.cuts
    assert list(people[0].frames) == list(range(40))
    assert len(world.detections) == 4


def test_lost_face_is_found_again(follow) -> None:
    frames = [{0: (150, 90, 60)} for _ in range(60)]
    frames[20:35] = [{}] * 15
    _, _, followed, people = follow(frames)
    assert len(followed.tracklets) == 2 and len(people) == 1
    assert sorted(set(range(60)) - set(people[0].frames)) == list(range(20, 35))


def test_faces_that_cross_keep_their_people(follow) -> None:
    width = SIZE[0]
    frames = [{0: (60 + 4 * k, 90, 70), 1: (width - 60 - 4 * k, 92, 55)} for k in range(50)]
    world, _, _, people = follow(frames)
    assert len(people) == 2
    for person in people:
        shown = who(person, world)
        assert len(shown) >= 33
        assert shown.count(shown[0]) == len(shown), shown


def test_another_face_does_not_take_over(follow) -> None:
    """The captured person leaves; someone else comes to the same place."""
    frames = [{0: (150, 90, 70)} for _ in range(30)]
    frames += [{} for _ in range(10)]
    frames += [{1: (150, 90, 70)} for _ in range(20)]
    world, _, _, people = follow(frames)
    assert len(people) == 2
    assert set(who(people[0], world)) == {0} and list(people[0].frames) == list(range(30))


def test_cut_to_another_person(follow) -> None:
    frames = [{0: (150, 90, 100)} for _ in range(20)] + [{1: (160, 95, 100)} for _ in range(20)]
    *_, people = follow(frames)
    shown = sorted(list(person.frames) for person in people)
    assert shown == [list(range(20)), list(range(20, 40))]


def test_grain_that_always_flickers_is_no_other_face(follow, monkeypatch) -> None:
    """A dithered film changes every colour in every picture; another face changes them more."""
    flicker = iter([3.0] * 19 + [5.0] + [3.0] * 19)
    monkeypatch.setattr(following, "colour_change", lambda *looks: next(flicker, 3.0))
    _, _, followed, _ = follow([{0: (150, 90, 60)} for _ in range(40)])
    assert [t.frames[0] for t in followed.tracklets] == [0, 20]


def test_no_face(follow) -> None:
    *_, people = follow([{} for _ in range(20)])
    assert not people


def test_choice_by_number_region_and_size(follow) -> None:
    frames = [{0: (70, 90, 50), 1: (230, 90, 80)} for _ in range(20)]
    world, clip, _, people = follow(frames)
    report = Report()
    default = choose_person(people, None, None, clip, report)
    assert who(default, world)[0] == 1
    assert "2 faces" in report.warnings[0] and "on the right" in report.warnings[0]
    assert who(choose_person(people, 2, None, clip, report), world)[0] == 0
    assert who(choose_person(people, None, (40, 60, 60, 60), clip, report), world)[0] == 0
    with pytest.raises(AVFaceError, match="no face 3"):
        choose_person(people, 3, None, clip, report)
    with pytest.raises(AVFaceError, match="region"):
        choose_person(people, None, (0, 0, 5, 5), clip, report)


def test_signature_ignores_pose_and_scale(follow) -> None:
    frames = [{0: (90, 90, 60), 1: (240, 90, 60)} for _ in range(6)]
    _, _, followed, _ = follow(frames)
    one, other = (signature_of(t) for t in followed.tracklets)
    moved = followed.tracklets[0]
    angle = np.radians(25)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    moved.points = [(p @ turn * 1.7 + 30).astype(np.float32) for p in moved.points]
    assert unlikeness(one, signature_of(moved)) < 0.05
    assert unlikeness(one, other) > 1.9


def test_neither_a_grin_nor_a_hand_makes_another_person(follow) -> None:
    frames = [{0: (90, 90, 60), 1: (240, 90, 60)} for _ in range(6)]
    _, _, followed, _ = follow(frames)
    one, other = (signature_of(t) for t in followed.tracklets)
    tracklet = followed.tracklets[0]
    grin = np.random.default_rng(0).normal(0, 4, (478, 3))
    tracklet.points = [(p + grin).astype(np.float32) for p in tracklet.points]
    assert unlikeness(one, signature_of(tracklet)) < 0.5
    covered = one.copy()
    covered[np.argsort(tracklet.points[0][:468, 1])[234:]] = (9, 9, 9)
    share = NEAR_SHARE
    assert unlikeness(one, covered, share) < 0.1 < 1 < unlikeness(one, other, share)


def test_what_a_hand_leaves_free_has_the_colours_of_before(follow) -> None:
    """Over a half of the face, from one side, it looks like a change of light to `signature_of`."""
    _, _, followed, _ = follow([{0: (90, 90, 60), 1: (240, 90, 60)} for _ in range(6)])
    one, other = followed.tracklets
    share, beneath = NEAR_SHARE, one.points[0][:468, 0] > 90
    before, hand = usual_colours(one), np.array([30, 20, 20])
    one.looks = [replace(look, colours=look.colours.copy()) for look in one.looks]
    for look in one.looks:
        look.colours[:468][beneath] = hand
    assert beneath.mean() > 0.4
    assert unlikeness(before, usual_colours(one), share) < 0.1
    assert unlikeness(before, usual_colours(other), share) > 1


def test_overlap_and_regions() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30.0]])
    np.testing.assert_allclose(overlap(boxes[:1], boxes)[0], [1, 1 / 3, 0])
    points = face_points(0)
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert region_of(points)[3] == pytest.approx(0)
    assert region_of(points[:, :2] @ turn)[3] == pytest.approx(angle)
    assert region_of_box(np.array([10, 20, 30, 60.0]))[:2] == pytest.approx([20, 40])


@pytest.mark.parametrize("side", [40.0, 2000.0])
def test_view_keeps_places(side: float) -> None:
    picture = np.zeros((1200, 1600, 3), np.uint8)
    picture[596:604, 796:804] = 255  # around (800, 600)
    view = view_of(picture, np.array([790.0, 590.0, side, 0.3]))
    x, y = view.inside(np.array([800.0, 600.0]))
    found = np.argwhere(view.pixels[..., 0] > 100).mean(0) + 0.5
    assert found == pytest.approx([y, x], abs=0.6)
    assert max(view.pixels.shape) < 700


def test_graphs_keep_their_notes_to_themselves(capfd) -> None:
    graph = _mesh_graph.__wrapped__()
    square = mediapipe_module("framework.formats.rect_pb2").NormalizedRect
    whole = square(x_center=0.5, y_center=0.5, width=1.0, height=1.0)
    roi = packets().create_proto(whole)
    assert graph.run(image=picture_packet(np.zeros((192, 192, 3), np.uint8)), roi=roi)
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "after\n"


def test_stretches() -> None:
    assert stretches(np.array([1, 1, 0, 0, 1], bool)) == [(0, 1), (4, 4)]
    assert stretches(np.zeros(3, bool)) == []


def test_sound_has_no_face() -> None:
    sound = Clip(
        Path("a.wav"), "sound", Fraction(25), np.zeros(0), (0, 0), True, 0.0, np.zeros(0, int)
    )
    with pytest.raises(AVFaceError, match="sound only"):
        track_face(sound, FaceOptions(), Report())


def test_real_faces(clips: Path) -> None:
    fractions: list[float] = []
    report = Report(listener=lambda stage, fraction: fractions.append(fraction))
    track = track_face(open_clip(clips / "hard" / "face_gone_30_45.mp4"), FaceOptions(), report)
    assert list(np.flatnonzero(~track.seen)) == list(range(30, 46))
    assert np.isfinite(track.landmarks[track.seen]).all() and np.isnan(track.boxes[30]).all()
    assert report.warnings == ["The face is lost for 0.6 s at 1.2 s."]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


def test_covered_mouth_is_noticed(clips: Path) -> None:
    clip = open_clip(clips / "hard" / "mouth_covered_20_44.mp4")
    mouth = track_face(clip, FaceOptions(), Report()).confidence[:, REGIONS.index("mouth")]
    assert (mouth[20:45] < 0.1).all()
    assert (mouth[:17] > 0.9).all() and (mouth[48:] > 0.9).all()


def test_cartoon_has_no_face(clips: Path) -> None:
    with pytest.raises(AVFaceError, match="No face"):
        track_face(open_clip(clips / "noface_bunny.webm", end=2.0), FaceOptions(), Report())


@pytest.mark.parametrize(
    ("times", "covered", "said"),
    [
        ([0.0], 1, "The mouth is covered."),
        ([0.0, 0.04, 0.08], 2, "The mouth is covered for 0.1 s at 0.0 s."),
        ([0.0, 0.04, 0.08], 3, "The mouth is covered through the whole clip."),
    ],
)
def test_a_cover_is_told_with_its_time_where_time_passes(times, covered, said):
    confidence = np.ones((len(times), len(REGIONS)))
    confidence[:covered, REGIONS.index("mouth")] = 0.2
    landmarks = np.zeros((len(times), 478, 3), np.float32)
    track = made_track(landmarks, SIZE, confidence=confidence, times=np.array(times))
    report = Report()
    _warn(track, report)
    assert report.warnings == [said]


def test_a_mouth_beyond_the_edge_is_told_as_that():
    landmarks = np.full((4, 478, 3), 50.0, np.float32)
    landmarks[:2, :, 1] = SIZE[1] + 9
    confidence = np.ones((4, len(REGIONS)))
    confidence[:2, REGIONS.index("mouth")] = 0
    track = made_track(landmarks, SIZE, 10, confidence=confidence)
    report = Report()
    _warn(track, report)
    assert report.warnings == ["The mouth is outside the picture for 0.2 s at 0.0 s."]


def test_a_face_larger_than_the_picture_is_found() -> None:
    """Chin, ears and forehead are beyond the edge: no nose is to be taken for a face."""
    _, picture = next(read_frames(open_clip(locate("demo_clip")), 10))
    detector = FaceDetector()
    x0, y0, x1, y1 = detector.find(picture)[0, :4]
    inset = 0.2 * (y1 - y0)
    left, top = int(x0 + inset / 2), int(y0 + inset)
    near = picture[top : int(y1 - inset), left : int(x1 - inset / 2)]
    assert not len(detector.find(near))
    found = detector.find_small(near, 2)
    place = np.array([[x0 - left, y0 - top, x1 - left, y1 - top]])
    assert len(found) == 1 and overlap(found, place)[0, 0] > 0.7


def test_a_picture_of_one_pixel_shows_nobody() -> None:
    assert not len(FaceDetector().find_small(np.zeros((1, 1, 3), np.uint8), 3))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_on_its_side_or_its_head_is_found_as_it_lies(quarters: int) -> None:
    _, picture = next(read_frames(open_clip(locate("demo_clip")), 10))
    turned = np.ascontiguousarray(np.rot90(picture, quarters))
    options, mesh = FollowOptions(), FaceMesh()
    detector = FaceDetector()
    found = begin(detector.find_small(picture, 1), [], 0, picture, mesh, options)
    lying = begin(detector.find_small(turned, 1), [], 0, turned, mesh, options)
    assert len(found) == len(lying) == 1
    turn = region_of(lying[0].points[0])[3] - region_of(found[0].points[0])[3]
    assert np.exp(1j * turn) == pytest.approx(np.exp(-0.5j * np.pi * quarters), abs=0.1)


def test_a_half_covered_face_is_not_taken_for_a_turned_one() -> None:
    _, picture = next(read_frames(open_clip(locate("demo_clip")), 10))
    options, mesh, detector = FollowOptions(), FaceMesh(), FaceDetector()
    boxes = detector.find_small(picture, 1)
    (clear,) = begin(boxes, [], 0, picture, mesh, options)
    points = clear.points[0][:468, :2]
    low, high = points.min(0).astype(int), points.max(0).astype(int)
    covered = picture.copy()
    covered[(low[1] + high[1]) // 2 : high[1], low[0] : high[0]] = (180, 140, 110)
    (found,) = begin(boxes, [], 0, covered, mesh, options)
    assert abs(region_of(found.points[0])[3] - region_of(clear.points[0])[3]) < 0.3


def test_a_hand_that_comes_in_is_no_light() -> None:
    _, picture = next(read_frames(open_clip(locate("demo_clip")), 10))
    mesh, detector = FaceMesh(), FaceDetector()
    boxes = detector.find_small(picture, 1)
    (face,) = begin(boxes, [], 0, picture, mesh, FollowOptions())
    points, look = face.points[0], face.looks[0]
    half = points[:468, 0] > np.quantile(points[:468, 0], 0.6)
    colours = look.colours.copy()
    colours[:468][half] = 255 - colours[:468][half]
    assert colour_change(look, replace(look, colours=colours), points) < 0.1


def test_bands_of_light_are_no_other_face() -> None:
    _, picture = next(read_frames(open_clip(locate("demo_clip")), 10))
    [face] = begin(FaceDetector().find(picture), [], 0, picture, FaceMesh(), FollowOptions())
    points, height = face.points[0], len(picture)
    looks = [
        look_at(view_of(shown, region_of(points)), points)
        for phase in (0, 2)
        for band in [1 + 0.07 * np.sin(np.arange(height) / height * 9 + phase)]
        for shown in [np.clip(picture * band[:, None, None], 0, 255).astype(np.uint8)]
    ]
    assert colour_change(looks[0], looks[1], points) < 0.7 * FollowOptions().largest_change
    mixed = np.roll(looks[1].colours, 5, axis=0)
    assert colour_change(looks[0], replace(looks[1], colours=mixed), points) > 2


def test_pixels_that_stand_still_are_counted() -> None:
    before = np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    points = np.random.default_rng(1).uniform(10, 50, (478, 3))
    assert moved_share(before, before, points) == 0
    assert moved_share(before + 1, before, points) == 1
    assert 0 <= moved_share(before, before, points + 100) <= 1  # beyond the picture


def test_a_face_that_never_moves_is_a_picture_of_one() -> None:
    points = np.zeros((60, 478, 3))
    points[:, 263, 0], points[:, [145, 374], 1], points[:, 14, 1] = 100, 8, 3
    points += np.random.default_rng(0).normal(0, 0.2, points.shape)
    assert _is_picture(points) and not _is_picture(points[:20])
    points[30:33, [145, 374], 1] = 1  # a blink
    assert not _is_picture(points)
