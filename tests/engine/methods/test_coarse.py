"""The coarse stage on clips: what passes the networks how often, and what comes of windows."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from engine.audio.features import SpeechFeatures
from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS
from engine.faces.crops import crop_boxes, cut_crop, place_in_clip, place_in_crop, to_crop
from engine.geometry import embed, project, to_camera
from engine.media import open_clip
from engine.methods.coarse import (
    CoarseModels,
    Sounding,
    codes_to_params,
    estimate_coarse,
    unpack_models,
)
from engine.methods.crops import crop_batches, face_boxes
from engine.methods.windows import merge_windows, over_time
from engine.models.coarse import CoarseEncoder
from engine.models.config import LITE
from engine.models.expression import ExpressionEncoder
from tests.made_tracks import made_track
from tests.pretend_card import pretend_card

TINY = replace(LITE, crop=32, coarse_hidden=16, backbone_width=0.1)
SIZE = (96, 72)


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    networks = CoarseEncoder(TINY).eval(), ExpressionEncoder(TINY).eval()
    return CoarseModels(TINY, *networks)


def make_track(frames, fps=25.0, lost=(), cuts=()):
    """Somebody's face, 40 px wide, drifting to the right."""
    generator = np.random.default_rng(0)
    face = generator.uniform(0, 40, (478, 3)).astype(np.float32)
    landmarks = face + [20, 15, 0] + 0.3 * np.arange(frames)[:, None, None] * [1, 0, 0]
    landmarks = landmarks.astype(np.float32)
    seen = np.ones(frames, bool)
    seen[list(lost)] = False
    landmarks[~seen] = np.nan
    confidence = np.where(seen[:, None], 1.0, 0.0) * np.ones(len(REGIONS))
    return made_track(landmarks, SIZE, fps, seen=seen, confidence=confidence, cuts=tuple(cuts))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Twenty pictures, each of one grey."""
    folder = tmp_path_factory.mktemp("pictures")
    for k in range(20):
        picture = np.full((SIZE[1], SIZE[0], 3), 60 + 5 * k, np.uint8)
        cv2.imwrite(str(folder / f"p.{k:03d}.png"), picture)
    return open_clip(folder)


def sound(seconds=1.0):
    values = np.random.default_rng(0).normal(size=(int(50 * seconds), 29)).astype(np.float32)
    return Sounding(SpeechFeatures("phones", values))


def test_every_picture_passes_the_networks_once(clip, head, models, monkeypatch):
    seen = {"coarse": [], "video": []}

    def counted(network, name):
        forward = network.forward

        def call(images):
            seen[name].append(images.mean((1, 2, 3)))
            return forward(images)

        monkeypatch.setattr(network, "forward", call)

    counted(models.coarse.image, "coarse")
    counted(models.expression.video, "video")
    params = estimate_coarse(clip, make_track(20), sound(), models, head)
    assert len(params) == 20
    for batches in seen.values():
        assert max(map(len, batches)) <= 8
        greys = torch.cat(batches)
        assert len(greys) == 20
        assert len(greys.unique()) == 20


def test_a_frame_s_code_is_the_mean_of_its_windows():
    """A network that counts the place within the window; frame 0 has one window, frame 15 all."""

    def place(x):
        return torch.arange(x.shape[1]).float().expand(len(x), -1)[..., None] + 0 * x

    merged = merge_windows(place, (torch.zeros(20, 1),), TINY)[:, 0]
    expected = [np.mean([t - s for s in range(5) if 0 <= t - s < 16]) for t in range(20)]
    np.testing.assert_allclose(merged, expected, atol=1e-6)
    short = merge_windows(place, (torch.zeros(7, 1),), TINY)[:, 0]
    np.testing.assert_allclose(short, range(7))


def test_with_another_step_every_frame_is_still_in_a_window():
    config = replace(TINY, window_step=5)
    got = merge_windows(lambda x: x, (torch.arange(33.0)[:, None],), config)
    torch.testing.assert_close(got, torch.arange(33.0)[:, None])


def test_windows_end_at_cuts_and_last_as_long_at_any_rate():
    spans = []

    def spy(x):
        spans.extend((w[:, 0].min().item(), w[:, 0].max().item()) for w in x)
        return x

    def look(track):
        spans.clear()
        frames = torch.arange(float(len(track.times)))[:, None]
        np.testing.assert_allclose(over_time(spy, (frames,), track, TINY), frames)
        return np.array(spans)

    assert not any(a < 10 <= b for a, b in look(make_track(40, cuts=[10])))
    assert np.ptp(look(make_track(40)), axis=1).max() == 15
    assert np.ptp(look(make_track(100, fps=50.0)), axis=1).max() == 30


def test_a_lost_face_is_led_over_and_the_sound_takes_the_mouth(clip, head, models, monkeypatch):
    pictures = []
    fuse = models.expression.fuse
    monkeypatch.setattr(
        models.expression, "fuse", lambda f_a, f_v: pictures.append(f_v) or fuse(f_a, f_v)
    )
    track = make_track(20, lost=[8, 9])
    params = estimate_coarse(clip, track, sound(), models, head)
    first = pictures[0][0]  # the window of frames 0 to 15
    assert (first[[8, 9]] == 0).all()
    assert (first[[7, 10]] != 0).any(-1).all()
    assert np.isfinite(params.head_pose).all()
    boxes = face_boxes(track)
    np.testing.assert_allclose(boxes[8:10].mean(0), boxes[[7, 10]].mean(0))


def test_a_clip_without_sound_and_other_kinds_of_sound(clip, head, models):
    assert len(estimate_coarse(clip, make_track(20), None, models, head)) == 20
    mel = Sounding(SpeechFeatures("mel", np.zeros((50, 80), np.float32)))
    with pytest.raises(AVFaceError, match="hear phones, not mel"):
        estimate_coarse(clip, make_track(20), mel, models, head)
    with pytest.raises(AVFaceError, match="another head"):
        estimate_coarse(clip, make_track(20), None, replace(models, head="other"), head)


def test_units_stay_within_the_head_s_bounds_and_the_person_is_one(head):
    track = make_track(6)
    codes = np.random.default_rng(0).normal(0, 3, (6, TINY.coarse_code + TINY.expression_code))
    params = codes_to_params(codes, face_boxes(track), track, TINY, head)
    assert (params.expression >= head.file.expression_low).all()
    assert (params.expression <= head.file.expression_high).all()
    assert params.shape.shape == (100,) and params.light.shape == (9, 3)
    e = codes[:, TINY.coarse_code :]
    np.testing.assert_allclose(params.eyes[:, [0, 1, 3, 4]], e[:, 53:])
    assert (params.eyes[:, [2, 5]] == 0).all()


def test_who_it_is_comes_from_what_is_clear(head):
    track = make_track(20)
    track.confidence[5:15, REGIONS.index("mouth")] = 0.0
    codes = np.zeros((20, TINY.coarse_code + TINY.expression_code))
    own = TINY.coarse_parts()["shape"]
    codes[:, own] = 1.0
    codes[5:15, own] = 9.0  # a cover swells the head
    params = codes_to_params(codes, face_boxes(track), track, TINY, head)
    np.testing.assert_allclose(params.shape, 1 + 8 * 0.05 / 1.1, rtol=1e-6)


def test_weights_survive_their_file(models):
    tensors = {f"coarse.{k}": v.half() if v.is_floating_point() else v
               for k, v in models.coarse.state_dict().items()}  # fmt: skip
    tensors |= {f"expression.{k}": v for k, v in models.expression.state_dict().items()}
    again = unpack_models(tensors, {"config": TINY.to_json(), "head": "abc"})
    assert again.config == TINY and again.head == "abc"
    images = torch.rand(1, 3, 32, 32)
    close = {"atol": 5e-2, "rtol": 5e-2}  # stored as half
    torch.testing.assert_close(again.coarse.embed(images), models.coarse.embed(images), **close)


def test_the_crop_s_camera_and_the_clip_s_are_two_names_of_one_place(head):
    generator = np.random.default_rng(0)
    pose = generator.normal(0, 0.4, (5, 3))
    camera = np.column_stack([generator.uniform(4, 9, 5), generator.normal(0, 0.02, (5, 2))])
    boxes = np.column_stack([generator.uniform(-50, 500, (5, 2)), generator.uniform(80, 300, 5)])
    middle = np.array([0.0, 0.01, 0.06])
    size, focal = (640, 480), 1000.0
    placed = place_in_clip(pose, camera, boxes, middle, focal, size)
    back = place_in_crop(*placed, boxes, middle, focal, size)
    np.testing.assert_allclose(back[0], pose, atol=1e-9)
    np.testing.assert_allclose(back[1], camera, atol=1e-9)


def test_a_distant_head_lands_where_the_weak_camera_has_it(head):
    """With a very long lens both cameras are the same, for every landmark."""
    file, size, focal = head.file, (640, 480), 1e6
    points = embed(file.template, file.faces, file.landmarks_68)
    middle = points[17:].mean(0)
    pose, boxes = np.array([[0.1, -0.4, 0.2]]), np.array([[200.0, 100.0, 180.0]])
    camera = np.array([[6.5, 0.01, -0.02]])
    head_pose, translation = place_in_clip(pose, camera, boxes, middle, focal, size)
    pixels = project(to_camera(points, head_pose[0], translation[0]), focal, size)
    turned = to_camera(points, pose[0], np.zeros(3))
    weak = camera[0, 0] * (turned[:, :2] + camera[0, 1:]) * [1, -1]
    np.testing.assert_allclose(to_crop(pixels[None], boxes)[0], weak, atol=2e-3)


def test_crops_are_cut_where_they_are_asked_for():
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[20:40, 30:50] = 200
    whole = cut_crop(picture, np.array([30.0, 20.0, 20.0]), 40)
    assert whole[2:-2, 2:-2].min() == 200
    beyond = cut_crop(picture, np.array([70.0, 50.0, 40.0]), 40)
    assert beyond.shape == (40, 40, 3) and beyond[20:, 20:].max() == 0
    points = np.array([[[0.0, 0.0], [40.0, 20.0]]])
    np.testing.assert_allclose(crop_boxes(points), [[-10.0, -20.0, 60.0]])


def test_pictures_are_held_a_few_at_a_time(clip):
    boxes = np.tile([10.0, 10.0, 40.0], (20, 1))
    counts = [len(frames) for frames, _ in crop_batches(clip, boxes, 16)]
    assert sum(counts) == 20 and max(counts) == counts[0] <= 16


def test_networks_on_a_card_say_what_they_say_here(clip, head, models):
    track, said = make_track(20, lost=[4]), SpeechFeatures("phones", np.ones((60, 29), np.float32))
    forced = np.where(np.arange(20) < 5, 1.0, np.nan)
    tensors = {
        f"{name}.{key}": value.clone()
        for name in ("coarse", "expression")
        for key, value in getattr(models, name).state_dict().items()
    }
    about = {"config": TINY.to_json()}
    here = estimate_coarse(clip, track, Sounding(said, 0.0, forced), models, head)
    with pretend_card():
        carried = unpack_models(tensors, about)
        assert carried.device.type == "cuda"
        there = estimate_coarse(clip, track, Sounding(said, 0.0, forced), carried, head)
    np.testing.assert_allclose(there.expression, here.expression, atol=1e-5)
    np.testing.assert_allclose(there.head_pose, here.head_pose, atol=1e-5)
