"""Whatever a file holds: it is read, or refused with one sentence and what to do."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.batch.manifest import read_manifest
from engine.evaluation.alignment import known_words
from engine.evaluation.datasets import read_krt, read_picked_points
from engine.evaluation.referees import referee_landmarks
from engine.evaluation.testset import read_testset
from engine.exchange.head_file import load_head_file
from engine.exchange.installation import read_plan
from engine.exchange.protocol import AVFaceError, CaptureJob, read_job
from engine.exchange.take import Take
from engine.head.albedo import load_albedo
from engine.mending.corrections import load_corrections
from engine.options import options_of, trust_ranges
from engine.training.ablation import read_rows
from engine.training.data import FolderSource


def _corrections(path: Path) -> None:
    load_corrections(path, ("jawForward",), np.arange(5) / 25)


def _job(path: Path) -> None:
    options_of(read_job(path).options)


def _words(path: Path) -> None:
    known_words(path.with_suffix(".mp4"))


def _referees(path: Path) -> None:
    referee_landmarks(path.parent.parent / "clip.mp4")


def _prepared(path: Path) -> None:
    FolderSource(path.parent, 32, "all", 4).clip(path.stem)


def _film(path: Path) -> None:
    (path.parent / "film.mp4").touch()
    read_testset(path.parent)


FILES = [  # name of the file, its reader, and what else than any bytes it may hold
    ("list.json", read_manifest, {"clips": ["a.mp4"], "options": {"face": 1}}),
    ("list.csv", read_manifest, None),
    ("job.json", _job, vars(CaptureJob("a.mp4", "a.take.npz"))),
    ("plan.json", read_plan, {"folder": "home"}),
    ("rows.json", _corrections, {"corrections": [{"time": 0.1, "landmarks": {"3": [1, 2]}}]}),
    ("table.json", read_rows, {"rows": {"mel": [{}]}, "steps": 1, "batch": 1, "commit": ""}),
    ("KRT", read_krt, None),
    ("points.pp", read_picked_points, None),
    ("words.txt", _words, None),
    ("referees/clip__ghost68.npy", _referees, None),
    ("prepared/clip.npz", _prepared, None),
    ("film.truth.npz", _film, None),
    ("a.take.npz", Take.load, None),
    ("head.npz", load_head_file, None),
    ("albedo.npz", load_albedo, None),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def _read(path: Path, read, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    try:
        read(path)
    except AVFaceError as error:
        assert error.message and error.hint


@pytest.mark.parametrize(("name", "read", "plain"), FILES, ids=[row[0] for row in FILES])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_file_is_read_or_refused(tmp_path, name, read, plain, data):
    if plain is None:
        content = data.draw(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
    else:  # as it should be, but for a value or two
        known = st.sampled_from(sorted(plain))
        changed = plain | data.draw(st.dictionaries(known, ANYTHING, max_size=2))
        content = json.dumps(data.draw(st.just(changed) | ANYTHING)).encode()
    _read(tmp_path / name, read, content)


@given(text=st.text(alphabet="soundpictre:-., 0123456789naif", max_size=30))
def test_any_trust_is_read_or_refused(text):
    try:
        ranges = trust_ranges(text)
    except AVFaceError as error:
        assert error.message and error.hint
    else:
        assert all(0 <= start < end for _, start, end in ranges)
