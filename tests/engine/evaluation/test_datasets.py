"""Loaders on made-up files in the layout of the data sets."""

import numpy as np
import pytest

from engine.evaluation.alignment import known_words
from engine.evaluation.datasets import lrs3_clips, read_krt, read_multiface, read_now
from engine.exchange.protocol import AVFaceError


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


KRT = """400002
7 0 1
0 8 2
0 0 1
0.1 0 0 0 0
1 0 0 10
0 1 0 20
0 0 1 30

400013
5 0 1
0 5 2
0 0 1
0 0 0 0 0
0 1 0 1
1 0 0 2
0 0 1 3
"""


def test_multiface(tmp_path):
    entity = tmp_path / "m--20180227--0000--6795937--GHS"
    write(entity / "KRT", KRT)
    for frame in ("000102", "000103"):
        write(entity / f"images/E057_Cheeks_Puffed/400002/{frame}.png")
        write(entity / f"images/E057_Cheeks_Puffed/400013/{frame}.png")
    mesh = entity / "tracked_mesh/E057_Cheeks_Puffed"
    write(mesh / "000102.obj")
    write(mesh / "000102_transform.txt", "1 0 0 5\n0 1 0 6\n0 0 1 7\n")
    frames = list(read_multiface(entity, "400002"))
    assert [f.picture.stem for f in frames] == ["000102"]  # the other has no mesh
    frame = frames[0]
    assert frame.expression == "E057_Cheeks_Puffed" and frame.mesh.is_file()
    assert frame.intrinsics[0, 0] == 7 and frame.extrinsics[:, 3].tolist() == [10, 20, 30]
    assert frame.head_pose[:, 3].tolist() == [5, 6, 7]
    assert set(read_krt(entity / "KRT")) == {"400002", "400013"}
    with pytest.raises(AVFaceError, match="no camera"):
        next(read_multiface(entity, "1"))


def test_now(tmp_path):
    person = "FaMoS_180424_03335_TA"
    write(tmp_path / f"scans/{person}/natural_head_rotation.000001.obj")
    points = "".join(f'<point x="{k}" y="{2 * k}" z="0" active="1" name="{k}"/>' for k in range(7))
    marks = tmp_path / f"scans_lmks_onlypp/{person}/natural_picked_points.pp"
    write(marks, f"<!DOCTYPE PickedPoints><PickedPoints>{points}</PickedPoints>")
    pictures = tmp_path / "final_release_version/iphone_pictures" / person
    write(pictures / "multiview_neutral/IMG_0045.jpg")
    write(pictures / "selfie/IMG_0100.jpg")
    (scan,) = read_now(tmp_path)
    assert scan.person == person and scan.kinds == ("multiview_neutral", "selfie")
    assert np.array_equal(scan.landmarks[:, 1], 2 * np.arange(7))
    with pytest.raises(AVFaceError):
        next(read_now(tmp_path / "elsewhere"))


def test_lrs3(tmp_path):
    write(tmp_path / "0Fi83BHQsMA/00002.mp4")
    write(
        tmp_path / "0Fi83BHQsMA/00002.txt",
        "Text:  IT'S GOOD\nConf:  4\nRef:  x\n\nWORD START END ASDSCORE\n"
        "IT'S 0.07 0.28 9.1\nGOOD 0.28 0.60 8.2\n",
    )
    write(tmp_path / "0Fi83BHQsMA/00003.mp4")
    (clip,) = lrs3_clips(tmp_path)
    assert known_words(clip) == "it's good"
    with pytest.raises(AVFaceError):
        lrs3_clips(tmp_path / "none")
