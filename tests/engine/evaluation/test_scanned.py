"""Scans that are the captured heads themselves, in the layout of the data sets."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.evaluation import scanned
from engine.evaluation.scans import SEVEN
from engine.exchange.protocol import AVFaceError
from engine.geometry import embed
from engine.head.landmarks import MESH_NEAR_68
from engine.head.model import FaceParams
from engine.options import CaptureOptions
from engine.progress import Report

trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed (requirements/dev.txt)")
SIZE, FOCAL = (320, 400), 700.0
FRAMES = (102, 105, 108)


@pytest.fixture
def params(head) -> FaceParams:
    shape = np.random.default_rng(0).normal(size=100)
    expression = np.zeros((len(FRAMES), len(head.file.expression_names)))
    expression[:, head.unit["mouthSmileLeft"]] = (0, 0.5, 1)
    neutral = FaceParams.neutral(head, len(FRAMES), FOCAL)
    return neutral.replace(shape=shape, expression=expression)


def write_mesh(path, vertices, faces) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in vertices]
    rows += ["f {} {} {}".format(*face) for face in faces + 1]
    path.write_text("\n".join(rows))


def write_grey(path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((SIZE[1], SIZE[0], 3), 128, np.uint8))


def test_now(head, params, monkeypatch, tmp_path):
    """A scan that is the captured person, some metres away; one of two pictures shows no face."""
    scan = head.rest(params.shape)[0] * 1e3 + [3000, 0, 200]
    skin = head.file.masks["skin"] & ~head.file.masks["mouth_inside"]
    faces = (np.cumsum(skin) - 1)[head.file.faces[skin[head.file.faces].all(1)]]
    write_mesh(tmp_path / "scans/someone/scan.000001.obj", scan[skin], faces)
    seven = embed(scan, head.file.faces, head.file.landmarks_68)[list(SEVEN)]
    marks = tmp_path / "scans_lmks_onlypp/someone/scan_picked_points.pp"
    marks.parent.mkdir(parents=True)
    points = "".join(f'<point x="{x}" y="{y}" z="{z}"/>' for x, y, z in seven)
    marks.write_text(f"<PickedPoints>{points}</PickedPoints>")
    pictures = tmp_path / "final_release_version/iphone_pictures/someone"
    write_grey(pictures / "selfie/IMG_0001.jpg")
    write_grey(pictures / "selfie/IMG_0002.jpg")
    seen = []

    def perform(clip, *_):
        assert clip.frame_count == 1
        seen.append(clip.path.name)
        if seen[-1] == "IMG_0002.jpg":
            raise AVFaceError("No face was found.")
        return SimpleNamespace(fit=SimpleNamespace(params=params))

    monkeypatch.setattr(scanned, "perform", perform)
    table, figures = scanned.evaluate_scans(tmp_path, Report(), CaptureOptions())
    assert seen == ["IMG_0001.jpg", "IMG_0002.jpg"]
    assert figures["all"] == figures["selfie"] and figures["all"]["missed"] == 1
    assert figures["all"]["median_mm"] < 1e-3 and "selfie" in table


def test_multiface(head, params, monkeypatch, tmp_path):
    """Tracked meshes that are the captured moments; the camera looks along +z, y down."""
    entity = tmp_path / "m--0--GHS"
    landmarks = np.zeros((len(FRAMES), 478, 2))
    for t, frame in enumerate(FRAMES):
        vertices = head.frame(params, t)
        write_mesh(entity / f"tracked_mesh/E01/{frame:06d}.obj", vertices * 1e3, head.file.faces)
        pose = np.column_stack([np.diag([1, -1, -1]), [0, 0, 600]])
        np.savetxt(entity / f"tracked_mesh/E01/{frame:06d}_transform.txt", pose)
        write_grey(entity / f"images/E01/400002/{frame:06d}.png")
        landmarks[t, MESH_NEAR_68] = head.landmarks_px(params, t, SIZE)
    numbers = f"{FOCAL} 0 {SIZE[0] / 2}\n0 {FOCAL} {SIZE[1] / 2}\n0 0 1"
    (entity / "KRT").write_text(f"400002\n{numbers}\n0 0 0 0 0\n1 0 0 0\n0 1 0 0\n0 0 1 0\n")
    track = SimpleNamespace(landmarks=landmarks, size=SIZE)
    done = SimpleNamespace(track=track, fit=SimpleNamespace(params=params))
    monkeypatch.setattr(scanned, "perform", lambda *_: done)
    monkeypatch.setattr(scanned, "_MESH_STEP", 2)
    _, figures = scanned.evaluate_scans(entity, Report(), CaptureOptions())
    assert figures["E01"]["heads"] == 2 and figures["all"]["missed"] == 0
    assert figures["all"]["median_mm"] < 0.05
    with pytest.raises(AVFaceError, match="no camera"):
        scanned.evaluate_scans(entity, Report(), CaptureOptions(), "1")
