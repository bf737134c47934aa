"""Covers, turning and blur on an invented face whose colours are known."""

import cv2
import numpy as np
import pytest

from engine.exchange.take import REGIONS
from engine.faces.colour_cover import colour_witness
from engine.faces.looks import (
    LOWER_INNER,
    LOWER_OUTER,
    MOUTH_ROWS,
    UPPER_INNER,
    UPPER_OUTER,
    Look,
    look_at,
)
from engine.faces.mouth import lips_missing, lips_shown, read_teeth, thing_between
from engine.faces.partial import LIPS
from engine.faces.parts import head_angles
from engine.faces.views import View
from engine.faces.visibility import judge_visibility

FRAMES = 90
SKIN_RGB = np.array([200, 150, 125])
HAND_RGB = np.array([196, 148, 124])


def face_shape() -> np.ndarray:
    """478 points in eye widths: y down, the chin at 1.1; anatomical only where tests look."""
    rng = np.random.default_rng(3)
    points = np.column_stack([rng.uniform(-0.65, 0.65, 478), rng.uniform(-0.6, 1.1, 478)])
    depth = 0.5 * points[:, 0] ** 2 + 0.2 * (points[:, 1] - 0.25) ** 2
    points = np.column_stack([points, depth])
    lines = {
        UPPER_INNER: 0.70, LOWER_INNER: 0.72, UPPER_OUTER: 0.64, LOWER_OUTER: 0.80,
    }  # fmt: skip
    for line, height in lines.items():
        points[list(line), 0] = np.linspace(-0.22, 0.22, len(line))
        points[list(line), 1] = height
    points[[61, 291], :2] = [[-0.28, 0.71], [0.28, 0.71]]
    points[[33, 133, 362, 263], :2] = [[-0.5, 0], [-0.17, 0], [0.17, 0], [0.5, 0]]
    points[[10, 152], :2] = [[0, -0.7], [0, 1.1]]
    points[4, :2] = [0, 0.4]
    points[[33, 263, 10, 152], 2] = 0.1
    return points


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Landmarks (T, 478, 3), Lab colours (T, 478, 3) and edges (T, 478) of a talking face."""
    rng = np.random.default_rng(0)
    shape = face_shape()
    landmarks = np.repeat(shape[None] * 100 + [160, 120, 0], FRAMES, axis=0)
    rgb = np.repeat(SKIN_RGB[None], 478, axis=0).astype(float)
    rgb += 20 * np.sin(5 * shape[:, :1])  # the face's own light and shade
    lips = list(UPPER_OUTER + LOWER_OUTER)
    rgb[lips] = [170, 90, 90]
    edges = np.full((FRAMES, 478), 4.0)
    near_lips = np.abs(shape[:, 1] - 0.72) < 0.12
    near_eyes = np.abs(shape[:, 1]) < 0.12
    edges[:, near_lips | near_eyes] = 20
    light = 1 + 0.1 * np.sin(np.arange(FRAMES) / 9)[:, None, None]
    frames = rgb * light + rng.normal(0, 3, (FRAMES, 478, 3))
    return landmarks, lab(frames), edges.astype(np.uint8)


def judged(landmarks, colours, edges, seen=None) -> np.ndarray:
    """Confidence by both witnesses, (T, R)."""
    return judge_visibility(landmarks, edges, colour_witness(landmarks, colours, edges), seen)


def lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.clip(rgb, 0, 255).astype(np.uint8), cv2.COLOR_RGB2LAB)


def covered(face, region: np.ndarray, frames: slice, rgb: np.ndarray, edges: int = 2):
    """The same face with something of one colour before the points in `region`."""
    landmarks, colours, steepness = (a.copy() for a in face)
    count = len(range(*frames.indices(FRAMES)))
    noise = np.random.default_rng(1).normal(0, 3, (count, int(region.sum()), 3))
    shade = 1 - 0.15 * np.linspace(-1, 1, int(region.sum()))[:, None] ** 2
    patch = colours[frames]
    patch[:, region] = lab(rgb * shade + noise)
    colours[frames] = patch
    steep = steepness[frames]
    steep[:, region] = edges
    steepness[frames] = steep
    return landmarks, colours, steepness


def lower_face() -> np.ndarray:
    return face_shape()[:, 1] > 0.5


def column(confidence: np.ndarray, region: str) -> np.ndarray:
    return confidence[:, REGIONS.index(region)]


def test_clean_face_is_believed(face) -> None:
    confidence = judged(*face)
    assert confidence.shape == (FRAMES, len(REGIONS))
    assert confidence.min() > 0.95


@pytest.mark.parametrize("rgb", [HAND_RGB, np.array([30, 30, 34]), np.array([235, 235, 230])])
@pytest.mark.parametrize("frames", [slice(30, 50), slice(10, 75)])
def test_cover_is_noticed(face, rgb: np.ndarray, frames: slice) -> None:
    """A hand of the skin's own colour, a microphone, paper; also for most of the clip."""
    confidence = judged(*covered(face, lower_face(), frames, rgb))
    mouth = column(confidence, "mouth")
    assert mouth[frames].max() < 0.2
    outside = np.r_[mouth[: frames.start - 3], mouth[frames.stop + 3 :]]
    assert outside.min() > 0.9
    assert column(confidence, "left_eye").min() > 0.9
    assert column(confidence, "right_eye").min() > 0.9


def test_cover_reaches_two_frames_further(face) -> None:
    mouth = column(judged(*covered(face, lower_face(), slice(40, 50), HAND_RGB)), "mouth")
    assert list(np.flatnonzero(mouth < 0.5)) == list(range(38, 52))


def test_covered_eye(face) -> None:
    shape = face_shape()
    eye = (np.abs(shape[:, 1]) < 0.3) & (shape[:, 0] > 0.05)  # the subject's left
    confidence = judged(*covered(face, eye, slice(40, 60), HAND_RGB))
    assert column(confidence, "left_eye")[40:60].max() < 0.2
    assert column(confidence, "right_eye").min() > 0.9
    assert column(confidence, "mouth").min() > 0.9


def test_darkness_and_noise_alone_are_no_cover(face) -> None:
    landmarks, _, edges = face
    rng = np.random.default_rng(5)
    dark = rng.normal(30, 9, (1, 478, 3)) + rng.normal(0, 8, (FRAMES, 478, 3))
    assert judged(landmarks, lab(dark), edges).min() > 0.9


def test_smile_is_no_cover(face) -> None:
    """For a second cheeks and chin get another shade, half of them dark; lips stay red."""
    landmarks, colours, edges = face
    rgb = cv2.cvtColor(colours, cv2.COLOR_LAB2RGB).astype(float)
    shape = face_shape()
    held = np.clip(np.minimum(np.arange(FRAMES) - 40, 70 - np.arange(FRAMES)) / 6, 0, 1)
    shade = np.where(lower_face(), np.where(shape[:, 0] > 0, 0.7, 1.15), 1.0)
    smiling = rgb * (1 + held[:, None, None] * (shade[:, None] - 1))
    assert judged(landmarks, lab(smiling), edges).min() > 0.9


def test_blinks_are_no_cover(face) -> None:
    """Skin where eyes were, and half of the lids' edges, also when the eyes stay shut."""
    landmarks, colours, edges = (a.copy() for a in face)
    height = np.abs(face_shape()[:, 1])
    near_eyes, inside = height < 0.12, height < 0.05
    white = lab(np.array([[[215, 205, 200]]]))[0, 0]
    shut = np.zeros(FRAMES, bool)
    shut[10:15], shut[40:60] = True, True
    colours[np.ix_(~shut, inside)] = white
    edges[np.ix_(shut, near_eyes)] = edges[np.ix_(shut, near_eyes)] // 2
    assert judged(landmarks, colours, edges).min() > 0.9


def test_flash_of_light_is_no_cover(face) -> None:
    landmarks, colours, edges = face
    bright = colours.copy()
    bright[40:60, :, 0] = np.minimum(bright[40:60, :, 0].astype(int) + 40, 255)
    assert judged(landmarks, bright, edges).min() > 0.9


@pytest.mark.parametrize("yaw, far", [(50.0, "left_eye"), (-50.0, "right_eye")])
def test_far_eye_is_doubted(face, yaw: float, far: str) -> None:
    landmarks, colours, edges = face
    angle = np.radians(yaw)
    turn = np.array(
        [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]]
    )
    middle = landmarks.mean(axis=(0, 1))
    turned = (landmarks - middle) @ turn.T + middle
    assert head_angles(turned)[:, 0] == pytest.approx(yaw, abs=4)
    confidence = judged(turned, colours, edges)
    assert column(confidence, far).max() < 0.8
    assert column(confidence, "mouth").min() > 0.9


def test_blur_is_doubted(face) -> None:
    landmarks, colours, edges = face
    blurred = edges.copy()
    blurred[20:25] = blurred[20:25] // 4
    confidence = judged(landmarks, colours, blurred)
    assert confidence[20:25].max() < 0.2 and np.delete(confidence, range(20, 25), 0).min() > 0.9


@pytest.mark.parametrize("count", [1, 3, 5])
def test_few_frames(face, count: int) -> None:
    confidence = judged(*(a[:count] for a in face))
    assert confidence.shape == (count, len(REGIONS)) and confidence.min() > 0.9


def test_half_clip_gives_the_same_as_the_whole_in_blocks(face) -> None:
    """Longer than one block: the same frames again and again are judged alike."""
    parts = covered(face, lower_face(), slice(30, 50), HAND_RGB)
    many = [np.concatenate([a] * 10) for a in parts]
    mouth = column(judged(many[0], many[1], many[2]), "mouth").reshape(10, FRAMES)
    assert (np.abs(mouth[0] - mouth) < 0.3).all()


def painted_mouth(kind: str, gap_px: float) -> tuple[View, np.ndarray]:
    """A face painted with something between its lips: teeth, flesh or dark."""
    points = face_shape() * [150, 150, 150] + [160, 130, 0]
    points[list(UPPER_INNER), 1] = 235 - gap_px / 2
    points[list(LOWER_INNER), 1] = 235 + gap_px / 2
    points[list(UPPER_OUTER), 1] = 235 - gap_px / 2 - 14
    points[list(LOWER_OUTER), 1] = 235 + gap_px / 2 + 14
    image = np.full((320, 320, 3), SKIN_RGB, np.uint8)
    image[int(235 - gap_px / 2 - 16) : int(235 + gap_px / 2 + 16), 115:205] = [180, 85, 90]
    inside = {"teeth": [190, 178, 150], "flesh": [150, 75, 75], "dark": [40, 25, 25]}[kind]
    image[round(235 - gap_px / 2) : round(235 + gap_px / 2), 118:202] = inside
    return View(image, np.zeros(2, np.float32), 1.0), points


def teeth_of(look: Look, points: np.ndarray) -> np.ndarray:
    """How surely each sample shows teeth, (rows, 9)."""
    return read_teeth(points[None], look.colours[None], look.mouth[None], look.lips[None])[0]


@pytest.mark.parametrize("kind", ["teeth", "flesh", "dark"])
@pytest.mark.parametrize("cast", [(1.0, 1.0, 1.0), (1.1, 0.85, 0.5), (0.6, 0.6, 0.65)])
def test_inside_of_the_mouth(kind: str, cast: tuple[float, float, float]) -> None:
    """Whatever the light's colour and strength."""
    view, points = painted_mouth(kind, 16)
    lit = View(np.clip(view.pixels * cast, 0, 255).astype(np.uint8), view.origin, view.scale)
    look = look_at(lit, points)
    assert look.mouth.shape == (MOUTH_ROWS, 9, 3)
    assert np.all((teeth_of(look, points)[2:5, 2:7] > 0.5) == (kind == "teeth"))


@pytest.mark.parametrize("kind", ["teeth", "flesh", "dark"])
def test_inside_of_the_mouth_in_a_grey_film(kind: str) -> None:
    view, points = painted_mouth(kind, 16)
    grey = np.repeat(view.pixels.mean(2, keepdims=True), 3, axis=2).astype(np.uint8)
    look = look_at(View(grey, view.origin, view.scale), points)
    assert np.all((teeth_of(look, points)[2:5, 2:7] > 0.5) == (kind == "teeth"))


def test_shut_mouth_says_nothing() -> None:
    view, points = painted_mouth("dark", 1)
    look = look_at(view, points)
    assert np.isnan(teeth_of(look, points)).all()


def test_an_even_thing_in_a_wide_mouth_is_before_it() -> None:
    """A fruit between the lips; an open mouth has its hollow beneath the teeth."""
    for gap, hollow, sure in ((30, False, 1), (30, True, 0), (8, False, 0)):
        view, points = painted_mouth("teeth", gap)
        if hollow:
            view.pixels[235 : round(235 + gap / 2), 118:202] = [60, 30, 30]
        look = look_at(view, points)
        found = thing_between(points[None], look.colours[None], look.mouth[None])
        assert found[0] == pytest.approx(sure), (gap, hollow)


def looked(frames: slice, region: str, value: float, elsewhere: float = 0.98) -> np.ndarray:
    """What a network says that sees `region` covered in some frames, (T, R)."""
    seen = np.full((FRAMES, len(REGIONS)), elsewhere)
    seen[frames, REGIONS.index(region)] = value
    return seen


def test_the_network_notices_a_cover_of_the_whole_clip(face) -> None:
    hidden = covered(face, lower_face(), slice(0, FRAMES), HAND_RGB)
    assert column(judged(*hidden), "mouth").min() > 0.9  # its colours are the usual ones
    told = judged(*hidden, seen=looked(slice(0, FRAMES), "mouth", 0.2))
    assert column(told, "mouth").max() < 0.1 and column(told, "left_eye").min() > 0.9


def test_colours_that_light_deceives_are_overruled_by_what_is_surely_seen(face) -> None:
    dark = covered(face, face_shape()[:, 0] > 0, slice(30, 50), np.array([70, 45, 35]), 5)
    assert column(judged(*dark), "mouth")[35:45].max() < 0.5
    lit = judged(*dark, seen=looked(slice(0), "mouth", 0.0))
    assert lit.min() > 0.9
    doubted = judged(*dark, seen=looked(slice(30, 50), "mouth", 0.88))
    assert column(doubted, "mouth")[35:45].max() < 0.5


def test_which_eye_is_covered_the_edges_tell(face) -> None:
    shape, every = face_shape(), slice(0, FRAMES)
    eye = (np.abs(shape[:, 1]) < 0.3) & (shape[:, 0] > 0.05)  # the subject's left
    seen = looked(every, "left_eye", 0.4)
    seen[:, REGIONS.index("right_eye")] = 0.3
    one = judged(*covered(face, eye, every, HAND_RGB), seen=seen)
    assert column(one, "left_eye").max() < 0.1 and column(one, "right_eye").min() > 0.9
    glasses = np.maximum(seen, 0.7)
    assert judged(*face, seen=glasses).min() > 0.9
    both = judged(*face, seen=seen)
    assert column(both, "left_eye").max() < 0.5 and column(both, "right_eye").max() < 0.1


def test_dark_glasses_cover_both_eyes(face) -> None:
    """Their gloss may be stronger before one eye: no lids stand out behind either."""
    shape, every = face_shape(), slice(0, FRAMES)
    lenses = (np.abs(shape[:, 1]) < 0.2) & (np.abs(shape[:, 0]) > 0.05)
    landmarks, colours, edges = covered(face, lenses, every, np.array([25, 25, 28]))
    edges[:, lenses & (shape[:, 0] > 0)] = 5
    seen = looked(every, "left_eye", 0.1)
    seen[:, REGIONS.index("right_eye")] = 0.1
    confidence = judged(landmarks, colours, edges, seen=seen)
    assert column(confidence, "left_eye").max() < 0.1
    assert column(confidence, "right_eye").max() < 0.1
    assert column(confidence, "mouth").min() > 0.9


def mouth_behind(thing: tuple[int, int, int] | None, grey: bool = False) -> np.ndarray:
    """Share of the lips' red that is missing behind something round of a colour, (1,)."""
    view, points = painted_mouth("teeth", 8)
    picture = view.pixels.copy()
    if thing:
        cv2.circle(picture, (160, 262), 32, thing, -1)
    if grey:
        picture[:] = picture.mean(axis=2, keepdims=True)
    look = look_at(View(picture, view.origin, view.scale), points)
    return lips_missing(look.colours[None], look.lips[None])


def test_lips_that_are_not_red_are_covered() -> None:
    """A microphone's head or a cup at the lower lip; where there are no colours nobody can tell."""
    assert mouth_behind(None) == 0
    assert mouth_behind((60, 60, 64)) > 0.5 and mouth_behind((235, 235, 230)) > 0.5
    assert mouth_behind((60, 60, 64), grey=True) == 0


def test_red_lips_with_edges_are_seen_as_such() -> None:
    """What is before them has neither, or where it is red, no edges; nor are they seen in grey."""
    view, points = painted_mouth("teeth", 8)
    look = look_at(view, points)
    colours, lips = look.colours[None], look.lips[None]
    edges = np.full((1, 478), 20, np.uint8)
    assert lips_shown(colours, lips, edges) > 0.5
    edges[:, LIPS] = 5
    assert lips_shown(colours, lips, edges) == 0
    edges[:, LIPS] = 30
    assert lips_shown(colours, lips, edges) == 1
    assert lips_shown(colours, np.full_like(lips, 120), edges) == 0


def test_a_microphone_through_the_whole_clip_is_noticed(face) -> None:
    """Only half of the lips are hidden: the network hesitates and the colours are the usual ones.

    A mouth that it surely sees is not covered, whatever its colours.
    """
    landmarks, colours, edges = face
    missing = np.full(FRAMES, 0.6)
    witness = colour_witness(landmarks, colours, edges, missing)
    told = judge_visibility(landmarks, edges, witness, looked(slice(0, FRAMES), "mouth", 0.75))
    assert column(told, "mouth").max() < 0.1 and column(told, "left_eye").min() > 0.9
    sure = judge_visibility(landmarks, edges, witness, looked(slice(0), "mouth", 0.0))
    assert column(sure, "mouth").min() > 0.9


def test_a_mouth_that_is_not_recognised_counts_where_nothing_is_before_it(face) -> None:
    """A bowed head's, say; colours that speak of a cover are believed all the same."""
    landmarks, colours, edges = face
    unknown = looked(slice(0, FRAMES), "mouth", 0.3)
    free = np.repeat([1.0, 0.0], [FRAMES // 2, FRAMES - FRAMES // 2])
    for missing, believed in ((0.0, 1), (0.6, 0)):
        witness = colour_witness(landmarks, colours, edges, np.full(FRAMES, missing))
        told = column(judge_visibility(landmarks, edges, witness, unknown, free=free), "mouth")
        assert abs(told[: FRAMES // 2 - 3] - believed).max() < 0.1
        assert told[FRAMES // 2 + 3 :].max() < 0.1


def test_what_lies_outside_the_picture_is_not_believed(face) -> None:
    """A picture that ends above the chin leaves the mouth; one that ends at the lips does not."""
    landmarks, colours, edges = face
    witness = colour_witness(landmarks, colours, edges)
    chin, lips = landmarks[0, 152, 1], landmarks[0, list(UPPER_INNER), 1].mean()

    def believed(height: float) -> np.ndarray:
        return judge_visibility(landmarks, edges, witness, size=(640, int(height)))

    assert believed(chin - 5).min() > 0.9
    cut = believed(lips)
    assert column(cut, "mouth").max() == 0 and column(cut, "left_eye").min() > 0.9
