"""What AVFace's networks see of a face: its parts, a face read where it is, covered parts."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from engine.faces.crops import place_in_crop
from engine.models.coarse import CoarseEncoder
from engine.models.config import LITE, SHARED
from engine.models.expression import ExpressionEncoder
from engine.models.landmarks import BROWS, IRISES, LIDS, LIPS, POINTS
from engine.models.sight import PARTS, SIGHT, WITHOUT_COLOURS, SightBackbone, part
from engine.sight.features import (
    REGION_POINTS,
    Observations,
    blend,
    middle_of_face,
    sight_features,
    trust_points,
)
from engine.training.people.acting import act_moments
from engine.training.people.stage import build_stage
from engine.training.point_head import point_head, pose_points

SIZE, FOCAL, FRAMES = (640, 480), 1280.0, 6


@pytest.fixture(scope="module")
def seen():
    """The points of a person of mean shape who turns her head, and what she does."""
    stage, generator = build_stage(), np.random.default_rng(0)
    acting = act_moments(stage, generator, FRAMES)
    head = point_head(stage).tensors()
    gaze = acting.eyes[:, [0, 1, 3, 4]]
    tensors = [torch.from_numpy(v)[None] for v in (acting.units, acting.jaw, gaze)]
    points = pose_points(head, torch.zeros(1, 100), *tensors)[0].numpy()
    turn = np.column_stack([np.zeros(FRAMES), np.linspace(-0.3, 0.3, FRAMES), np.zeros(FRAMES)])
    placed = np.einsum("tij,tlj->tli", Rotation.from_rotvec(turn).as_matrix(), points)
    place = np.tile([0.03, -0.02, -0.8], (FRAMES, 1))
    placed += place[:, None]
    pixels = np.array(SIZE) / 2 + FOCAL * placed[..., :2] * [1, -1] / -placed[..., 2:]
    boxes = np.tile([200.0, 100.0, 300.0], (FRAMES, 1))
    return pixels, boxes, turn, place, acting


def observed(pixels, boxes, tracker=None, visible=1.0):
    return Observations(
        pixels, tracker, np.ones(pixels.shape[:2]), np.full((len(pixels), 6), visible),
        np.zeros((*pixels.shape[:2], 3), np.uint8), boxes,
    )  # fmt: skip


def test_the_parts_lie_one_after_the_other():
    assert part("units") == slice(0, 50)
    assert part("colours").stop == SIGHT == sum(PARTS.values())
    assert part("colours").start == WITHOUT_COLOURS
    ends = [part(name).stop for name in PARTS]
    assert ends == list(np.cumsum(list(PARTS.values())))


def test_a_face_is_read_where_it_is(seen):
    pixels, boxes, turn, place, acting = seen
    sight = sight_features(observed(pixels, boxes), SIZE, FOCAL)
    assert sight.shape == (FRAMES, SIGHT)
    assert np.isfinite(sight).all()
    pose, camera = place_in_crop(turn, place, boxes, middle_of_face(np.zeros(100)), FOCAL, SIZE)
    assert np.degrees(np.abs(sight[:, part("pose")] - pose)).max() < 8
    np.testing.assert_allclose(sight[:, part("camera")][:, 0], camera[:, 0], rtol=0.12)
    jaw = sight[:, part("jaw")][:, 0]
    assert np.corrcoef(jaw, acting.jaw[:, 0])[0, 1] > 0.7


def test_a_tracker_s_points_count_half_and_its_distance_is_told(seen):
    pixels, boxes, *_ = seen
    alone = sight_features(observed(pixels, boxes), SIZE, FOCAL)
    same = sight_features(observed(pixels, boxes, pixels), SIZE, FOCAL)
    far = sight_features(observed(pixels, boxes, pixels + 6), SIZE, FOCAL)
    np.testing.assert_allclose(same[:, part("units")], alone[:, part("units")], atol=1e-5)
    assert (alone[:, part("known")] == [1, 0]).all()
    assert (far[:, part("known")] == [1, 1]).all()
    assert (far[:, part("apart")] > same[:, part("apart")] + 1).all()


def test_a_tracker_is_not_asked_about_a_covered_face(seen):
    pixels, boxes, *_ = seen
    shown = observed(pixels, boxes, pixels + 6)
    covered = observed(pixels, boxes, pixels + 6, visible=0.4)
    np.testing.assert_allclose(blend(shown), pixels + 3)
    np.testing.assert_array_equal(blend(covered), pixels)
    np.testing.assert_array_equal(blend(observed(pixels, boxes)), pixels)


def test_regions_know_their_points_and_covered_ones_are_not_believed():
    rows = [POINTS[k] for names in REGION_POINTS.values() for k in names]
    assert sorted(rows) == sorted(LIPS + LIDS + BROWS + IRISES)
    assert 468 in [POINTS[k] for k in REGION_POINTS["right_eye"]]
    visible = np.ones((2, 6))
    visible[1, 1] = 0.1  # the mouth
    trust = trust_points(visible)
    assert (trust[0] == 1).all()
    assert (trust[1, REGION_POINTS["mouth"]] == 0).all()
    assert (trust[1, REGION_POINTS["left_eye"]] == 1).all()


def test_the_backbone_evens_out_what_it_lets_through():
    torch.manual_seed(0)
    backbone = SightBackbone(5, 8)
    examples = torch.randn(400, 7) * torch.tensor([1, 10, 0.1, 3, 1, 1, 1.0]) + 4
    backbone.measure(examples)
    out = backbone(examples)
    assert out.shape == (400, backbone.outputs)
    assert backbone.outputs == 13
    even = out[:, :5]
    torch.testing.assert_close(even.mean(0), torch.zeros(5), atol=1e-2, rtol=0)
    torch.testing.assert_close(even.std(0), even.std().expand(5), atol=1e-2, rtol=0.05)
    assert torch.isfinite(backbone(examples * 1e6)).all()


def test_the_encoders_on_the_shared_trunk_have_the_published_outputs():
    torch.manual_seed(0)
    assert (SHARED.shape, SHARED.coarse_code) == (100, 183)
    assert SHARED.expression_code == LITE.expression_code == 57
    coarse, expression = CoarseEncoder(SHARED).eval(), ExpressionEncoder(SHARED).eval()
    sight, sound = torch.randn(2, 16, SIGHT), torch.randn(2, 16, 16, 29)
    assert coarse(sight).shape == (2, 16, 183)
    heard = expression.audio(sound.flatten(0, 1)).unflatten(0, (2, 16))
    seen = expression.video(sight.flatten(0, 1)).unflatten(0, (2, 16))
    assert seen.shape == (2, 16, 64)
    assert expression.fuse(heard, seen).shape == (2, 16, 57)
    count = sum(p.numel() for n in (coarse, expression) for p in n.parameters())
    assert count < 3_000_000
    # at first the code is the linear answer to both embeddings: the transformer is silent
    f_a, f_v = torch.randn(2, 16, 64), torch.randn(2, 16, 64)
    straight = expression.straight
    assert straight is not None
    torch.testing.assert_close(expression.fuse(f_a, f_v), straight(torch.cat([f_a, f_v], -1)))
