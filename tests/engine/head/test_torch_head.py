import numpy as np
import pytest
import torch

from engine.geometry import embed, rotation_matrix
from engine.head.model import FaceParams, Head
from engine.head.torch_head import (
    TorchHead,
    TorchParams,
    landmark_vertices,
    project_points,
    rotation_matrices,
)

SIZE = (640, 480)


@pytest.fixture(scope="module")
def torch_head(head):
    return TorchHead(head.file)


@pytest.fixture(scope="module")
def small_head(head):
    return TorchHead(head.file, landmark_vertices(head.file))


def performance(head: Head, frames: int = 3) -> FaceParams:
    """Anybody doing anything, one frame turned far aside."""
    random = np.random.default_rng(3)
    neutral = FaceParams.neutral(head, frames, 1000.0)
    pose = random.normal(0, 0.2, (frames, 3))
    pose[0, 1] = 0.9
    return neutral.replace(
        shape=random.normal(size=neutral.shape.shape),
        expression=random.uniform(0, 0.5, neutral.expression.shape),
        head_pose=pose,
        head_translation=random.normal([0, 0, -0.6], 0.05, (frames, 3)),
        jaw=random.normal(0, 0.1, (frames, 3)),
        eyes=random.normal(0, 0.2, (frames, 6)),
    )


def in_camera(head: TorchHead, params: TorchParams) -> torch.Tensor:
    """The frames' vertices in camera space, (B, V, 3) m."""
    posed = head.pose(head.rest(params.shape), params.expression, params.jaw, params.eyes)
    turned = posed @ rotation_matrices(params.head_pose).transpose(1, 2)
    return turned + params.head_translation[:, None]


def test_vertices_equal_the_head_model(head, torch_head):
    params = performance(head)
    got = in_camera(torch_head, TorchParams.of(params)).numpy()
    for t in range(len(params)):
        np.testing.assert_allclose(got[t], head.camera_frame(params, t), atol=1e-6)


def test_landmarks_equal_the_head_model_from_the_few_vertices_they_need(head, small_head):
    params = performance(head)
    tensors = TorchParams.of(params)
    vertices = in_camera(small_head, tensors)
    assert vertices.shape[1] < len(head.file.template) / 5
    points = small_head.landmarks_68(vertices, tensors.head_pose)
    pixels = project_points(points, tensors.focal, SIZE).numpy()
    mesh, irises = small_head.mesh_landmarks(vertices), small_head.irises(vertices)
    for t in range(len(params)):
        np.testing.assert_allclose(pixels[t], head.landmarks_px(params, t, SIZE), atol=2e-3)
        posed = head.camera_frame(params, t)
        for got, embedding in ((mesh, head.file.landmarks_468), (irises, head.file.iris)):
            np.testing.assert_allclose(got[t], embed(posed, head.file.faces, embedding), atol=1e-6)


def test_frames_of_several_people_equal_each_alone(head, small_head):
    params = TorchParams.of(performance(head))
    random = torch.Generator().manual_seed(1)
    shapes = torch.randn(3, len(params.shape), generator=random)
    together = small_head.pose(small_head.rest(shapes), params.expression, params.jaw, params.eyes)
    for t in range(3):
        one = slice(t, t + 1)
        alone = small_head.pose(
            small_head.rest(shapes[t]), params.expression[one], params.jaw[one], params.eyes[one]
        )
        torch.testing.assert_close(together[one], alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [0.0, 1e-6, 9e-5, 2e-4, 0.1, 3.0])
def test_rotations_equal_the_numpy_ones(size):
    axis = np.array([[0.6, -0.64, 0.48]])
    got = rotation_matrices(torch.tensor(axis * size, dtype=torch.float32))
    np.testing.assert_allclose(got.numpy(), rotation_matrix(axis * size), atol=3e-7)


def test_gradients_are_right_and_finite_at_rest(small_head):
    zero = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rotation_matrices, (zero,))
    turned = torch.tensor([[0.3, -0.2, 0.9]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rotation_matrices, (turned,))
    jaw = torch.zeros(1, 3, requires_grad=True)
    rest = small_head.rest(torch.zeros(100))
    posed = small_head.pose(rest, torch.zeros(1, 50), jaw, torch.zeros(1, 6))
    small_head.mesh_landmarks(posed)[:, 152, 1].sum().backward()
    assert jaw.grad is not None and jaw.grad[0, 0] < 0  # an opening jaw lowers the chin


def test_only_whole_triangles_are_kept(head, small_head, torch_head):
    assert torch_head.faces.shape == head.file.faces.shape
    assert small_head.faces.min() >= 0 and small_head.faces.max() < len(small_head.kept)
