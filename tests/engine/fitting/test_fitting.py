from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS
from engine.faces.track import FaceTrack
from engine.fitting import recipe, solver
from engine.fitting.evidence import gather
from engine.fitting.identity import as_lasting, choose_key_frames, frame_features, nearest_key
from engine.fitting.landmark_head import (
    JAW,
    JOINTS_END,
    MESH_POINTS,
    POSE,
    TRANSLATION,
    landmark_head,
)
from engine.fitting.landmark_track import landmark_track
from engine.fitting.motion import Motion
from engine.fitting.projection import accumulate, linearize, project
from engine.fitting.recipe import FitOptions, fit_clip
from engine.fitting.runs import around
from engine.fitting.solver import Problem, Targets
from engine.fitting.sound import Hearing
from engine.fitting.subject import Camera, Evidence, Person, Subject, model_of
from engine.fitting.terms import (
    INNER_LIPS,
    LIP_PAIRS,
    OUTER_LIPS,
    PAIRS,
    landmark_sd,
    moving_parts,
    unit_prior,
)
from engine.fitting.workspace import workspace
from engine.geometry import embed, to_camera
from engine.geometry import project as to_pixels
from engine.head.model import FaceParams
from engine.head.places import EDGES_MM, JAW_SHARE, PLACES_JAW, PLACES_MM
from engine.progress import Report

SIZE, FOCAL = (640, 480), 1280.0
MOVING = ("browInnerUp", "eyeBlink", "mouthSmile", "mouthUpperUp", "mouthLowerDown")


def performance(head, times, seed=0):
    """Somebody who talks, smiles, blinks and nods, as parameters."""
    generator = np.random.default_rng(seed)
    frames, t = len(times), np.asarray(times)
    params = FaceParams.neutral(head, frames, FOCAL)
    shape = np.zeros_like(params.shape)
    shape[:10] = generator.normal(0, 0.7, 10)
    expression = params.expression.copy()
    for name, column in head.unit.items():
        if name.startswith(MOVING):
            speed, phase = generator.uniform(2, 6), generator.uniform(0, 6)
            expression[:, column] = 0.25 + 0.25 * np.sin(speed * t + phase)
    jaw = np.zeros((frames, 3))
    jaw[:, 0] = 0.12 + 0.08 * np.sin(9 * t)
    pose = np.stack([0.1 * np.sin(2 * t), 0.2 * np.sin(1.5 * t), 0.05 * np.sin(t)], 1)
    eyes = np.zeros((frames, 6))
    eyes[:, 1] = eyes[:, 4] = 0.15 * np.sin(3 * t)
    return params.replace(shape=shape, expression=expression, jaw=jaw, head_pose=pose, eyes=eyes)


def track_of(head, params, times, noise_px=0.0):
    """The track of a tracker that sees `params` with a little noise, in its own places."""
    rest, file, on_head = head.rest(params.shape), head.file, tracked_places(head, params)
    landmarks = np.zeros((len(params), 478, 3), np.float32)
    for t in range(len(params)):
        mesh = to_camera(on_head[t], params.head_pose[t], params.head_translation[t])
        irises = embed(head.camera_frame(params, t, rest), file.faces, file.iris)
        points = np.concatenate([mesh, irises])
        landmarks[t, :, :2] = to_pixels(points, params.focal, SIZE)
        depth = -(points[:, 2] - params.head_translation[t, 2])
        landmarks[t, :, 2] = depth * params.focal / -params.head_translation[t, 2]
    generator = np.random.default_rng(1)
    landmarks[..., :2] += generator.normal(0, noise_px, landmarks[..., :2].shape)
    frames = len(params)
    return FaceTrack(
        boxes=np.concatenate([landmarks[..., :2].min(1), landmarks[..., :2].max(1)], 1),
        landmarks=landmarks,
        seen=np.ones(frames, bool),
        confidence=np.ones((frames, len(REGIONS))),
        times=np.asarray(times, float),
        size=SIZE,
    )


def tracked_places(head, params):
    """Where on the head the tracker sees the mesh's points, (T, 468, 3) in head space."""
    small = landmark_head(head.file)
    model = model_of(small, PAIRS, np.zeros(len(LIP_PAIRS)))
    person = Person(*small.person(params.shape, np.zeros_like(small.template)))
    subject = Subject(person, Camera(FOCAL, *np.array(SIZE) / 2), model)
    return project(small.unknowns_of(params), subject)[1][:, :MESH_POINTS]


def hide(track, frames, region=None):
    """The track with frames lost, or with one region of them covered."""
    if region:
        confidence = track.confidence.copy()
        confidence[frames, REGIONS.index(region)] = 0
        return replace(track, confidence=confidence)
    landmarks, seen = track.landmarks.copy(), track.seen.copy()
    landmarks[frames], seen[frames] = np.nan, False
    return replace(
        track, landmarks=landmarks, seen=seen, confidence=track.confidence * seen[:, None]
    )


@pytest.fixture(scope="module")
def spoken(head):
    """25 frames a second, what was played and what the fit makes of it."""
    times = np.arange(40) / 25
    truth = performance(head, times)
    track = track_of(head, truth, times, noise_px=0.3)
    return truth, track, fit_clip(track, head, FitOptions(focal=FOCAL), Report())


def motion_error_mm(head, params, truth):
    """Mean distance of the 68 landmarks in head space, lasting offsets taken out."""
    file = head.file

    def points(p):
        rest = head.rest(p.shape)
        frames = [head.frame(p, t, rest) for t in range(len(p))]
        return np.array([embed(v, file.faces, file.landmarks_68) for v in frames])

    apart = points(params) - points(truth)
    return 1e3 * np.linalg.norm(apart - apart.mean(0), axis=-1).mean()


def apart_px(head, result, truth):
    """Mean distance of the 68 landmarks in the picture, by frame."""
    return np.linalg.norm(result.landmarks_px - landmark_track(head, truth, SIZE), axis=2).mean(1)


def random_unknowns(small, seed=0):
    generator = np.random.default_rng(seed)
    x = np.zeros(small.unknowns)
    x[POSE] = generator.normal(0, 0.2, 3)
    x[TRANSLATION] = 0.01, 0.02, -0.6
    x[JAW.start : JOINTS_END] = generator.normal(0, 0.15, JOINTS_END - JAW.start)
    x[JOINTS_END:] = generator.uniform(0, 0.5, len(x) - JOINTS_END)
    return x


@pytest.fixture(scope="module")
def system(head, spoken):
    """A landmark head, its subject and the evidence of one frame."""
    small = landmark_head(head.file)
    clip = recipe._prepare(spoken[1], small, FitOptions(focal=FOCAL))
    subject = Subject(Person(small.template, small.joints), clip.camera, clip.model)
    x = random_unknowns(small)
    evidence = gather(clip.track, small, clip.start, x[None], np.array([3]), clip.hidden)
    return small, subject, evidence, x


def test_a_person_who_is_known_keeps_the_shape(head):
    times = np.arange(20) / 25
    truth = performance(head, times)
    track = track_of(head, truth, times, noise_px=0.3)
    free = fit_clip(track, head, FitOptions(), Report())
    kept = fit_clip(track, head, FitOptions(shape=truth.shape), Report())
    assert np.array_equal(kept.params.shape, truth.shape)
    assert not np.allclose(free.params.shape, truth.shape, atol=1e-3)
    apart = [np.median(apart_px(head, result, truth)) for result in (kept, free)]
    assert apart[0] < 1.2 * apart[1]


def test_derivatives_are_those_of_finite_differences(system):
    _, subject, evidence, x = system
    work = workspace(subject.model)
    linearize(x, 0, subject, evidence, work)
    step = 1e-6 * np.eye(len(x))
    moved = np.array([project(np.stack([x + d, x - d]), subject)[0] for d in step])
    numeric = np.moveaxis((moved[:, 0] - moved[:, 1]) / 2e-6, 2, 1).reshape(len(x), -1)
    scale = np.abs(numeric).max(1, keepdims=True)
    weight = work.root[: numeric.shape[1]]
    assert (weight > 0).mean() > 0.99  # an iris in a shut eye counts nothing
    weighed = work.rows[:, : len(weight)]
    np.testing.assert_allclose(weighed / scale, weight * numeric / scale, atol=1e-6 * weight.max())


def test_gradient_is_that_of_the_cost(system):
    _, subject, evidence, x = system
    H, G = np.zeros((1, len(x), len(x))), np.zeros((1, len(x)))
    accumulate(x[None], subject, evidence, True, H, G)
    step = 1e-6 * np.eye(len(x))
    unused = np.zeros_like(H), np.zeros_like(G)
    costs = np.array(
        [
            [accumulate(y[None], subject, evidence, False, *unused) for y in (x + d, x - d)]
            for d in step
        ]
    )
    numeric = (costs[:, 0] - costs[:, 1]) / 4e-6  # G is half the derivative
    np.testing.assert_allclose(G[0], numeric, atol=1e-4 * np.abs(numeric).max())


def test_the_small_head_is_the_whole_head(head, system):
    small, _, _, x = system
    subject = Subject(
        Person(small.template, small.joints), Camera(FOCAL, 320.0, 240.0), system[1].model
    )
    eyes = np.array([x[9], x[10], 0, x[11], x[12], 0])
    rest = head.rest(np.zeros(head.file.shape_basis.shape[2]))
    vertices = head.pose(rest, small.expression(x[None])[0], x[JAW], eyes)
    expected = embed(vertices, head.file.faces, head.file.landmarks_468)
    points = project(x[None], subject)[1][0, :468]
    apart = np.linalg.norm(points - expected, axis=1)
    elsewhere = [k for points in (*PLACES_MM, *EDGES_MM) for k in points]
    apart = np.delete(apart, elsewhere)
    assert apart.max() < 2e-4  # skinning mixed in a triangle


def test_a_shape_may_lack_its_last_numbers_as_networks_shapes_do(head):
    small, none = landmark_head(head.file), np.zeros(3)
    shape = np.zeros(head.file.shape_basis.shape[2])
    shape[:5] = 0.5
    for short, whole in zip(*(small.person(s, none) for s in (shape[:5], shape)), strict=True):
        np.testing.assert_allclose(short, whole, atol=1e-12)


def test_the_outline_lies_as_far_back_as_the_ears(head):
    """The tracker's 234 and 454 are at the ears, on a head of any width."""
    small = landmark_head(head.file)
    ears = head.file.template[head.file.masks["ears"]]
    for side in (234, 454):
        assert np.linalg.norm(ears - small.template[side], axis=1).min() < 0.015
    narrow, wide = (small.person(s * small_width(small), 0 * small.template)[0] for s in (-1, 1))
    assert wide[454, 0] - wide[234, 0] > narrow[454, 0] - narrow[234, 0] + 0.01


def test_points_of_the_lower_lip_go_with_the_jaw(head):
    """As the tracker has them: the head file has some on the upper lip."""
    small = landmark_head(head.file)
    middle = [15, 16, 85, 86, 89, 179, 180, 315, 316, 319, 403, 404]
    assert small.weights[middle, 0].min() > 0.5
    upper, lower = np.array(LIP_PAIRS).T
    gap = small.template[upper] - small.template[lower]
    own = embed(head.file.template, head.file.faces, head.file.landmarks_468)
    np.testing.assert_allclose(gap, own[upper] - own[lower], atol=1e-7)


def test_the_trackers_chin_goes_less_far_than_the_skin(head):
    small = landmark_head(head.file)
    chin = head.file.landmarks_468[0][199], head.file.landmarks_468[1][199]
    skin = head.file.skin_weights[head.file.faces[chin[0]], 2] @ chin[1]
    assert small.weights[199, 0] == pytest.approx(JAW_SHARE * skin, rel=0.02)
    assert small.weights[14, 0] > 0.9 * JAW_SHARE  # the lip's own share


def test_the_trackers_chin_lies_on_the_skin_where_jaws_are_as_they_were_measured(head):
    small = landmark_head(head.file)
    face, weights = head.file.landmarks_468[0][152], head.file.landmarks_468[1][152]
    corners = head.file.faces[face]
    neutral = FaceParams.neutral(head, 3, FOCAL)
    jaw = np.zeros((3, 3))
    jaw[1:, 0] = PLACES_JAW, 3 * PLACES_JAW
    params = neutral.replace(jaw=jaw)
    skin = np.array([weights @ head.frame(params, t)[corners] for t in range(3)])
    chin = tracked_places(head, params)[:, 152]
    rest, open_wide = (chin - skin - (chin - skin)[1])[[0, 2], 1]
    assert rest < -0.2e-3 and open_wide > 0.4e-3
    told = weights @ head.file.template[corners] + np.array(PLACES_MM[152,]) * 1e-3
    assert np.linalg.norm(small.template[152] - told) < 0.8e-3


def small_width(small) -> np.ndarray:
    """A person (S,) of one deviation whose face is wider than the mean's."""
    widths = small.shape_basis[454, 0] - small.shape_basis[234, 0]
    return widths / np.linalg.norm(widths)


def test_a_performance_comes_back(head, spoken):
    truth, _, result = spoken
    assert motion_error_mm(head, result.params, truth) < 0.4
    assert np.degrees(np.abs(result.params.jaw - truth.jaw)[:, 0]).mean() < 1.5
    turn = result.params.head_pose - truth.head_pose
    assert np.degrees(np.linalg.norm(turn - turn.mean(0), axis=1)).mean() < 0.5
    assert apart_px(head, result, truth).max() < 1.5
    assert result.confidence.min() > 0.8


def test_a_person_whose_first_whole_step_leads_uphill_is_found_too(head):
    """Down goes the look, shut are the eyes, far is the shape: a part of the step leads down."""
    neutral, times = FaceParams.neutral(head, 8, FOCAL), np.arange(8) / 25
    shape, expression = np.zeros_like(neutral.shape), neutral.expression.copy()
    shape[:40] = np.random.default_rng(4).normal(0, 1.2, 40)
    expression[:, [head.unit["eyeBlinkLeft"], head.unit["eyeBlinkRight"]]] = 0.8
    pose = np.tile([0.35, 0.1, 0.1], (8, 1))
    truth = neutral.replace(shape=shape, expression=expression, head_pose=pose)
    track = track_of(head, truth, times, noise_px=0.3)
    found = fit_clip(track, head, FitOptions(focal=FOCAL), Report())
    assert found.params.shape @ shape > 0.5 * shape @ shape
    assert apart_px(head, found, truth).max() < 1


def test_shapes_and_what_stays(head, spoken):
    truth, track, result = spoken
    assert result.params.expression.shape == truth.expression.shape
    assert result.params.focal == FOCAL
    assert result.landmarks_px.shape == (len(truth), 68, 2)
    assert result.confidence.shape == track.confidence.shape
    again = [head.landmarks_px(result.params, t, SIZE) for t in (0, 17)]
    np.testing.assert_allclose(result.landmarks_px[[0, 17]], again, atol=1e-6)
    np.testing.assert_array_equal(landmark_track(head, result.params, SIZE), result.landmarks_px)


def test_units_keep_their_bounds_and_lips_do_not_cross(head, spoken):
    result, file = spoken[2], head.file
    assert (result.params.expression >= file.expression_low - 1e-6).all()
    assert (result.params.expression <= file.expression_high + 1e-6).all()
    small = landmark_head(file)
    rest = head.rest(result.params.shape)
    upper, lower = np.array(LIP_PAIRS).T
    for t in range(0, len(result.params), 5):
        lips = embed(head.frame(result.params, t, rest), file.faces, file.landmarks_468)
        gap = lips[upper, 1] - lips[lower, 1]
        assert gap.min() > -6e-4, t
    assert len(small.unit_names) < len(file.expression_names)


def test_lips_that_are_pressed_together_do_not_pass_through_each_other(head):
    """The picture asks for crossed lips: shut ones are what it gets."""
    times = np.arange(12) / 25
    truth = FaceParams.neutral(head, len(times), FOCAL)
    expression = truth.expression.copy()
    expression[:, head.unit["mouthClose"]] = 0.15
    track = track_of(head, truth.replace(expression=expression), times)
    params = fit_clip(track, head, FitOptions(focal=FOCAL), Report()).params
    file, rest = head.file, head.rest(params.shape)
    upper, lower = np.array(LIP_PAIRS).T
    lips = embed(head.frame(params, 6, rest), file.faces, file.landmarks_468)
    assert (lips[upper, 1] - lips[lower, 1]).min() > -8e-4


def test_pieces_of_a_long_clip_join_without_a_seam(head):
    times = np.arange(90) / 25
    track = track_of(head, performance(head, times, 3), times, noise_px=0.3)
    whole = fit_clip(track, head, FitOptions(focal=FOCAL), Report()).params
    pieces = fit_clip(track, head, FitOptions(focal=FOCAL, chunk=30), Report()).params
    assert np.abs(whole.jaw - pieces.jaw).max() < 3e-3
    assert np.abs(whole.expression - pieces.expression).max() < 0.05
    assert np.abs(whole.head_pose - pieces.head_pose).max() < 2e-3


def test_uneven_times_are_taken_as_they_are(head):
    """A performance filmed at an uneven rate is the same performance."""
    even = np.arange(50) / 25
    uneven = np.delete(even, [7, 8, 9, 20, 21, 33])
    truth = performance(head, uneven, 4)
    track = track_of(head, truth, uneven, noise_px=0.3)
    params = fit_clip(track, head, FitOptions(focal=FOCAL), Report()).params
    assert motion_error_mm(head, params, truth) < 0.45


def test_a_straight_motion_costs_nothing_at_uneven_times(head):
    small = landmark_head(head.file)
    times = np.cumsum([0.04, 0.04, 0.08, 0.02, 0.04, 0.2, 0.04])
    shape = (len(times), small.unknowns)
    motion = Motion(times, unit_prior(small), 1.0, np.ones(shape), np.zeros(shape))
    x = np.outer(times, np.ones(small.unknowns))
    assert np.abs(motion.terms().apply(x)).max() < 1e-6 * np.abs(motion.terms().diagonal).max()


def test_rests_are_held_and_events_let_go(head):
    """A part that shuts in one frame is freer there than before, and stiffer where it rests."""
    small = landmark_head(head.file)
    parts, prior, n = moving_parts(small), unit_prior(small), 30
    x = np.zeros((n, small.unknowns))
    mouth = parts[2]
    x[15:, mouth] = 4 * prior.acceleration[mouth]
    shape, times = x.shape, np.arange(n) / 25
    motion = Motion(times, prior, 1.0, np.ones(shape), np.zeros(shape), parts)
    pace = motion.sharpened(x, np.ones(shape, bool)).pace
    assert pace[15, mouth].min() > 2
    assert pace[5:12].min() < 0.5
    assert (pace[:, ~np.any(parts, axis=0)] == 1).all()  # eyes are as the track tells


def test_a_lasting_error_counts_once_however_many_frames_show_it():
    frames = 16
    weight = np.full((frames, 470), 4e7)  # a mouth's corner: 1 / (0.16 mm)^2
    nothing = np.zeros((frames, 470, 2))
    evidence = Evidence(nothing, weight, 6e-3, nothing[:, :19], weight[:, :19], np.ones(frames))
    unused = SimpleNamespace()
    lasting = as_lasting(Problem(unused, evidence, unused, unused, unused)).evidence
    together = lasting.point_weight.sum(0)
    assert together[61] < 1 / (0.35e-3) ** 2
    np.testing.assert_array_equal(together[[33, 70]], weight.sum(0)[[33, 70]])  # eye corner, brow
    np.testing.assert_array_equal(lasting.pair_weight, evidence.pair_weight)
    weak = Problem(unused, evidence._replace(point_weight=weight * 1e-4), unused, unused, unused)
    np.testing.assert_allclose(as_lasting(weak).evidence.point_weight, weight * 1e-4, rtol=0.02)


def test_lost_frames_are_bridged_and_marked(head, spoken):
    _, track, whole = spoken
    gap = slice(14, 20)
    result = fit_clip(hide(track, gap), head, FitOptions(focal=FOCAL), Report())
    steps = np.abs(np.diff(result.params.head_pose, axis=0)).max()
    assert steps < 2 * np.abs(np.diff(whole.params.head_pose, axis=0)).max() + 1e-3
    assert not result.confidence[gap].any()
    assert np.abs(result.params.head_pose - whole.params.head_pose).max() < 0.05


def test_a_long_absence_is_crossed_without_a_jump(head):
    times = np.arange(60) / 25
    track = track_of(head, performance(head, times, 5), times)
    result = fit_clip(hide(track, slice(20, 45)), head, FitOptions(focal=FOCAL), Report())
    translation = result.params.head_translation
    assert np.isfinite(result.params.expression).all()
    assert np.abs(np.diff(translation, axis=0)).max() < 0.02
    assert np.abs(np.diff(result.params.jaw, axis=0)[19:45]).max() < 0.03


def test_a_covered_mouth_stays_plausible(head, spoken):
    """The tracker invents a mouth under the cover: it must not reach the head."""
    truth, track, _ = spoken
    landmarks, covered = track.landmarks.copy(), slice(12, 28)
    low = head.file.landmarks_468[0]
    template = embed(head.file.template, head.file.faces, (low, head.file.landmarks_468[1]))
    mouth = np.flatnonzero(template[:, 1] < template[2, 1])
    landmarks[covered, mouth, 1] += 12.0
    spoilt = hide(replace(track, landmarks=landmarks), covered, "mouth")
    params = fit_clip(spoilt, head, FitOptions(focal=FOCAL), Report()).params
    error = motion_error_mm(head, params[covered], truth[covered])
    assert error < 2.0
    lips = landmark_track(head, params, SIZE)[:, 48:]
    px_per_mm = FOCAL / 600
    assert np.linalg.norm(np.diff(lips, axis=0), axis=-1).max() < 6 * px_per_mm


def test_a_hidden_eye_blinks_with_the_one_that_is_seen(head):
    times = np.arange(40) / 25
    truth = performance(head, times)
    expression = truth.expression.copy()
    lids = [head.unit["eyeBlinkLeft"], head.unit["eyeBlinkRight"]]
    expression[:, lids] = np.exp(-(((times[:, None] - 0.8) / 0.08) ** 2))
    track = track_of(head, truth.replace(expression=expression), times)
    hidden = hide(track, slice(None), "left_eye")
    params = fit_clip(hidden, head, FitOptions(focal=FOCAL), Report()).params
    left, right = params.expression[:, lids].T
    assert np.ptp(left) > 0.7 * np.ptp(right) > 0.3


def test_what_the_picture_does_not_show_is_not_believed(head):
    """The tracker squeezes what lies beyond the picture's edge into a guess."""
    times = np.arange(20) / 25
    truth = performance(head, times)
    place = truth.head_translation.copy()
    place[:, 0] -= place[:, 2].mean() * SIZE[0] / 2 / FOCAL  # the nose at the right edge
    truth = truth.replace(head_translation=place)
    track = track_of(head, truth, times, noise_px=0.3)
    guessed = track.landmarks.copy()
    beyond = np.maximum(guessed[..., 0] - SIZE[0], 0)
    guessed[..., 0] -= 0.4 * beyond
    fit = fit_clip(replace(track, landmarks=guessed), head, FitOptions(focal=FOCAL), Report())
    turned = np.degrees(np.abs(fit.params.head_pose - truth.head_pose)).mean(0)
    assert (beyond > 0).mean() > 0.3
    assert turned.max() < 7  # degrees; 12 where the guess is believed


def test_a_face_never_seen_below_the_eyes_looks_at_the_camera(head):
    """A cover throws the tracker's face back; where no frame is clear it can't be told from a nod.

    With some clear frames it can, and nothing is assumed.
    """
    times = np.arange(20) / 25
    truth = performance(head, times)
    thrown = truth.replace(head_pose=truth.head_pose + np.array([0.15, 0, 0]))
    track = track_of(head, thrown, times, noise_px=0.3)

    def pitch(covered):
        fit = fit_clip(hide(track, covered, "mouth"), head, FitOptions(focal=FOCAL), Report())
        return fit.params.head_pose[:, 0].mean()

    assert pitch(np.arange(20)) < truth.head_pose[:, 0].mean() < pitch(np.arange(8, 20))


def grinning(head):
    """A track of parted lips over a jaw of .08 rad, and what the mouth's inside may show."""
    times = np.arange(16) / 25
    truth = performance(head, times, 6)
    truth = truth.replace(jaw=np.full((16, 3), [0.08, 0, 0]))
    return track_of(head, truth, times), np.ones((16, 7, 9), np.float32)


def fitted_jaw(head, track):
    fit = fit_clip(track, head, FitOptions(focal=FOCAL), Report())
    return fit.params.jaw[:, 0]


def test_teeth_that_fill_parted_lips_shut_the_jaw(head):
    track, teeth = grinning(head)
    jaw = fitted_jaw(head, track)
    assert fitted_jaw(head, replace(track, teeth=teeth)).max() < min(0.04, 0.6 * jaw.mean())


def test_a_hollow_between_the_rows_leaves_the_jaw_to_lips_and_chin(head):
    track, teeth = grinning(head)
    teeth[:, 3] = 0
    assert np.allclose(fitted_jaw(head, replace(track, teeth=teeth)), fitted_jaw(head, track))


def test_no_face_is_said_in_words(head, spoken):
    track = hide(spoken[1], slice(None))
    with pytest.raises(AVFaceError, match="No face"):
        fit_clip(track, head, FitOptions(), Report())


def test_one_frame_is_a_clip_too(head, spoken):
    truth, track, _ = spoken
    one = FaceTrack(
        track.boxes[:1], track.landmarks[:1], track.seen[:1], track.confidence[:1],
        track.times[:1], SIZE,
    )  # fmt: skip
    result = fit_clip(one, head, FitOptions(focal=FOCAL), Report())
    assert result.landmarks_px.shape == (1, 68, 2)
    assert apart_px(head, result, truth[:1]).max() < 2


def test_key_frames_are_usable_and_differ():
    pose = np.zeros((30, 3))
    pose[:, 1] = np.linspace(-0.5, 0.5, 30)
    usable = np.arange(30) % 3 != 0
    feature = frame_features(pose, np.zeros(30))
    keys = choose_key_frames(feature, usable)
    assert usable[keys].all() and len(np.unique(keys)) == len(keys) <= 16
    assert np.ptp(pose[keys, 1]) > 0.8
    np.testing.assert_array_equal(nearest_key(feature, keys)[keys], np.arange(len(keys)))


def test_a_step_that_would_go_through_a_wall_ends_before_it(head, spoken, monkeypatch):
    small = landmark_head(head.file)
    clip = recipe._prepare(spoken[1], small, FitOptions(focal=FOCAL))
    subject = Subject(Person(small.template, small.joints), clip.camera, clip.model)
    x = np.zeros((1, small.unknowns))
    unit, wall, wished = small.column["mouthPucker"], 0.002, 1.0

    def accumulate(x, subject, evidence, derivatives, H, G):
        """A wish beyond a wall that is felt behind it only, as shut lips are."""
        behind = np.maximum(x[:, unit] - wall, 0)
        if derivatives:
            H[:], G[:] = np.eye(x.shape[1]), 0
            H[:, unit, unit] = 1e4
            G[:, unit] = 1e4 * (x[:, unit] - wished) + 1e9 * behind
        return np.sum(1e4 * (x[:, unit] - wished) ** 2 + 1e9 * behind**2)

    monkeypatch.setattr(solver, "accumulate", accumulate)
    problem = recipe._problem(clip, subject.person, x, np.array([3]), 0.0)
    problem = replace(problem, targets=Targets(0 * x, 0 * x))
    found = solver.solve(problem, x, 6)[0, unit]
    assert 0 < found < 1.2 * wall


def test_a_mouth_that_is_never_seen_speaks_as_it_is_heard(head):
    times = np.arange(75) / 25
    track = track_of(head, performance(head, times), times, noise_px=0.3)
    hearing = Hearing(_chatter(times))
    fit = fit_clip(
        hide(track, slice(None), "mouth"), head, FitOptions(focal=FOCAL), Report(), hearing
    )
    rest = head.rest(fit.params.shape)
    upper, lower = (
        np.array([embed(head.frame(fit.params, t, rest), head.file.faces, head.file.landmarks_68)[k]
                  for t in range(75)])
        for k in (62, 66)
    )  # fmt: skip
    gap = np.linalg.norm(upper - lower, axis=1)
    heard = hearing.voice.gap_mm[:, 0]
    assert np.corrcoef(gap, heard)[0, 1] > 0.7 and np.std(gap) > 1e-3


def _chatter(times):
    """A voice whose lips part and meet three times a second."""
    sides = [unit + side for unit in ("mouthLowerDown", "mouthUpperUp", "mouthPress")
             for side in ("Left", "Right")]  # fmt: skip
    names = ("jaw", "mouthClose", *sides, "mouthRollUpper")
    way = 0.5 - 0.5 * np.cos(6 * np.pi * times)
    mean = np.zeros((len(times), len(names)), np.float32)
    mean[:, 0], mean[:, 1] = 0.03 + 0.06 * way, 0.08 * (1 - way)
    mean[:, 2:6] = 0.25 * way[:, None]
    mean[:, 6:] = 0.1 * (1 - way[:, None])
    sd = np.full(mean.shape, 0.05, np.float32)
    sd[:, 0] = 0.03
    gap = np.stack([8 * way, np.ones(len(times))], 1)
    return SimpleNamespace(names=names, mean=mean, sd=sd, speaking=np.ones(len(times)),
                           closed=(way < 0.1).astype(float), gap_mm=gap,
                           sounds=np.zeros((len(times), 0)))  # fmt: skip


def test_a_change_beyond_a_gap_takes_few_frames_of_the_run_before_it():
    changed = np.zeros(60, bool)
    changed[36] = True
    first, second = around(changed, [np.arange(30), np.arange(34, 60)])
    assert first.frames[-1] == 29 and len(first.share) == len(first.frames) < 12
    assert second.share[0] == 1 and second.share[-1] == 0
    assert (np.diff(first.share) >= 0).all() and (np.diff(second.share) <= 0).all()


def test_an_inner_lip_is_seen_as_well_as_the_outer_one_beside_it(system):
    """Its normal looks into the gap; its edge is seen from the front all the same."""
    small, _, evidence, _ = system
    seen = evidence.point_weight[0] * landmark_sd(small) ** 2
    np.testing.assert_allclose(seen[INNER_LIPS], seen[OUTER_LIPS])
