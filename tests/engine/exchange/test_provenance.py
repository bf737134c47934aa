import json
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from engine import weights
from engine.exchange.protocol import AVFaceError
from engine.exchange.provenance import provenance, write_sidecar
from engine.exchange.take import Take
from engine.preview import credentials

TRUTH = Path(__file__).parents[3] / "weights" / "demo" / "demo.truth.npz"
MADE_BY = {"version": "1.2.3", "clip": {"name": "ada.mp4", "sha256": "00"}}


def test_a_take_tells_what_made_it(tmp_path):
    take = Take.load(TRUTH)
    made = provenance(take)
    assert made["clip"] == {"name": "demo.mp4", "sha256": take.source["sha256"]}
    assert made["consent"] == ""
    path = write_sidecar(made, tmp_path / "a.fbx")
    assert json.loads(path.read_text(encoding="utf-8"))["head"] == take.head


def test_weights_that_were_asked_for_are_remembered():
    weights.locate("head_default")
    assert weights.used_weights()["head_default"] == weights.registry()["head_default"]["sha256"]


def test_signing_is_done_only_when_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv(credentials.CERTIFICATE_VARIABLE, raising=False)
    assert credentials.sign_film(tmp_path / "none.mp4", MADE_BY) == ""


def test_without_the_library_it_is_one_sentence(tmp_path, monkeypatch):
    for name in (credentials.CERTIFICATE_VARIABLE, credentials.KEY_VARIABLE):
        monkeypatch.setenv(name, "somewhere")
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    assert "c2pa-python" in credentials.sign_film(tmp_path / "none.mp4", MADE_BY)


def test_the_manifest_names_product_clip_and_how_it_was_made():
    content = json.loads(credentials.manifest(MADE_BY))
    assert content["claim_generator_info"][0] == {"name": "AVFace", "version": "1.2.3"}
    assert content["assertions"][1]["data"] == MADE_BY


@pytest.fixture
def film(tmp_path) -> Path:
    path = tmp_path / "a.preview.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        for value in range(5):
            picture = np.full((64, 64, 3), 40 * value, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A chain of two certificates as C2PA wants them, and the private key."""
    (folder / "leaf.ext").write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=critical,emailProtection\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    for command in (
        "ecparam -name prime256v1 -genkey -noout -out root.raw",
        "pkcs8 -topk8 -nocrypt -in root.raw -out root.key",
        "req -x509 -new -key root.key -days 30 -subj /CN=root/O=Test -out root.pem",
        "ecparam -name prime256v1 -genkey -noout -out leaf.raw",
        "pkcs8 -topk8 -nocrypt -in leaf.raw -out leaf.key",
        "req -new -key leaf.key -subj /CN=leaf/O=Test -out leaf.csr",
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20"
        " -extfile leaf.ext -out leaf.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    chain = folder / "chain.pem"
    chain.write_bytes((folder / "leaf.pem").read_bytes() + (folder / "root.pem").read_bytes())
    return chain, folder / "leaf.key"


def test_a_signed_film_can_be_read_back(film, tmp_path, monkeypatch):
    c2pa = pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    chain, key = make_certificate(tmp_path)
    monkeypatch.setenv(credentials.CERTIFICATE_VARIABLE, str(chain))
    monkeypatch.setenv(credentials.KEY_VARIABLE, str(key))
    assert credentials.sign_film(film, MADE_BY) == ""
    stored = json.loads(c2pa.Reader(str(film)).json())
    active = stored["manifests"][stored["active_manifest"]]
    assert "AVFace" in json.dumps(active["claim_generator_info"])
    assert "ada.mp4" in json.dumps(active["assertions"])
    assert not list(tmp_path.glob("*.partial.mp4"))
    with av.open(str(film)) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 5
    monkeypatch.setenv(credentials.KEY_VARIABLE, str(tmp_path / "none.key"))
    with pytest.raises(AVFaceError, match="can't be signed"):
        credentials.sign_film(film, MADE_BY)
