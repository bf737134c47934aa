import numpy as np
import pytest

from engine.exchange.head_file import SCHEMA, load_head_file
from engine.exchange.protocol import AVFaceError
from engine.geometry import rotation_matrix
from engine.head.model import FaceParams


def test_at_rest_the_head_is_its_template(head):
    params = FaceParams.neutral(head, 1, 1000.0)
    np.testing.assert_allclose(head.frame(params, 0), head.file.template, atol=1e-9)


def test_a_jaw_turn_is_rigid_for_the_lower_teeth(head):
    params = FaceParams.neutral(head, 1, 1000.0)
    jaw = np.array([[0.3, 0.02, 0.0]])
    posed = head.frame(params.replace(jaw=jaw), 0)
    teeth = head.file.masks["lower_teeth"]
    rest, joints = head.rest(params.shape)
    expected = (rest[teeth] - joints[2]) @ rotation_matrix(jaw[0]).T + joints[2]
    np.testing.assert_allclose(posed[teeth], expected, atol=2e-5)


def test_eyes_turn_about_their_centres(head):
    params = FaceParams.neutral(head, 1, 1000.0)
    posed = head.frame(params.replace(eyes=np.array([[0.1, -0.3, 0, 0, 0.2, 0]])), 0)
    rest, joints = head.rest(params.shape)
    for joint, mask in ((3, "left_eye"), (4, "right_eye")):
        vertices = head.file.masks[mask]
        before = np.linalg.norm(rest[vertices] - joints[joint], axis=1)
        after = np.linalg.norm(posed[vertices] - joints[joint], axis=1)
        np.testing.assert_allclose(after, before, atol=1e-5)


def test_a_slice_of_params_keeps_the_person(head):
    params = FaceParams.neutral(head, 4, 1000.0)
    assert len(params[1:3]) == 2
    assert params[1:3].shape is params.shape


def test_what_is_no_head_file_is_said_in_words(tmp_path):
    path = tmp_path / "head.npz"
    with pytest.raises(AVFaceError, match="no head file"):
        load_head_file(path)
    path.write_bytes(b"not a head")
    with pytest.raises(AVFaceError, match="not a head file"):
        load_head_file(path)
    np.savez(path, schema=7)
    with pytest.raises(AVFaceError, match="schema"):
        load_head_file(path)
    np.savez(path, schema=SCHEMA, times=np.zeros(3))  # a take, say
    with pytest.raises(AVFaceError, match="not a head file"):
        load_head_file(path)
    np.savez(path, schema=SCHEMA, template=np.zeros((3, 3)))
    with pytest.raises(AVFaceError, match="damaged"):
        load_head_file(path)
