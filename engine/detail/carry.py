"""A take's pictures from one head's texture sheet to another's: skin colour and wrinkles.

Each texel of the target's skin is the point of the source that lies there when the default head is
laid on both (`engine.head.bridge`). Normal maps are turned on the way: a tangent of the source has
another direction on the target's sheet.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..exchange.files import folder_written_whole, take_stem
from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..geometry import vertex_normals
from ..head.bridge import default_head, laid_default
from ..head.model import Head
from ..head.surface import nearest_on_surface
from ..media.pictures import read_picture, write_picture
from ..render import rasterize
from .complexion import person_texture
from .tangent import tangent_frames

_SIDE = 1024  # texels, of the pictures that are written
_PIECE = 40_000  # points looked up at a time
_FLAT = (128, 128, 255, 255)


@dataclass(frozen=True)
class Passage:
    """Where each texel of the target's sheet lies on the source's: n x n texels."""

    on_skin: np.ndarray  # (n, n) bool
    uv: np.ndarray  # (n, n, 2) float32 of the source's sheet
    turn: np.ndarray  # (n, n, 2, 2) float32: tangent plane of the source to the target's


def make_passage(source: HeadFile, target: HeadFile, side: int = _SIDE) -> Passage:
    """The passage between two heads; some ten seconds."""
    face, share = rasterize(target.on_sheet(side), target.uv_faces, (side, side))
    skin: np.ndarray = np.all(_skin(target)[target.faces], axis=1)
    on_skin = np.logical_and(face >= 0, skin[np.maximum(face, 0)])
    rows = face[on_skin]
    share = share[on_skin].astype(float)
    there = _Sampled(target, rows, share)
    found, weights = _on_source(source, target, rows, share)
    here = _Sampled(source, found, weights)
    uv = np.zeros((side, side, 2), np.float32)
    turn = np.zeros((side, side, 2, 2), np.float32)
    uv[on_skin] = np.einsum("nk,nkc->nc", weights, source.uv[source.uv_faces[found]])
    turn[on_skin] = _turns(here, there)
    return Passage(on_skin, uv, turn)


def carry_pictures(
    take: Take, folder: Path, source: HeadFile, target: HeadFile, out: Path
) -> dict[str, Any]:
    """Write the take's pictures for the target beside `out`; the fields of `Take` that name them.

    `folder` is where the source's take lies. Raises AVFaceError when a picture is missing.
    """
    if not (take.albedo_image or take.static_normals):
        return {}
    passage = make_passage(source, target)
    name = take_stem(out)
    fields: dict[str, Any] = {}
    if take.albedo_image:
        base = person_texture(Head(target), np.zeros(50), _SIDE)
        picture = carry_colour(read_picture(folder / take.albedo_image), passage, base)
        write_picture(picture, out.with_name(f"{name}.albedo.png"))
        fields["albedo_image"] = f"{name}.albedo.png"
    if take.static_normals:
        normals = out.with_name(f"{name}.normals")
        names = [take.static_normals, *take.dynamic_normals]
        try:
            with folder_written_whole(normals) as work:
                for relative in dict.fromkeys(names):  # keys may share a picture
                    found = read_picture(folder / relative, alpha=True)
                    carried = carry_normals(found, passage)
                    write_picture(carried, work / Path(relative).name)
        except OSError as error:
            raise AVFaceError(
                f"The normal maps can't be written to {normals} ({error.strerror}).",
                "Free some disk space or choose another folder.",
            ) from error
        written = [f"{normals.name}/{Path(relative).name}" for relative in names]
        fields |= {
            "static_normals": written[0], "dynamic_normals": tuple(written[1:]),
            "detail_times": take.detail_times,
        }  # fmt: skip
    return fields


def carry_colour(picture: np.ndarray, passage: Passage, base: np.ndarray) -> np.ndarray:
    """A colour texture for the target: (H, W, 3) -> (n, n, 3) uint8, grown over its seams.

    `base` (n, n, 3) shows what isn't skin, the eyes above all.
    """
    carried = _sampled(picture, passage)
    carried[~passage.on_skin] = 0
    grown = cv2.dilate(carried, np.ones((9, 9), np.uint8))
    near = cv2.dilate(passage.on_skin.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    carried = np.where((near & ~passage.on_skin)[..., None], grown, carried)
    carried[~near] = base[~near]
    return carried


def carry_normals(picture: np.ndarray, passage: Passage) -> np.ndarray:
    """A tangent-space normal map for the target: (H, W, 4) -> (n, n, 4) uint8."""
    carried = _sampled(picture, passage).astype(np.float32)
    flat = carried[..., :2] / 127.5 - 128 / 127.5
    turned = np.einsum("ijab,ijb->ija", passage.turn, flat)
    out = np.empty_like(carried)
    out[..., :2] = turned * 127.5 + 128
    out[..., 2:] = carried[..., 2:]
    out[~passage.on_skin] = _FLAT
    return np.clip(np.round(out), 0, 255).astype(np.uint8)


class _Sampled:
    """Normals and tangents of a head at rest, at points of its triangles (N,)."""

    def __init__(self, file: HeadFile, face: np.ndarray, share: np.ndarray) -> None:
        template = file.template.astype(float)
        frames = tangent_frames(template, file)
        corners, uv_corners = file.faces[face], file.uv_faces[face]
        self.normals = _unit(np.einsum("nk,nkc->nc", share, frames.normals[corners]))
        tangents = np.einsum("nk,nkc->nc", share, frames.tangents[uv_corners])
        across = np.sum(tangents * self.normals, axis=1, keepdims=True)
        self.tangents = _unit(tangents - across * self.normals)
        sign = np.where(frames.signs[uv_corners].sum(1) < 0, -1.0, 1.0)
        self.bitangents = sign[:, None] * np.cross(self.normals, self.tangents)


def _on_source(
    source: HeadFile, target: HeadFile, face: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles (N,) and weights (N, 3) of the source at points of the target's triangles."""
    default = default_head()
    if target.sha256 != default.sha256:
        face, share = _over(
            target.template, target.faces, face, share, laid_default(target, default), default
        )
    if source.sha256 != default.sha256:
        laid = laid_default(source, default)
        face, share = _over(laid, default.faces, face, share, source.template, source)
    return face, share


def _over(
    vertices: np.ndarray, faces: np.ndarray, face: np.ndarray, share: np.ndarray,
    onto: np.ndarray, file: HeadFile,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Points of one surface as points of another that lies in the same place, `file`'s skin."""
    vertices, onto = vertices.astype(float), onto.astype(float)
    points = np.einsum("nk,nkc->nc", share, vertices[faces[face]])
    normals = np.einsum("nk,nkc->nc", share, vertex_normals(vertices, faces)[faces[face]])
    skin = np.flatnonzero(_skin(file)[file.faces].all(1))
    parts = [
        nearest_on_surface(points[k : k + _PIECE], onto, file.faces[skin], normals[k : k + _PIECE])
        for k in range(0, len(points), _PIECE)
    ]
    return skin[np.concatenate([p[0] for p in parts])], np.concatenate([p[1] for p in parts])


def _turns(here: _Sampled, there: _Sampled) -> np.ndarray:
    """(N, 2, 2): tangent and bitangent of the source in those of the target, normals made one."""
    axis = np.cross(here.normals, there.normals)
    cosine = np.sum(here.normals * there.normals, axis=1, keepdims=True)

    def turned(vector: np.ndarray) -> np.ndarray:
        along = np.sum(axis * vector, axis=1, keepdims=True) / np.maximum(1 + cosine, 1e-3)
        return cosine * vector + np.cross(axis, vector) + along * axis

    columns = [turned(here.tangents), turned(here.bitangents)]
    return np.stack(
        [[np.sum(row * column, axis=1) for column in columns]
         for row in (there.tangents, there.bitangents)]
    ).transpose(2, 0, 1)  # fmt: skip


def _sampled(picture: np.ndarray, passage: Passage) -> np.ndarray:
    """The source's picture at the passage's texels, (n, n, 3)."""
    height, width, _ = picture.shape
    x = passage.uv[..., 0] * width - 0.5
    y = (1 - passage.uv[..., 1]) * height - 0.5
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _skin(file: HeadFile) -> np.ndarray:
    skin = file.masks["skin"]
    return skin & ~file.masks.get("mouth_inside", np.zeros_like(skin))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
