import io
import json
import pickle
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS, Take, find_clip, frame_seconds


def small_take(frames=5, units=("jawDrop", "smile")):
    rng = np.random.default_rng(0)
    return Take(
        times=np.arange(frames) / 25,
        shape=rng.normal(size=4),
        albedo=np.zeros(50),
        expression=rng.random((frames, len(units))),
        head_pose=rng.normal(size=(frames, 3)),
        head_translation=rng.normal(size=(frames, 3)),
        jaw=rng.normal(size=(frames, 3)),
        eyes=rng.normal(size=(frames, 6)),
        light=np.zeros((9, 3)),
        landmarks_px=rng.normal(size=(frames, 68, 2)),
        found=np.ones(frames, bool),
        confidence=np.ones((frames, len(REGIONS))),
        trust_sound=np.zeros(frames),
        focal=1000.0,
        size=(640, 480),
        fps=25.0,
        expression_names=units,
        head={"name": "tiny", "sha256": "0"},
        source={"path": "clip.mp4", "sha256": "1"},
        made_by={"version": "0", "options": {}},
        warnings=("no sound",),
    )


def test_a_take_survives_its_file(tmp_path):
    take = small_take()
    take.save(tmp_path / "a.take.npz")
    again = Take.load(tmp_path / "a.take.npz")
    for item in fields(Take):
        np.testing.assert_array_equal(getattr(again, item.name), getattr(take, item.name))
    assert [path.name for path in tmp_path.iterdir()] == ["a.take.npz"]


def test_its_clip_is_found_where_it_was_or_beside_it_or_where_one_says(tmp_path):
    at_home, beside, given = (tmp_path / name for name in ("home", "takes", "given"))
    take = replace(small_take(), source={"path": str(at_home / "clip.mp4"), "sha256": "1"})
    assert find_clip(take, beside) is None
    for folder in (beside, at_home, given):
        folder.mkdir()
        (folder / "clip.mp4").touch()
        moved_to = given / "clip.mp4" if folder == given else None
        assert find_clip(take, beside, moved_to) == folder / "clip.mp4"


def test_a_slice_keeps_what_is_not_per_frame():
    lips = {"lip_vertices": np.arange(3), "lip_shapes": np.zeros((2, 3, 3))}
    take = replace(small_take(), **lips, lip_weights=np.zeros((5, 2)))
    part = take[1:3]
    assert part.frame_count == 2
    assert part.lip_weights is not None and len(part.lip_weights) == 2
    assert part.lip_shapes is take.lip_shapes
    np.testing.assert_array_equal(part.expression, take.expression[1:3])
    np.testing.assert_array_equal(part.shape, take.shape)


def test_a_missing_file_is_said_in_words(tmp_path):
    with pytest.raises(AVFaceError, match="no take"):
        Take.load(tmp_path / "none.npz")


def test_a_truncated_file_is_said_in_words(tmp_path):
    path = tmp_path / "a.take.npz"
    small_take().save(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(AVFaceError, match="not a take"):
        Take.load(path)


def test_another_schema_is_refused(tmp_path):
    path = tmp_path / "a.take.npz"
    small_take().save(path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | {"schema": np.array(99)}))
    with pytest.raises(AVFaceError, match="schema 99"):
        Take.load(path)


def test_a_take_that_counted_faces_from_0_names_the_same_face(tmp_path):
    path = tmp_path / "a.take.npz"
    made_by = {"version": "0", "options": {"face": 1, "actor": "ada"}}
    replace(small_take(), made_by=made_by).save(path)
    assert Take.load(path).made_by == made_by
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | {"schema": np.array(1)}))
    assert Take.load(path).made_by["options"] == {"face": 2, "actor": "ada"}


@pytest.mark.parametrize("packed", [True, False])
def test_a_pickle_in_a_take_never_runs(tmp_path, packed):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "a.take.npz"
    small_take().save(path)
    content = io.BytesIO()
    np.save(content, np.array([Bomb()], object), allow_pickle=True)
    content = content.getvalue() if packed else pickle.dumps(Bomb())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("lip_weights.npy", content)
    with pytest.raises(AVFaceError):
        Take.load(path)
    assert not (tmp_path / "ran").exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(AVFaceError, match="No space left"):
        small_take().save(tmp_path / "a.take.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        {"expression": np.full((5, 2), np.nan)},
        {"expression": np.zeros((4, 2))},
        {"times": np.zeros(5)},
        {"jaw": np.array(["a"] * 5)},
        {"meta": np.array("[1, 2]")},
        {"meta": np.array("{}")},
    ],
)
def test_a_damaged_take_is_said_in_words(tmp_path, change):
    path = tmp_path / "a.take.npz"
    small_take().save(path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | change)
    with pytest.raises(AVFaceError, match="damaged"):
        Take.load(path)


def test_a_take_of_a_later_version_is_said_in_words(tmp_path):
    path = tmp_path / "a.take.npz"
    small_take().save(path)
    with np.load(path) as file:
        arrays = dict(file)
    meta = json.loads(str(arrays["meta"])) | {"pupils": 2.0}
    np.savez(path, **arrays | {"meta": np.array(json.dumps(meta))})
    with pytest.raises(AVFaceError, match=r"later version of AVFace \(pupils\)"):
        Take.load(path)


def test_the_time_between_frames_is_the_usual_one():
    assert frame_seconds(np.array([0, 0.04, 0.08, 0.5])) == pytest.approx(0.04)
    assert frame_seconds(np.zeros(1), alone=0.5) == 0.5
