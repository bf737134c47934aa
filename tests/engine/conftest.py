"""The default head, FLAME-like files of our own, made once, and a short take."""

import pytest


@pytest.fixture(scope="session")
def head():
    from engine.head.model import Head
    from engine.weights import load_head

    return Head(load_head())


@pytest.fixture(scope="session")
def flame():
    from tests.synthetic_flame import make_flame

    return make_flame()


@pytest.fixture(scope="session")
def flame_files(flame, tmp_path_factory):
    from tests.synthetic_flame import write_flame

    return write_flame(flame, tmp_path_factory.mktemp("flame"))


@pytest.fixture(scope="session")
def adopted(flame_files, tmp_path_factory):
    from engine.head.adopt import adopt_flame

    return adopt_flame(flame_files, tmp_path_factory.mktemp("head") / "flame.npz")


@pytest.fixture(scope="session")
def mouth():
    """The default head's skin within 2 cm of the lips, its teeth and its tongue."""
    from engine.head.mouth import part_of
    from engine.weights import load_head

    head = load_head()
    lips = head.template[head.masks["lips"]]
    low, high = lips.min(0) - 0.02, lips.max(0) + 0.02
    near = ((head.template > low) & (head.template < high)).all(1) & head.masks["skin"]
    for name in ("mouth_inside", "upper_teeth", "lower_teeth", "tongue"):
        near |= head.masks[name]
    return part_of(head, near)


@pytest.fixture
def small_take(tmp_path):
    """A few frames of the default head: its path and the take."""
    import numpy as np

    from engine.exchange.take import Take
    from engine.head.model import FaceParams, Head
    from engine.weights import load_head

    head, frames, size = Head(load_head()), 12, (640, 480)
    generator, t = np.random.default_rng(4), np.arange(frames) / 25
    params = FaceParams.neutral(head, frames, 1280.0)
    shape = np.zeros_like(params.shape)
    shape[:12] = generator.normal(0, 0.7, 12)
    expression = params.expression.copy()
    for name, column in head.unit.items():
        if name.startswith(("mouthSmile", "eyeBlink", "browInnerUp", "jawForward", "mouthPucker")):
            wave = np.sin(generator.uniform(3, 9) * t + generator.uniform(0, 6))
            expression[:, column] = 0.3 + 0.3 * wave
    jaw, eyes = np.zeros((frames, 3)), np.zeros((frames, 6))
    jaw[:, 0] = 0.15 + 0.1 * np.sin(9 * t)
    eyes[:, [1, 4]] = 0.2 * np.sin(5 * t)[:, None]
    pose = np.stack([0.1 * np.sin(3 * t), 0.25 * np.cos(4 * t), 0.05 * t], 1)
    params = params.replace(shape=shape, expression=expression, jaw=jaw, eyes=eyes, head_pose=pose)
    rest = head.rest(shape)
    marks = [head.landmarks_px(params, k, size, rest) for k in range(frames)]
    take = Take(
        times=t, shape=shape, albedo=np.zeros(50), expression=expression, head_pose=pose,
        head_translation=params.head_translation, jaw=jaw, eyes=eyes, light=np.zeros((9, 3)),
        landmarks_px=np.array(marks), found=np.ones(frames, bool),
        confidence=np.ones((frames, 5)), trust_sound=np.zeros(frames), focal=1280.0, size=size,
        fps=25.0, expression_names=head.file.expression_names,
        head={"name": head.file.name, "sha256": head.file.sha256},
        source={"path": "clip.mp4", "sha256": ""}, made_by={"version": "test", "options": {}},
    )  # fmt: skip
    path = tmp_path / "small.take.npz"
    take.save(path)
    return path, take
