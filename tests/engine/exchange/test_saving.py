"""What a user asked for is written, or one sentence says why it isn't."""

import os
from pathlib import Path

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.exchange.saving import place_for_result, save, save_arrays


def test_folders_are_made_and_any_suffix_will_do(tmp_path):
    save(tmp_path / "new" / "a.txt", "ä")
    save_arrays(tmp_path / "new" / "a.anything", {"b": np.arange(3)}, compressed=True)
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "ä"
    with np.load(tmp_path / "new" / "a.anything") as file:
        assert file["b"].tolist() == [0, 1, 2]


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AVFaceError, match=r"b\.txt can't be written .*choose another"):
        save(tmp_path / "file" / "b.txt", "")


def test_a_refusal_leaves_no_folder_and_a_result_stays(tmp_path):
    with pytest.raises(AVFaceError), place_for_result(tmp_path / "a" / "b" / "c.npz"):
        raise AVFaceError("No.")
    assert not list(tmp_path.iterdir())
    out = tmp_path / "a" / "c.npz"
    with pytest.raises(KeyError), place_for_result(out):
        save(out, b"")
        raise KeyError
    assert [path.name for path in out.parent.iterdir()] == ["c.npz"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "is a folder"), ("file/c.npz", "Not a directory"), ("n" * 300, "can't be written")],
)
def test_places_where_nothing_can_be_written_are_told_before_the_work(tmp_path, name, sentence):
    (tmp_path / "file").touch()
    with pytest.raises(AVFaceError, match=sentence), place_for_result(tmp_path / name):
        pytest.fail("the work began")


def test_a_device_stays_a_device():
    with pytest.raises(AVFaceError, match="a device"):
        save(Path(os.devnull), "")
