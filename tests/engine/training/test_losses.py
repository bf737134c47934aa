"""Losses at values that can be worked out by hand, and their gradients."""

import pytest
import torch
from torch.autograd import gradcheck

from engine.training import losses

CPU, ALL = torch.device("cpu"), torch.ones(68)  # all points are believed


@pytest.fixture(autouse=True)
def generator():
    torch.manual_seed(0)


def points(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, 68, 2, dtype=torch.float64)


def test_the_published_weights():
    assert (losses.COARSE.mouth_closure, losses.COARSE.expression) == (0.5, 1e-4)
    fine = losses.FINE
    assert (fine.normals, fine.mrf, fine.symmetry, fine.displacement) == (10, 5e-2, 5e-3, 5e-3)
    spectre = losses.SPECTRE
    assert (spectre.lip_reading, spectre.emotion, spectre.jaw) == (2, 0.5, 200)
    assert (spectre.landmark, spectre.mouth) == (50, 50)


def test_spectres_expression_weight_doubles_above_40():
    apart = torch.tensor([0.0, 39.9, 40.1]).sqrt()[:, None]
    for frame, weight in zip(apart, (1e-3, 1e-3, 2e-3), strict=True):
        loss = losses.expression_loss(frame, torch.zeros(1))
        assert float(loss) == pytest.approx(weight * float(frame) ** 2)
    both = losses.expression_loss(apart[1:], torch.zeros(2, 1))  # each frame by its own
    assert float(both) == pytest.approx((39.9e-3 + 2 * 40.1e-3) / 2)


def test_landmarks_off_by_one_cost_their_weights():
    target = torch.zeros(2, 68, 2)
    moved = target + torch.tensor([1.0, 0.0])
    weights = losses.landmark_weights(CPU)
    assert losses.landmark_loss(moved, target, weights) == pytest.approx(float(weights.mean()))
    assert losses.landmark_loss(moved, target, torch.zeros(68)) == 0


@pytest.mark.parametrize(
    "loss", [losses.eye_closure_loss, losses.mouth_closure_loss, losses.lip_corner_loss,
             losses.intra_distance_loss],
)  # fmt: skip
def test_relative_losses_ignore_where_the_face_is(loss):
    target = points(3)
    assert loss(target + torch.tensor([0.3, -0.7]), target, ALL) == pytest.approx(0, abs=1e-12)
    assert loss(points(3), target, ALL) > 0.01
    assert loss(points(3), target, torch.zeros(68)) == 0


def test_a_mouth_opened_by_a_tenth_costs_a_tenth():
    target = points(1)
    opened = target.clone()
    opened[:, list(losses.LOWER_LIPS), 1] += 0.1
    assert losses.mouth_closure_loss(opened, target, ALL) == pytest.approx(0.1)
    assert losses.eye_closure_loss(opened, target, ALL) == 0


def test_corners_apart_by_a_fifth():
    target = points(2)
    wide = target.clone()
    wide[:, 54, 0] += 0.2
    assert losses.lip_corner_loss(wide, target, ALL) == pytest.approx(0.2)


def test_mouth_distances_ignore_turns():
    target = points(1)
    angle = torch.tensor(0.7)
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]]).double()
    assert losses.intra_distance_loss(target @ turn, target, ALL) == pytest.approx(0, abs=1e-12)


def test_distances_within_a_mouth_are_summed_over_the_pairs():
    line = torch.zeros(2, 68, 2)
    line[:, list(losses.MOUTH), 0] = torch.arange(20.0)
    moved = line.clone()
    moved[:, 48, 0] -= 0.1  # farther from each of the others
    assert losses.intra_distance_loss(moved, line, ALL) == pytest.approx(19 * 0.1**2, rel=1e-4)


def test_photometric_loss_counts_the_mask_alone():
    picture, mask = torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)
    rendered = picture + 0.25
    rendered[..., 4:] = 9
    mask[..., :4] = 1
    assert losses.photometric_loss(rendered, picture, mask) == pytest.approx(0.25)
    assert losses.photometric_loss(rendered, picture, 0 * mask) == 0


def test_identity_of_opposite_faces():
    feature = torch.rand(4, 16)
    assert losses.identity_loss(3 * feature, feature) == pytest.approx(0, abs=1e-6)
    assert losses.identity_loss(-feature, feature) == pytest.approx(2, abs=1e-6)


def test_shape_consistency_is_the_variance_over_the_window():
    shapes = torch.zeros(1, 2, 3)
    shapes[0, 0, 1], shapes[0, 1, 1] = 1, -1
    assert losses.shape_consistency_loss(shapes) == pytest.approx(1)
    assert losses.shape_consistency_loss(torch.ones(2, 16, 100)) == 0


def test_regularisers():
    assert losses.coefficient_loss(2 * torch.ones(5, 3)) == pytest.approx(6)
    white = torch.rand(2, 9, 1).expand(2, 9, 3)
    assert losses.white_light_loss(white) == pytest.approx(0, abs=1e-12)
    red = torch.zeros(1, 9, 3)
    red[..., 0] = 3
    assert losses.white_light_loss(red) == pytest.approx((4 + 1 + 1) / 3)
    assert losses.nearness_loss(torch.ones(2, 20, 3), torch.zeros(2, 20, 3)) == pytest.approx(3)


def test_the_laplacian_of_a_parabola_is_constant():
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    assert torch.allclose(losses.laplacian((x**2 + 3 * y**2)[None]), torch.tensor(8.0))
    assert torch.allclose(losses.laplacian((5 * x - y)[None]), torch.tensor(0.0), atol=1e-5)


def test_normals_may_differ_by_a_slope_but_not_by_a_fold():
    mask = torch.ones(1, 1, 16, 16)
    target = torch.rand(1, 3, 16, 16)
    ramp = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
    assert losses.normals_loss(target + ramp, target, mask) < 1e-6
    folded = target.clone()
    folded[:, 0, 8] += 1
    # rows 7 and 9 get 1, row 8 gets 2, of 14 rows and three channels
    assert losses.normals_loss(folded, target, mask) == pytest.approx(4 / 14 / 3, rel=1e-5)
    assert losses.normals_loss(folded, target, 0 * mask) == 0
    window = mask[:, None].expand(1, 5, 1, 16, 16)
    again = losses.normals_loss(folded[:, None].expand(1, 5, 3, 16, 16), target[:, None], window)
    assert again == pytest.approx(4 / 14 / 3, rel=1e-5)


def test_symmetry_asks_only_where_hidden():
    map_ = torch.zeros(1, 1, 4, 4)
    map_[..., :2] = 1
    mirror = map_.flip(-1)
    assert losses.symmetry_loss(map_, torch.ones_like(map_), mirror) == pytest.approx(16)
    assert losses.symmetry_loss(map_, torch.zeros_like(map_), mirror) == 0


def test_mrf_prefers_the_same_texture():
    picture = torch.rand(2, 8, 12, 12)
    same = losses.mrf_loss(picture, picture)
    moved = losses.mrf_loss(picture.roll(3, -1), picture)
    blurred = losses.mrf_loss(torch.nn.functional.avg_pool2d(picture, 3, 1, 1), picture)
    assert same == pytest.approx(float(moved), abs=1e-4)  # where a patch is does not count
    assert blurred > same + 0.1


def test_gradients():
    target, ours = points(2), points(2).requires_grad_()
    weights = losses.landmark_weights(CPU).double()
    for loss in (
        losses.eye_closure_loss, losses.mouth_closure_loss, losses.lip_corner_loss,
        losses.intra_distance_loss, losses.outline_loss,
    ):  # fmt: skip
        assert gradcheck(lambda p, loss=loss: loss(p, target, weights), ours)
    assert gradcheck(lambda p: losses.landmark_loss(p, target, weights), ours)

    maps = torch.rand(1, 3, 6, 6, dtype=torch.float64, requires_grad=True)
    other, mask = torch.rand(1, 3, 6, 6).double(), torch.ones(1, 1, 6, 6).double()
    assert gradcheck(lambda m: losses.normals_loss(m, other, mask), maps)
    assert gradcheck(lambda m: losses.photometric_loss(m, other, mask), maps)
    assert gradcheck(lambda m: losses.mrf_loss(m, other), maps)
    assert gradcheck(lambda m: losses.shape_consistency_loss(m[0]), maps)
    assert gradcheck(lambda m: losses.white_light_loss(m[0]), maps)
    features = torch.rand(3, 5, dtype=torch.float64, requires_grad=True)
    seen = torch.tensor([1.0, 0.5, 0.0]).double()
    assert gradcheck(lambda f: losses.feature_cosine_loss(f, other[0, :, 0, :5], seen), features)


def test_a_covered_mouth_s_features_do_not_count():
    real = torch.eye(3)
    drawn = torch.stack([real[0], -real[1], real[2]])
    assert losses.feature_cosine_loss(drawn, real, torch.tensor([1.0, 0.0, 1.0])) == 0
    assert losses.feature_cosine_loss(drawn, real, torch.ones(3)) == pytest.approx(2 / 3)
    assert losses.feature_cosine_loss(drawn, real, torch.zeros(3)) == 0


def test_gradients_are_finite_where_everything_is_right():
    same = points(1).requires_grad_()
    for loss in (losses.intra_distance_loss, losses.mouth_closure_loss):
        loss(same, same.detach(), ALL).backward()
    assert same.grad is not None and bool(same.grad.isfinite().all())
