"""Files that are whole or not there."""

import pytest

from engine.exchange.files import (
    folder_written_whole,
    is_result,
    is_unfinished,
    take_stem,
    write_whole,
    written_whole,
)


def test_text_and_bytes_stand_whole_and_nothing_else(tmp_path):
    write_whole(tmp_path / "a.txt", "ä\n")
    write_whole(tmp_path / "a.txt", b"b")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"b"


def test_what_goes_wrong_leaves_what_stood(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), written_whole(path, keeps_suffix=True) as partial:
        assert partial.suffix == ".mp4" and is_unfinished(partial)
        partial.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_place_of_the_one_before_when_it_is_whole(tmp_path):
    for name in ("old.png", "new.png"):
        with folder_written_whole(tmp_path / "a.normals") as work:
            assert is_unfinished(work) and is_result(work, "a")
            (work / name).write_text(name)
    with pytest.raises(ZeroDivisionError), folder_written_whole(tmp_path / "a.normals"):
        raise ZeroDivisionError
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")] == [
        "a.normals/new.png"
    ]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "a.txt", "")


@pytest.mark.parametrize(
    ("name", "mine", "unfinished"),
    [
        ("a.take.npz.71.tmp", True, True),
        ("a.preview.mp4", True, False),
        ("a.preview.71.partial.mp4", True, True),
        ("a.normals.tmp", True, True),
        ("ba.take.npz.71.tmp", False, True),  # other clips' own: a batch writes several at once
        ("ab.take.npz.71.tmp", False, True),
        ("a.b.take.npz.71.tmp", False, True),
        ("a.partial_view.png", False, False),
    ],
)
def test_whose_file_it_is_and_whether_it_is_whole(tmp_path, name, mine, unfinished):
    assert is_result(tmp_path / name, take_stem(tmp_path / "a.take.npz")) == mine
    assert is_unfinished(tmp_path / name) == unfinished
