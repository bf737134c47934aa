"""Made-up files in the layouts of the tools that write them."""

import csv
import os
import pickle

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.cli import main
from engine.exchange.arkit import ARKIT_NAMES, curves_of
from engine.exchange.livelink import write_livelink
from engine.exchange.protocol import CANNOT_SERVE, DONE, AVFaceError
from engine.exchange.take import Take
from engine.geometry import rotation_matrix, to_camera
from engine.head.model import Head
from engine.imports import import_parameters
from engine.imports.codes import CROP
from engine.weights import load_head

FRAMES = 3
CASES = int(os.environ.get("AVFACE_FUZZ", "60"))
FUZZ = settings(max_examples=CASES, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def head(adopted):
    return adopted.head


@pytest.fixture(scope="module")
def numbers():
    """A person and three frames, under plain names."""
    random = np.random.default_rng(2)
    return {
        "shape": random.normal(0, 0.5, 100), "exp": random.normal(0, 0.5, (FRAMES, 50)),
        "root": random.normal(0, 0.3, (FRAMES, 3)), "neck": random.normal(0, 0.1, (FRAMES, 3)),
        "jaw": np.column_stack([random.uniform(0, 0.3, FRAMES), np.zeros((FRAMES, 2))]),
        "eyes": random.normal(0, 0.1, (FRAMES, 6)), "moved": random.normal(0, 0.05, (FRAMES, 3)),
        "cam": np.column_stack([random.uniform(7, 9, FRAMES), random.normal(0, 0.02, (FRAMES, 2))]),
    }  # fmt: skip


def flame_points(head, n, t, neck=False, moved=False):
    """FLAME's own surface with root, neck and translation, and where skinning is the neck's child.

    Written out apart from the import: root and neck about their joints, then the translation.
    """
    flame = Head(head)
    shape = np.zeros(300)
    shape[:100] = n["shape"]
    expression = np.zeros(100)
    expression[:50] = n["exp"][t]
    rest = flame.rest(shape)
    eyes = n["eyes"][t] if neck else np.zeros(6)
    points = flame.pose(rest, expression, n["jaw"][t], eyes)
    joints = rest[1]
    if neck:
        points = (points - joints[1]) @ rotation_matrix(n["neck"][t]).T + joints[1]
    points = (points - joints[0]) @ rotation_matrix(n["root"][t]).T + joints[0]
    return points + (n["moved"][t] if moved else 0)


def take_points(head, take, t):
    flame = Head(head)
    posed = flame.pose(flame.rest(take.shape), take.expression[t], take.jaw[t], take.eyes[t])
    return to_camera(posed, take.head_pose[t], take.head_translation[t])


def in_picture(points, take):
    depth = -points[:, 2:]
    return np.array(take.size) / 2 + take.focal * points[:, :2] / depth * [1, -1]


def deca(n):
    return {"shape": np.tile(n["shape"], (FRAMES, 1)), "exp": n["exp"],
            "pose": np.concatenate([n["root"], n["jaw"]], 1), "cam": n["cam"],
            "tex": np.zeros((FRAMES, 50)), "detail": np.zeros((FRAMES, 128))}  # fmt: skip


def check_codes(head, take, n):
    """DECA's own orthographic camera sees the same picture."""
    assert take.frame_count == FRAMES and take.size == (CROP, CROP)
    for t in range(FRAMES):
        points = flame_points(head, n, t)
        scale, x, y = n["cam"][t]
        wanted = CROP / 2 * (1 + scale * (points[:, :2] + [x, y]) * [1, -1])
        seen = in_picture(take_points(head, take, t), take)
        face = head.masks["face"]
        assert np.abs(seen - wanted)[face].max() < 1.5  # px: a pinhole is nearly parallel


@pytest.mark.parametrize("kind", ["npy", "npz", "mat", "pkl", "list"])
def test_deca_and_spectre_codes(head, numbers, tmp_path, kind):
    codes = deca(numbers)
    path = tmp_path / f"codes.{kind if kind != 'list' else 'npy'}"
    if kind == "npy":
        np.save(path, np.array(codes), allow_pickle=True)
    elif kind == "npz":
        np.savez(path, **codes)
    elif kind == "mat":
        scipy.io.savemat(path, codes)
    elif kind == "pkl":
        torch = pytest.importorskip("torch")
        path.write_bytes(pickle.dumps({k: torch.tensor(v) for k, v in codes.items()}))
    else:
        frames = [{k: v[t : t + 1] for k, v in codes.items()} for t in range(FRAMES)]
        np.save(path, np.array(frames), allow_pickle=True)
    check_codes(head, import_parameters(path, head), numbers)


def test_emoca_folders(head, numbers, tmp_path):
    codes = deca(numbers)
    for t in range(FRAMES):
        folder = tmp_path / f"{t:06d}_000"
        folder.mkdir()
        for name in ("shape", "exp", "pose", "cam"):
            np.save(folder / f"{name}.npy", codes[name][t])
    take = import_parameters(tmp_path, head)
    check_codes(head, take, numbers)


def test_emoca_dictionaries_and_names(head, numbers, tmp_path):
    codes = {f"{k}code" if k != "cam" else k: v for k, v in deca(numbers).items() if k != "detail"}
    np.savez(tmp_path / "emoca.npz", **codes)
    take = import_parameters(tmp_path / "emoca.npz", head)
    check_codes(head, take, numbers)
    assert take.made_by["options"]["tool"] == "EMOCA"


def test_smirk_brings_its_lids(head, numbers, tmp_path):
    n = numbers
    lids = np.array([[0, 0], [1, 0], [1, 1.0]])
    plain = {"shape_params": np.tile(np.pad(n["shape"], (0, 200)), (FRAMES, 1)),
             "expression_params": n["exp"] * 0, "pose_params": n["root"], "jaw_params": n["jaw"],
             "cam": n["cam"], "eyelid_params": lids}  # fmt: skip
    np.savez(tmp_path / "smirk.npz", **plain)
    take = import_parameters(tmp_path / "smirk.npz", head)
    from engine.head.bridge import common_points, point_head
    from engine.head.transfer import aperture_mm

    small = point_head(head, load_head(), common_points(load_head()))
    posed = small.pose(small.person(take.shape), take.expression, take.jaw, take.eyes)
    gaps = aperture_mm(posed)[1]  # right lids, then left
    assert gaps[0].mean() > 5
    assert gaps[1, 5:].max() < 2 and gaps[1, :5].mean() > 5 and gaps[2].max() < 2


def vhap(n):
    return {"shape": np.pad(n["shape"], (0, 200)), "expr": np.pad(n["exp"], ((0, 0), (0, 50))),
            "rotation": n["root"], "neck_pose": n["neck"], "jaw_pose": n["jaw"],
            "eyes_pose": n["eyes"], "translation": n["moved"], "focal_length": np.array([2.5]),
            "timestep_id": np.arange(FRAMES)}  # fmt: skip


@pytest.mark.parametrize("layout", ["one file", "exported"])
def test_vhap_folders(head, numbers, tmp_path, layout):
    content = vhap(numbers)
    if layout == "one file":
        np.savez(tmp_path / "tracked_flame_params_1.npz", shape=np.zeros(3))
        np.savez(tmp_path / "tracked_flame_params_30.npz", **content)
    else:
        (tmp_path / "flame_param").mkdir()
        for t in range(FRAMES):
            one = {
                k: v if k in ("shape", "focal_length") else v[t : t + 1] for k, v in content.items()
            }
            np.savez(tmp_path / "flame_param" / f"{t:05d}.npz", **one)
    take = import_parameters(tmp_path, head)
    assert take.focal == 2.5 * 512
    for t in range(FRAMES):
        wanted = flame_points(head, numbers, t, neck=True, moved=True) - [0, 0, 1]
        assert np.abs(take_points(head, take, t) - wanted).max() < 1e-6


def test_flame_head_tracker_folders(head, numbers, tmp_path):
    n = numbers
    turns = Rotation.from_rotvec(n["root"] * 0.5)
    places = np.array([0.02, 0.03, 0.9]) + n["moved"]
    euler = turns.as_euler("ZYX")[:, [1, 2, 0]]
    for t in range(FRAMES):
        np.savez(
            tmp_path / f"{t}.npz", shape=np.pad(n["shape"], (0, 200))[None],
            exp=np.pad(n["exp"][t], (0, 50))[None], head_pose=np.zeros((1, 3)),
            jaw_pose=n["jaw"][t : t + 1], eye_pose=n["eyes"][t : t + 1], tex=np.zeros((1, 50)),
            cam=np.concatenate([euler[t], places[t]])[None], fov=np.array([20.0]),
            K=np.array([[[1450.0, 0, 256], [0, 1450, 256], [0, 0, 1]]]),
        )  # fmt: skip
    take = import_parameters(tmp_path, head)
    assert take.size == (512, 512) and take.focal == 1450
    still = n | {"root": np.zeros((FRAMES, 3)), "neck": np.zeros((FRAMES, 3))}
    for t in range(FRAMES):
        points = flame_points(head, still, t, neck=True)
        wanted = (points - places[t]) @ turns[t].as_matrix()
        assert np.abs(take_points(head, take, t) - wanted).max() < 1e-6


def test_metrical_tracker_folders(head, numbers, tmp_path):
    torch = pytest.importorskip("torch")
    n = numbers
    (tmp_path / "checkpoint").mkdir()

    def six(axis_angle):
        return rotation_matrix(axis_angle)[..., :2, :].reshape(*axis_angle.shape[:-1], 6)

    turn, shift = rotation_matrix(n["root"]) @ np.diag([1.0, -1, -1]), n["moved"] + [0, 0, 1]
    for t in range(FRAMES):
        eyes = six(n["eyes"][t].reshape(2, 3)).reshape(1, 12)
        frame = {
            "flame": {"exp": np.pad(n["exp"][t], (0, 50))[None], "jaw": six(n["jaw"][t])[None],
                      "shape": np.pad(n["shape"], (0, 200))[None], "eyes": eyes,
                      "eyelids": np.zeros((1, 2)), "tex": np.zeros((1, 140))},
            "camera": {"R": np.zeros((1, 6)), "t": np.zeros((1, 3))},
            "opencv": {"R": turn[t][None], "t": shift[t][None],
                       "K": np.array([[[2000.0, 0, 256], [0, 2000, 256], [0, 0, 1]]])},
            "img_size": np.array([512, 480]), "frame_id": f"{t:05d}", "global_step": 7,
        }  # fmt: skip
        torch.save(frame, tmp_path / "checkpoint" / f"{t:05d}.frame")
    take = import_parameters(tmp_path, head)
    assert take.size == (480, 512) and take.focal == 2000
    still = n | {"root": np.zeros((FRAMES, 3)), "neck": np.zeros((FRAMES, 3))}
    for t in range(FRAMES):
        opencv = flame_points(head, still, t, neck=True) @ turn[t].T + shift[t]
        assert np.abs(take_points(head, take, t) - opencv * [1, -1, -1]).max() < 1e-6


def write_csv(path, header, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_live_link_csv(small_take, tmp_path):
    exact = curves_of(small_take[1])
    write_livelink(exact, tmp_path / "take.csv", 100.0)
    take = import_parameters(tmp_path / "take.csv", load_head())
    again = curves_of(take)
    assert np.allclose(again.values, exact.values, atol=1e-6)
    assert np.allclose(again.head, exact.head, atol=1e-6) and abs(take.fps - 25) < 0.01


def test_mediapipe_blendshapes(tmp_path):
    random = np.random.default_rng(0)
    names = ["timestamp_ms", "_neutral", *ARKIT_NAMES[:-1]]
    rows = [[40 * t, 0, *random.uniform(0, 1, 51)] for t in range(5)]
    write_csv(tmp_path / "mp.csv", names, rows)
    take = import_parameters(tmp_path / "mp.csv", load_head())
    again = curves_of(take)
    for name in ("mouthFunnel", "eyeBlinkLeft", "jawOpen", "browInnerUp"):
        wanted = [row[names.index(name)] for row in rows]
        assert np.allclose(again.values[:, ARKIT_NAMES.index(name)], wanted)
    assert np.allclose(take.times, np.arange(5) * 0.04)


def test_openseeface_logs(tmp_path):
    """The face model's own axes don't matter: the turn is read from the middle of the recording."""
    header = ["Frame", "Time", "Width", "Height", "FPS", "Face", "FaceID", "RightOpen", "LeftOpen",
              "AverageConfidence", "Success3D", "PnPError", "RVec.X", "RVec.Y", "RVec.Z",
              "mouth_open", "mouth_wide"]  # fmt: skip
    own = Rotation.from_euler("xyz", [170, 5, 90], degrees=True)
    yaw = np.radians([-20, 0, 20])  # to the subject's left is to the right in the picture
    rows = []
    for t in range(3):
        turned = Rotation.from_rotvec([0, -yaw[t], 0]) * own  # OpenCV: y down
        rows.append([t, 10 + t / 30, 640, 480, 0, 0, 0, 1 - 0.4 * t, 1, 0.9, "True", 1.0,
                     *turned.as_rotvec(), 0.3 * t, -0.5])  # fmt: skip
        rows.append([t, 10 + t / 30, 640, 480, 0, 1, 1, 0, 0, 0.9, "True", 1.0, 0, 0, 0, 1, 1])
    write_csv(tmp_path / "osf.csv", header, rows)
    take = import_parameters(tmp_path / "osf.csv", load_head())
    assert take.frame_count == 3 and abs(take.fps - 30) < 0.1
    assert np.allclose(take.head_pose, np.column_stack([np.zeros(3), yaw, np.zeros(3)]), atol=1e-6)
    curves = curves_of(take)
    assert np.allclose(curves.values[:, ARKIT_NAMES.index("eyeBlinkRight")], [0, 0.4, 0.8])
    assert np.allclose(curves.values[:, ARKIT_NAMES.index("jawOpen")], [0, 0.3, 0.6])
    assert np.allclose(curves.values[:, ARKIT_NAMES.index("mouthPucker")], 0.5)


def test_the_command_says_what_it_found(head, adopted, numbers, tmp_path, capsys):
    np.savez(tmp_path / "deca.npz", **deca(numbers))
    out = ["--out", str(tmp_path / "out.take.npz")]
    source = str(tmp_path / "deca.npz")
    assert main(["import", source, "--head", str(adopted.path), "--fps", "30", *out]) == DONE
    assert "3 frames of DECA" in capsys.readouterr().out
    assert Take.load(tmp_path / "out.take.npz").fps == 30
    assert main(["import", source, *out]) == CANNOT_SERVE
    assert "is no FLAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    "codes",
    [
        {"exp": np.zeros((3, 50)), "pose": np.zeros((3, 5))},
        {"exp": np.zeros((3, 50)), "pose": np.zeros((2, 6))},
        {"exp": np.zeros((3, 50)), "pose": np.full((3, 6), np.nan)},
        {"exp": np.ones((3, 500)), "pose": np.zeros((3, 6))},
        {"exp": np.zeros((3, 50)), "pose": np.zeros((3, 6)), "cam": np.zeros((3, 3))},
        {"exp": np.zeros((0, 50)), "pose": np.zeros((0, 6))},
        {"nothing": np.zeros(3)},
    ],
)
def test_wrong_codes_are_refused_in_a_sentence(head, tmp_path, codes):
    np.savez(tmp_path / "codes.npz", **codes)
    with pytest.raises(AVFaceError) as error:
        import_parameters(tmp_path / "codes.npz", head)
    assert "\n" not in error.value.message


@FUZZ
@given(st.binary(max_size=200), st.sampled_from([".npy", ".npz", ".pkl", ".mat", ".csv", ".frame"]))
def test_any_file_is_read_or_refused(head, tmp_path_factory, content, suffix):
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(content)
    with pytest.raises(AVFaceError):
        import_parameters(path, head)


def test_a_torch_file_that_wants_to_run_something_is_refused(head, tmp_path):
    torch = pytest.importorskip("torch")

    class Bad:
        def __reduce__(self):
            return os.system, ("true",)

    torch.save({"flame": Bad()}, tmp_path / "0.frame")
    with pytest.raises(AVFaceError, match="was not read"):
        import_parameters(tmp_path, head)
