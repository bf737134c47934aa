import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cli import main
from engine.exchange.head_file import load_head_file
from engine.exchange.protocol import CANNOT_SERVE, DONE, AVFaceError
from engine.fitting.landmark_head import landmark_head
from engine.geometry import embed
from engine.head.adopt import adopt_flame
from engine.head.flame import read_flame_files
from engine.head.model import FaceParams, Head
from engine.head.surface import nearest_on_surface
from engine.head.unpickle import read_npy, read_pickle
from engine.weights import load_head
from tests.synthetic_flame import SHIFT, SKIN

CASES = int(os.environ.get("AVFACE_FUZZ", "60"))
FUZZ = settings(max_examples=CASES, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def files(flame_files):
    return flame_files


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_come_out_of_every_protocol(protocol):
    torch = pytest.importorskip("torch")
    numbers = np.random.default_rng(0).normal(size=(3, 4))
    content = {
        "c": numbers, "fortran": np.asfortranarray(numbers.astype("f4")), "text": "lbs",
        "sparse": scipy.sparse.csc_matrix(np.eye(3, 5)), "rows": scipy.sparse.csr_array(np.eye(4)),
        "pairs": scipy.sparse.coo_matrix(np.eye(2)), "tensor": torch.arange(6).reshape(2, 3).T,
        "number": np.float64(2.5), "indices": np.arange(5, dtype=np.uint32),
    }  # fmt: skip
    read = read_pickle(pickle.dumps(content, protocol), "test")
    assert np.array_equal(read["c"], numbers) and np.array_equal(
        read["fortran"], content["fortran"]
    )
    assert np.array_equal(read["sparse"], np.eye(3, 5)) and np.array_equal(read["rows"], np.eye(4))
    assert np.array_equal(read["tensor"], [[0, 3], [1, 4], [2, 5]])
    assert np.array_equal(read["pairs"], np.eye(2)) and read["number"] == 2.5
    assert np.array_equal(read["indices"], np.arange(5)) and read["text"] == "lbs"


class _Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "bad",
    [
        lambda trap: _Runs(os.system, f"touch {trap}"),
        lambda trap: _Runs(eval, f"open({str(trap)!r}, 'w')"),
        lambda trap: _Runs(getattr, "text", "format"),
        lambda trap: _Runs(np.load, str(trap)),
    ],
)
def test_a_pickle_that_wants_to_run_something_is_refused(bad, tmp_path, capsys):
    trap = tmp_path / "trap"
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"v_template": bad(trap)}, 2))
    np.save(tmp_path / "model.npy", np.array({"v_template": bad(trap)}), allow_pickle=True)
    for name in ("model.pkl", "model.npy"):
        out = str(tmp_path / "out.npz")
        assert main(["head", "import", str(tmp_path / name), "--out", out]) == CANNOT_SERVE
        said = capsys.readouterr().err.strip()
        assert "was not read" in said and "\n" not in said
    assert not trap.exists()


def test_a_pickle_within_torchs_format_is_watched_too():
    inner = pickle.dumps(_Runs(os.system, "true"), 2)
    content = b"ctorch.storage\n_load_from_bytes\n(" + pickle.dumps(inner, 2)[2:-1] + b"tR."
    with pytest.raises(AVFaceError, match="was not read"):
        read_pickle(content, "nested")


def test_an_exponential_key_does_not_hang():
    deep = b"(I1\nt" + b"".join(b"2\x86" for _ in range(200))
    with pytest.raises(AVFaceError):
        read_pickle(b"}" + deep + b"I1\ns.", "bomb")


@FUZZ
@given(st.data())
def test_a_damaged_model_is_said_in_one_sentence(files, data):
    content = bytearray(_model_head(files))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for piece in (bytes(content), bytes(content[:cut])):
        _only_ours(lambda piece=piece: read_pickle(piece, "fuzzed.pkl"))


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content):
    _only_ours(lambda: read_pickle(content, "bytes"))
    _only_ours(lambda: read_npy(b"\x93NUMPY" + content, "bytes"))


def _only_ours(read):
    try:
        read()
    except AVFaceError as error:
        assert error.message and "\n" not in error.message


def _model_head(files) -> bytes:
    """A whole small pickle with every kind of record that the real one has."""
    small = {"v_template": np.zeros((2, 3)), "J": scipy.sparse.csc_matrix(np.eye(2)), "n": [1, "a"]}
    return pickle.dumps(small, 2)


def test_everything_that_flame_brings_is_found(files, flame):
    read = read_flame_files(files)
    assert read.model is not None and read.model.shape_basis.shape == (5023, 3, 300)
    assert np.allclose(read.model.template, flame.model["v_template"])
    assert read.full[0].shape == (68,) and read.dynamic[0].shape == (79, 17)
    assert len(read.mediapipe[0]) == 105 and len(read.masks["left_eyeball"]) == 546
    assert read.uv[1].shape == (9976, 3)


def test_landmarks_and_irises_lie_where_the_same_person_of_ours_has_them(adopted, flame):
    head, file = load_head(), adopted.head
    person = head.template + head.shape_basis @ flame.person + SHIFT
    for name, most in (("landmarks_68", 1.0), ("landmarks_468", 2.5), ("contour", 1.0)):
        ours = embed(person, head.faces, getattr(head, name))
        theirs = embed(file.template, file.faces, getattr(file, name))
        apart = 1e3 * np.linalg.norm(ours - theirs, axis=-1)
        assert apart.max() < most, (name, apart.max())
    apart = embed(file.template, file.faces, file.iris) - embed(person, head.faces, head.iris)
    assert 1e3 * np.linalg.norm(apart, axis=-1).max() < 1.5
    assert not adopted.notes and "licence" in file.licence


def test_the_model_alone_is_enough_and_what_is_missing_is_said(files, flame, tmp_path):
    model = next(path for path in files if path.name == "generic_model.pkl")
    bare = adopt_flame([model], tmp_path / "bare.npz")
    assert {note.split()[0] for note in bare.notes} == {
        "mediapipe_landmark_embedding.npz", "landmark_embedding.npy", "FLAME_masks.pkl",
        "head_template.obj",
    }  # fmt: skip
    head = load_head()
    person = head.template + head.shape_basis @ flame.person + SHIFT
    apart = embed(bare.head.template, bare.head.faces, bare.head.landmarks_468) - embed(
        person, head.faces, head.landmarks_468
    )
    assert 1e3 * np.linalg.norm(apart, axis=-1).mean() < 1.0
    assert bare.head.masks["left_eye"].sum() == 546 and bare.head.uv.min() >= 0


def test_an_npz_with_other_column_counts_does_as_well(flame, tmp_path):
    model = dict(flame.model)
    model["shapedirs"] = np.concatenate(
        [model["shapedirs"][:, :, :20], model["shapedirs"][:, :, 300:310]], axis=2
    )
    model["J_regressor"] = model["J_regressor"].toarray()
    path = tmp_path / "flame2023_no_jaw.npz"
    model["weights"] = model["weights"].copy()
    model["weights"][:, 1] += model["weights"][:, 2]
    model["weights"][:, 2] = 0
    np.savez(path, **model)
    with pytest.raises(AVFaceError, match="can't start after 300"):
        adopt_flame([path], tmp_path / "out.npz")
    done = adopt_flame([path], tmp_path / "out.npz", shapes=20)
    assert done.head.expression_names == tuple(f"Exp{k}" for k in range(1, 11))
    assert any("jaw does not turn" in note for note in done.notes)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("weights", np.ones((5023, 5)), "weights"),
        ("f", np.full((4, 3), 9999), "triangles"),
        ("v_template", np.full((5023, 3), np.nan), "finite"),
        ("posedirs", np.zeros((5023, 3, 9)), "posedirs"),
        ("kintree_table", np.array([[-1, 0, 0, 0, 0], [0, 1, 2, 3, 4]]), "five joints"),
    ],
)
def test_a_wrong_array_is_named(flame, tmp_path, key, value, said):
    path = tmp_path / "model.npz"
    model = flame.model | {"J_regressor": flame.model["J_regressor"].toarray(), key: value}
    np.savez(path, **model)
    with pytest.raises(AVFaceError, match=said):
        adopt_flame([path], tmp_path / "out.npz")


def test_files_of_nothing_and_of_damaged_archives_are_refused(files, tmp_path, capsys):
    (tmp_path / "a.pkl").write_bytes(b"")
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04 nothing")
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("v_template.npy", b"junk")
        archive.writestr("shapedirs.npy", b"junk")
    (tmp_path / "d.obj").write_text("vt a b\nf 1/9\n")
    np.savez(tmp_path / "e.npz", other=np.zeros(3))
    for name in ("a.pkl", "b.npz", "c.npz", "d.obj", "e.npz", "missing.pkl"):
        out = ["--out", str(tmp_path / "out.npz")]
        assert main(["head", "import", str(tmp_path / name), *out]) == CANNOT_SERVE
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out.npz").exists()


def test_the_command_says_what_it_made_and_keeps_a_texture_that_fits(files, tmp_path, capsys):
    out, picture = tmp_path / "flame.npz", np.arange(32 * 32 * 3).reshape(32, 32, 3) % 255.0
    texture = tmp_path / "FLAME_texture.npz"
    np.savez(texture, mean=picture, tex_dir=np.zeros((2, 2)))
    wanted = [str(f) for f in files if f.suffix in (".pkl", ".obj")] + [str(texture)]
    assert main(["head", "import", *wanted, "--out", str(out)]) == DONE
    said = capsys.readouterr().out
    assert "5023 vertices, 300 shape and 100 expression" in said and "Licence" in said
    head = load_head_file(out)
    assert head.pose_names[:2] == ("Pose1", "Pose2")
    assert np.array_equal(head.texture, picture[..., ::-1].astype(np.uint8))


def test_the_fit_knows_the_default_heads_units_beside_the_first_columns(adopted):
    small = landmark_head(adopted.head)
    assert {"Exp1", "Exp20", "mouthClose", "eyeBlinkLeft"} <= set(small.unit_names)
    assert small.unit_low.min() == -5


def test_an_adopted_head_opens_its_jaw_and_turns_its_eyes_as_ours_does(adopted, flame):
    """The same person of ours, the same joint angles: the same places, but for the cut corners."""
    ours, theirs = Head(load_head()), Head(adopted.head)
    jaw, eyes = np.array([0.25, 0.02, 0.0]), np.array([0.1, 0.2, 0, 0.1, 0.2, 0])
    zero = np.zeros(len(theirs.file.expression_names))
    a = theirs.pose(theirs.rest(np.zeros(300)), zero, jaw, eyes)
    b = ours.pose(ours.rest(flame.person), np.zeros(len(ours.unit)), jaw, eyes)
    apart = 1e3 * np.linalg.norm(a[:SKIN] - SHIFT - flame.skin @ b, axis=1)
    assert (
        apart.max() < 1.5
        and np.median(apart) < 0.01
        and FaceParams.neutral(theirs, 1, 900.0).shape.shape == (300,)
    )


def test_nearest_points_are_on_the_mesh():
    head = load_head()
    face, weights, distance = nearest_on_surface(head.template[:50], head.template, head.faces)
    assert distance.max() < 1e-6 and np.allclose(weights.sum(1), 1)
    assert np.allclose(embed(head.template, head.faces, (face, weights)), head.template[:50],
                       atol=1e-6)  # fmt: skip


def test_bytes_of_numpys_own_format_are_read_without_pickle():
    file = io.BytesIO()
    np.save(file, np.arange(6).reshape(2, 3))
    assert np.array_equal(read_npy(file.getvalue(), "x"), np.arange(6).reshape(2, 3))


@pytest.mark.shared
@pytest.mark.slow
def test_a_real_clip_is_captured_on_it(adopted, clips, tmp_path):
    """As on the default head: everything found and believed, and the lids shut in the blink."""
    from engine.head.bridge import common_points, point_head
    from engine.head.transfer import aperture_mm
    from engine.options import CaptureOptions
    from engine.pipeline import capture
    from engine.progress import Report

    out = tmp_path / "real.take.npz"
    options = CaptureOptions(detail="off", senses="picture")
    take = capture(clips / "grid_bbaf2n.mpg", out, adopted.head, options, Report()).take
    assert take.found.all() and take.confidence.mean() > 0.9
    small = point_head(adopted.head, load_head(), common_points(load_head()))
    posed = small.pose(small.person(take.shape), take.expression, take.jaw, take.eyes)
    lips, lids = aperture_mm(posed)
    assert np.ptp(lips[:, 4]) > 4 and lips[:, 4].min() < 1.5
    assert lids[:, 7].min() < 2 and np.median(lids[:, 7]) > 5
