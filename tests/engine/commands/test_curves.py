import csv
import json
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.cli import main
from engine.exchange.arkit import (
    ARKIT_NAMES,
    Curves,
    axis_angle_of,
    curves_of,
    resampled,
    units_of,
    yaw_pitch_roll,
)
from engine.exchange.livelink import HEADER, parse_table, read_livelink, timecode, write_livelink
from engine.exchange.protocol import CANNOT_SERVE, DONE, AVFaceError
from engine.head.arkit import arkit_curves
from engine.head.transfer import transfer_take
from engine.weights import load_head

CASES = int(os.environ.get("AVFACE_FUZZ", "60"))
FUZZ = settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
ANGLE = st.floats(-1.4, 1.4)


def curve(curves, name):
    return curves.values[:, ARKIT_NAMES.index(name)]


def test_there_are_arkits_52_names_once_each():
    assert len(ARKIT_NAMES) == len(set(ARKIT_NAMES)) == 52
    assert len(HEADER) == 63


def test_joints_become_curves(small_take):
    take = small_take[1]
    jaw, eyes = np.zeros((12, 3)), np.zeros((12, 6))
    jaw[:, 0], jaw[:, 1] = np.radians(21.4), -0.05
    eyes[:, 0], eyes[:, 3] = np.radians(12.5), np.radians(-25)  # left down, right up
    eyes[:, 1] = eyes[:, 4] = np.radians(5)  # both to the subject's left
    curves = curves_of(replace(take, jaw=jaw, eyes=eyes))
    assert np.allclose(curve(curves, "jawOpen"), 1)
    assert np.allclose(curve(curves, "jawRight"), 0.5) and not curve(curves, "jawLeft").any()
    assert np.allclose(curve(curves, "eyeLookDownLeft"), 0.5)
    assert np.allclose(curve(curves, "eyeLookUpRight"), 1)
    assert np.allclose(curve(curves, "eyeLookOutLeft"), 0.2)
    assert np.allclose(curve(curves, "eyeLookInRight"), 0.2)


def test_mouth_close_equal_to_jaw_open_shuts_the_lips():
    """ARKit's meaning of the two."""
    from engine.head.bridge import common_points, point_head
    from engine.head.transfer import aperture_mm

    head = load_head()
    small = point_head(head, head, common_points(head))
    curves = Curves(np.zeros(2), np.zeros((2, 52)), *(np.zeros((2, 3)) for _ in range(3)), 25.0)
    for name in ("jawOpen", "mouthClose"):
        curves.values[:, ARKIT_NAMES.index(name)] = 0.5, 1.0
    expression, jaw, eyes = units_of(curves, head.expression_names)
    lips, _ = aperture_mm(small.pose(small.person(np.zeros(100)), expression, jaw, eyes))
    assert lips.max() < 0.5


def test_curves_give_the_units_back(small_take):
    take = small_take[1]
    symmetric = take.expression.copy()
    for name in ("browInnerUp", "cheekPuff"):
        left, right = (take.expression_names.index(name + side) for side in ("Left", "Right"))
        symmetric[:, left] = symmetric[:, right]
    take = replace(take, expression=symmetric)
    expression, jaw, eyes = units_of(curves_of(take), take.expression_names)
    assert np.allclose(expression, take.expression) and np.allclose(jaw, take.jaw)
    assert np.allclose(eyes, take.eyes)


@FUZZ
@given(ANGLE, ANGLE, st.floats(-3, 3))
def test_angles_go_there_and_back(yaw, pitch, roll):
    vector = Rotation.from_euler("YXZ", [yaw, pitch, roll]).as_rotvec()[None]
    assert np.allclose(yaw_pitch_roll(vector), [[yaw, pitch, roll]], atol=1e-6)
    back = Rotation.from_rotvec(axis_angle_of(np.array([[yaw, pitch, roll]])))
    assert np.allclose(back.as_matrix(), Rotation.from_rotvec(vector).as_matrix(), atol=1e-6)


def test_another_head_gives_the_same_curves(small_take, adopted):
    take = small_take[1]
    exact = curves_of(take)
    solved = arkit_curves(transfer_take(take, load_head(), adopted.head), adopted.head)
    moving = np.ptp(exact.values, axis=0) > 0.05
    assert np.abs(solved.values[:, moving] - exact.values[:, moving]).mean() < 0.02
    assert np.abs(solved.values - exact.values).max() < 0.15
    assert np.abs(solved.head - exact.head).max() < 0.02


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00:00.000"), (3661.5, "01:01:01:30.000"), (0.04, "00:00:00:02.400"),
     (59.999999, "00:01:00:00.000")],
)  # fmt: skip
def test_timecodes_count_sixty_frames_a_second(seconds, text):
    assert timecode(seconds) == text


@pytest.fixture
def table(small_take, tmp_path):
    """The CSV of a take, cell by cell."""
    out = tmp_path / "clip.csv"
    assert main(["curves", str(small_take[0]), "--out", str(out)]) == DONE
    assert out.read_bytes().isascii() and b"\r" not in out.read_bytes()
    with open(out, newline="") as file:
        return list(csv.reader(file))


def test_columns_stand_where_readers_by_place_look(small_take, table):
    """Faceit and the DAZ importer slice rows; a count of 0 would say that there is no face."""
    names = [name[0].upper() + name[1:] for name in ARKIT_NAMES]
    assert table[0][:2] == ["Timecode", "BlendShapeCount"] and table[0][2:54] == names
    assert table[0][16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert table[0][54:57] == ["HeadYaw", "HeadPitch", "HeadRoll"]
    assert table[0][57:60] == ["LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll"]
    assert table[0][60:] == ["RightEyeYaw", "RightEyePitch", "RightEyeRoll"]
    assert all(len(row) == 63 and float(row[1]) == 61 for row in table[1:])
    exact = curves_of(small_take[1])
    assert np.allclose(np.array([row[2:54] for row in table[1:]], float), exact.values)
    head = np.array([row[54:57] for row in table[1:]], float)
    assert np.allclose(-head, exact.head)  # Faceit turns all three signs


def test_columns_bear_the_names_that_readers_look_up(table):
    """Two Blender add-ons make the first letter small and look for shape keys of that name."""
    small = {name[0].lower() + name[1:] for name in table[0]}
    assert small >= set(ARKIT_NAMES) and len(small) == 63


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0, 24000 / 1001, 30000 / 1001])
def test_readers_of_timecodes_find_the_rate(tmp_path, fps):
    """FF / 60 with its fraction, over more than a minute: no frames are dropped."""
    times, zero = np.arange(int(70 * fps)) / fps, np.zeros((int(70 * fps), 3))
    curves = Curves(times, np.zeros((len(times), 52)), zero, zero, zero, fps)
    write_livelink(curves, tmp_path / "long.csv", start_seconds=3590)
    codes = [row.split(",")[0] for row in (tmp_path / "long.csv").read_text().splitlines()[1:]]
    parts = np.array([[float(part) for part in code.split(":")] for code in codes])
    assert parts.shape[1] == 4 and parts[:, 3].max() < 60
    clock = parts @ [3600, 60, 1, 1 / 60]
    assert np.abs(clock - 3590 - times).max() < 1e-5
    assert read_livelink(tmp_path / "long.csv").fps == pytest.approx(fps, rel=1e-3)
    if fps in (30, 60):  # scripts cut off what stands behind the point
        whole = [tuple(int(part) for part in code[:-4].split(":")) for code in codes]
        assert len(set(whole)) == len(whole)


def test_angles_of_eyes_agree_with_their_curves_as_in_the_apps_recordings(small_take, tmp_path):
    """There LeftEyeYaw -0.36 stands with EyeLookOutLeft 0.51, EyeLookInRight 0.60; LeftEyePitch
    -0.19 with EyeLookUpLeft 0.43; LeftEyeRoll 0.070 with both."""
    yaw, pitch = 0.36, -0.195
    turned = Rotation.from_euler("XYZ", [pitch, yaw, 0]).as_rotvec()  # as ARKit turns an eye
    take = replace(small_take[1], eyes=np.tile(turned, (12, 2)))
    write_livelink(curves_of(take), tmp_path / "a.csv")
    with open(tmp_path / "a.csv", newline="") as file:
        row = {name: float(cell) for name, cell in next(iter(csv.DictReader(file))).items()
               if name != "Timecode"}  # fmt: skip
    assert row["EyeLookOutLeft"] > 0.5 and row["EyeLookInRight"] > 0.5 and row["EyeLookUpLeft"] > 0
    assert row["LeftEyeYaw"] == pytest.approx(-0.36, abs=0.01)
    assert row["LeftEyePitch"] == pytest.approx(-0.195, abs=0.02)
    assert row["LeftEyeRoll"] == pytest.approx(0.070, abs=0.005)


def test_the_csv_comes_back_whole(small_take, tmp_path):
    exact = curves_of(small_take[1])
    write_livelink(exact, tmp_path / "a.csv", start_seconds=86399.9)  # over midnight
    back = read_livelink(tmp_path / "a.csv")
    assert np.allclose(back.values, exact.values) and np.allclose(back.head, exact.head)
    assert np.allclose(back.times, exact.times, atol=2e-5) and abs(back.fps - 25) < 0.01
    assert np.allclose(back.left_eye, exact.left_eye)
    assert np.allclose(back.right_eye, exact.right_eye)


def test_json_and_another_rate(small_take, tmp_path):
    path, _ = small_take
    out = tmp_path / "clip.json"
    assert main(["curves", str(path), "--out", str(out), "--fps", "60"]) == DONE
    content = json.loads(out.read_text())
    assert content["fps"] == 60 and len(content["frames"]) == 27
    assert content["names"] == list(ARKIT_NAMES)
    for rate in ("0.1", "0"):
        assert main(["curves", str(path), "--out", str(out), "--fps", rate]) == CANNOT_SERVE


def test_resampling_keeps_straight_lines():
    times = np.array([0, 0.04, 0.08, 0.12])
    values = np.tile(times[:, None] * 5, (1, 52))
    zero = np.zeros((4, 3))
    out = resampled(Curves(times, values, zero, zero, zero, 25.0), 50.0)
    assert np.allclose(out.values[:, 0], out.times * 5) and len(out.times) == 7


@FUZZ
@given(st.lists(st.lists(st.text(max_size=8), max_size=5), max_size=5), st.booleans())
def test_any_table_is_read_or_refused(rows, with_header):
    rows = [list(HEADER)] + [(row * 63)[:63] for row in rows if row] if with_header else rows
    try:
        parse_table(rows, "table")
    except AVFaceError as error:
        assert "\n" not in error.message
