"""The differentiable picture of a head: gradients, normals from shading, the texture sheet."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from engine.head.albedo import load_albedo
from engine.training import shading
from engine.training.sheet import Sheet
from engine.training.system import Codes, Faces
from engine.weights import FOLDER, load_head


@pytest.fixture(scope="module")
def faces() -> Faces:
    return Faces(load_head(), draws=True)


def codes(**changes) -> Codes:
    light = torch.zeros(1, 9, 3)
    light[:, 0], light[:, 3] = 0.8, 0.4
    values = {
        "shape": torch.zeros(1, 100), "albedo": torch.zeros(1, 50), "pose": torch.zeros(1, 3),
        "camera": torch.tensor([[7.0, 0, 0]]), "light": light,
        "expression": torch.zeros(1, 50), "jaw": torch.zeros(1, 3), "eyes": torch.zeros(1, 6),
    }  # fmt: skip
    return Codes(**{**values, **changes})


def test_barycentric_weights_mix_the_corners():
    corners = torch.rand(5, 3, 2, dtype=torch.float64)
    weights = torch.rand(5, 3, dtype=torch.float64)
    weights = weights / weights.sum(1, keepdim=True)
    at = (weights[..., None] * corners).sum(1)
    assert torch.allclose(shading.barycentric(corners, at), weights)
    assert gradcheck(lambda c: shading.barycentric(c, at), corners.requires_grad_())


def test_the_picture_moves_with_the_head(faces):
    start = codes()
    size = 48
    picture = faces.renderer(faces.vertices(start), start.albedo, start.light, size)
    assert 0.2 < float(picture.mask.mean()) < 0.8
    shift = torch.tensor([[7.0, 0.01, 0.0]], requires_grad=True)
    moved = codes(camera=shift)
    drawn = faces.renderer(faces.vertices(moved), moved.albedo, moved.light, size)
    loss = ((drawn.picture - picture.picture) ** 2 * drawn.mask).sum()
    loss.backward()
    assert float(shift.grad[0, 1]) > 0  # going back lowers the loss
    length = drawn.normals.detach().norm(dim=1)[drawn.mask[:, 0] > 0]
    assert float((length - 1).abs().max()) < 0.2


def test_vertex_colours_agree_with_the_texture(faces):
    file = load_head()
    model = load_albedo(FOLDER / file.albedo_file)
    coefficients = np.random.default_rng(0).normal(size=50).astype(np.float32) * 0.5
    ours = faces.renderer.albedo(torch.from_numpy(coefficients)[None])[0].numpy()
    sheet = model.reflectance(coefficients, 512)
    uv = np.zeros((len(file.template), 2))
    uv[file.faces] = file.uv[file.uv_faces]
    column, row = (uv[:, 0] * 511).astype(int), ((1 - uv[:, 1]) * 511).astype(int)
    cheeks = file.masks["face"] & file.masks["skin"] & ~file.masks["mouth_inside"]
    apart = np.abs(ours - sheet[row, column])[cheeks]
    assert (
        np.median(apart) < 0.03
        and np.corrcoef(ours[cheeks].ravel(), sheet[row, column][cheeks].ravel())[0, 1] > 0.85
    )


def test_normals_from_shading_lean_as_the_picture_says():
    """A plane lit from the left: where the picture is brighter, the normal turns to the left."""
    normals = torch.zeros(1, 3, 4, 4)
    normals[:, 2] = 1
    light = torch.zeros(1, 9, 3)
    light[:, 0], light[:, 1] = 0.6, -0.3
    albedo = torch.full((1, 3, 4, 4), 0.5)
    plain = (0.5 * 0.6) ** (1 / 2.2)
    picture = torch.full((1, 3, 4, 4), plain)
    assert torch.allclose(
        shading.normals_from_shading(normals, albedo, light, picture), normals, atol=1e-5
    )
    picture[..., 0] *= 1.1
    tilted = shading.normals_from_shading(normals, albedo, light, picture)
    assert bool((tilted[:, 0, :, 0] < -0.05).all()) and torch.allclose(
        tilted[..., 1:], normals[..., 1:], atol=1e-5
    )


def test_the_sheet_finds_places_normals_and_its_other_side(faces):
    sheet = Sheet(load_head(), 64)
    start = codes(camera=torch.tensor([[1.0, 0, 0]]))
    vertices = faces.vertices(start)
    places, normals = sheet.coarse(vertices, faces.renderer.faces)
    on = sheet.on_skin[0, 0] > 0
    mirrored = sheet.mirrored(places)
    assert float((mirrored[0, 0][on] + places[0, 0][on]).abs().median()) < 0.002  # x changes sign
    assert float((mirrored[0, 1:] - places[0, 1:])[:, on].abs().median()) < 0.002
    flat = sheet.detailed_normals(places, normals, torch.zeros(1, 1, 64, 64))
    cosine = (flat * normals).sum(1)[0][on]
    assert float(cosine.median()) > 0.98
    seen = sheet.visible(places, normals, faces.renderer, vertices)
    nose, ear = places[0, 2] > places[0, 2][on].quantile(0.9), normals[0, 2] < 0
    assert float(seen[0, 0][nose & on].mean()) > 0.8 and not seen[0, 0][ear].any()
    bump = torch.zeros(1, 1, 64, 64)
    bump[..., 32:, :] = 0.003
    assert (
        float((sheet.detailed_normals(places, normals, bump) - flat)[..., 30:34, :].abs().mean())
        > 0.01
    )


def test_training_needs_no_reader_of_videos_and_no_face_detector():
    names = ("coarse", "expression", "fine", "spectre", "curves", "landmarks", "reader",
             "people.performers", "voice", "lips")  # fmt: skip
    code = "import sys, engine.commands.train\n"
    code += "".join(f"import engine.training.{n}\n" for n in names)
    done = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules)"],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"av", "mediapipe", "torchvision", "bpy"}
