"""The command `faces`: boxes and the picture, for an artist to choose from."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.exchange.protocol import CANNOT_SERVE, DONE, AVFaceError, Done, Failed, Hello, decode
from engine.faces.still import look_at_frame
from engine.media import open_clip, read_frames

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "weights" / "demo" / "demo.mp4"


@pytest.fixture(scope="module")
def two_people(tmp_path_factory) -> Path:
    """Two pictures of a large and a small copy of the demo's face, side by side."""
    folder = tmp_path_factory.mktemp("two")
    _, near = next(read_frames(open_clip(DEMO), 30))
    far = np.zeros_like(near)
    small = cv2.resize(near, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    far[: small.shape[0], : small.shape[1]] = small
    both = np.concatenate([far, near], axis=1)
    for number in (1, 2):
        cv2.imwrite(str(folder / f"shot.{number:04d}.png"), cv2.cvtColor(both, cv2.COLOR_RGB2BGR))
    return folder


def faces(*arguments, **keywords) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "engine", "faces", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, **keywords
    )


def test_the_larger_face_comes_first_and_boxes_lie_on_the_faces(two_people):
    still = look_at_frame(open_clip(two_people, fps=25), 0.03)
    assert still.time == pytest.approx(0.04)
    assert still.boxes.shape == (2, 4)
    (near, far), width = still.boxes, still.picture.shape[1]
    assert near[0] > width / 2 > far[2]
    ratio = (far[2:] - far[:2]) / (near[2:] - near[:2])
    np.testing.assert_allclose(ratio, 0.6, atol=0.05)


def test_the_command_writes_boxes_and_picture_whole(two_people, tmp_path):
    out, picture = tmp_path / "faces.json", tmp_path / "frame.png"
    done = faces(two_people, "--out", out, "--picture", picture)
    assert done.returncode == DONE, done.stderr
    assert "2 faces at 0.00 s" in done.stdout
    content = json.loads(out.read_text())
    assert content["size"] == [1280, 480] and len(content["faces"]) == 2
    assert cv2.imread(str(picture)).shape == (480, 1280, 3)
    assert {path.name for path in tmp_path.iterdir()} == {"faces.json", "frame.png"}


def test_a_large_picture_is_averaged_down_and_boxes_stay_in_the_clips_pixels(tmp_path):
    _, picture = next(read_frames(open_clip(DEMO), 30))
    large = cv2.resize(picture, None, fx=4, fy=4)
    cv2.imwrite(str(tmp_path / "large.png"), cv2.cvtColor(large, cv2.COLOR_RGB2BGR))
    out, shown = tmp_path / "faces.json", tmp_path / "shown.png"
    assert faces(tmp_path / "large.png", "--out", out, "--picture", shown).returncode == DONE
    content = json.loads(out.read_text())
    assert content["size"] == [2560, 1920]
    assert max(content["faces"][0]["box"]) > 1280
    assert cv2.imread(str(shown)).shape == (960, 1280, 3)


def test_where_nobody_is_seen_there_is_a_picture_and_no_box(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((120, 160, 3), 90, np.uint8))
    still = look_at_frame(open_clip(tmp_path / "grey.png"), 5.0)
    assert still.boxes.shape == (0, 4) and still.picture.shape == (120, 160, 3)


def test_sound_has_no_face_to_choose(tmp_path):
    import wave

    with wave.open(str(tmp_path / "voice.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(32000))
    with pytest.raises(AVFaceError, match="sound only"):
        look_at_frame(open_clip(tmp_path / "voice.wav"), 0)


@pytest.mark.parametrize("name", ["demo", "missing"])
def test_the_add_on_hears_events(name, tmp_path):
    clip = DEMO if name == "demo" else tmp_path / "none.mp4"
    command = [sys.executable, "-m", "engine", "faces", str(clip), "--time", "1.2", "--events"]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "faces.json")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout
        first, last = [decode(line) for line in process.stdout]
        code = process.wait()
    assert isinstance(first, Hello)
    if name == "demo":
        assert (code, last) == (DONE, Done(str(tmp_path / "faces.json")))
    else:
        assert code == CANNOT_SERVE and isinstance(last, Failed) and "none.mp4" in last.message
