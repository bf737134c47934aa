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
FUZZ = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
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


def test_the_csv_reads_as_its_receivers_read_it(small_take, tmp_path):
    """A reader of its own, written after what Unreal's importer and Faceit do with the columns."""
    path, take = small_take
    out = tmp_path / "clip.csv"
    assert main(["curves", str(path), "--out", str(out)]) == DONE
    with open(out, newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:4] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft"]
    assert rows[0][16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert rows[0][53:57] == ["TongueOut", "HeadYaw", "HeadPitch", "HeadRoll"]
    assert all(len(row) == 63 and row[1] == "61" for row in rows[1:])
    parts = np.array([[float(t) for t in row[0].split(":")] for row in rows[1:]])
    clock = parts @ [3600, 60, 1, 1 / 60]
    assert np.allclose(np.diff(clock), 1 / 25, atol=2e-5)
    exact = curves_of(take)
    assert np.allclose([float(row[2]) for row in rows[1:]], curve(exact, "eyeBlinkLeft"))
    yaw = [-float(row[54]) for row in rows[1:]]  # Faceit turns the sign
    assert np.allclose(yaw, exact.head[:, 0])


def test_the_csv_comes_back_whole(small_take, tmp_path):
    exact = curves_of(small_take[1])
    write_livelink(exact, tmp_path / "a.csv", start_seconds=86399.9)  # over midnight
    back = read_livelink(tmp_path / "a.csv")
    assert np.allclose(back.values, exact.values) and np.allclose(back.head, exact.head)
    assert np.allclose(back.times, exact.times, atol=2e-5) and abs(back.fps - 25) < 0.01
    assert np.allclose(back.left_eye, exact.left_eye)


def test_json_and_another_rate(small_take, tmp_path):
    path, _ = small_take
    out = tmp_path / "clip.json"
    assert main(["curves", str(path), "--out", str(out), "--fps", "60"]) == DONE
    content = json.loads(out.read_text())
    assert content["fps"] == 60 and len(content["frames"]) == 27
    assert content["names"] == list(ARKIT_NAMES)
    assert main(["curves", str(path), "--out", str(out), "--fps", "0.1"]) == CANNOT_SERVE


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
