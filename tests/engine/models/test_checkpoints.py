"""Files of weights that users bring, made up here in the layouts of their authors."""

import argparse
import os
import pickle
import tarfile
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from engine.exchange.protocol import AVFaceError
from engine.models.backbones import MobileNetV2, resnet18
from engine.models.checkpoints import (
    load_deca,
    load_imagenet,
    read_checkpoint,
)
from engine.models.coarse import DECA_PARTS, CoarseEncoder, ImageEncoder
from engine.models.config import PUBLISHED
from engine.models.expression import ExpressionEncoder
from engine.training import system
from engine.training.coarse import CoarseOptions, CoarseTask

# DECA's layout on a smaller backbone
SMALL = replace(PUBLISHED, coarse_backbone="resnet18", video_backbone="resnet18", coarse_hidden=8)


@pytest.fixture(scope="module")
def deca():
    """The encoder of 236 numbers, and a checkpoint in DECA's layout with the same weights."""
    torch.manual_seed(0)
    encoder = ImageEncoder(SMALL, sum(DECA_PARTS.values()))
    flame = {
        name.replace("backbone.", "encoder."): value for name, value in encoder.state_dict().items()
    }
    detail = {"encoder.conv1.weight": torch.zeros(2), "layers.0.weight": torch.zeros(2)}
    return encoder, {
        "E_flame": flame, "E_detail": detail, "D_detail": {"l1.0.weight": torch.zeros(3)},
    }  # fmt: skip


@pytest.fixture
def coarse():
    torch.manual_seed(1)
    return CoarseEncoder(SMALL)


@pytest.mark.parametrize("new_format", [True, False])
def test_deca_starts_the_encoders_and_says_what_it_used(deca, coarse, tmp_path, new_format):
    encoder, checkpoint = deca
    path = tmp_path / "deca_model.tar"
    torch.save(checkpoint, path, _use_new_zipfile_serialization=new_format)
    expression = ExpressionEncoder(SMALL)
    loaded = load_deca(path, coarse, expression)
    images = torch.rand(2, 3, 64, 64)
    whole, code = encoder.eval()(images), coarse.eval().embed(images)
    parts = SMALL.coarse_parts()
    torch.testing.assert_close(code[:, parts["shape"]], whole[:, :100])
    torch.testing.assert_close(code[:, parts["albedo"]], whole[:, 100:150])
    torch.testing.assert_close(code[:, parts["pose"]], whole[:, 200:203])  # 203:206 is the jaw
    torch.testing.assert_close(code[:, parts["camera"]], whole[:, 206:209])
    torch.testing.assert_close(code[:, parts["light"]], whole[:, 209:])
    features = encoder.backbone(images)
    torch.testing.assert_close(expression.eval().video.backbone(images), features)
    assert len(loaded.used) == len(checkpoint["E_flame"])
    assert "D_detail.l1.0.weight" in loaded.unused
    assert loaded.left and all(name.startswith("temporal.") for name in loaded.left)
    assert "E_detail, D_detail" in loaded.sentence


def test_another_size_of_deca_is_refused_in_words(deca, tmp_path):
    path = tmp_path / "deca_model.tar"
    torch.save(deca[1], path)
    with pytest.raises(AVFaceError, match="doesn't fit"):
        load_deca(path, CoarseEncoder(replace(SMALL, coarse_hidden=9)))
    torch.save({"model": {}}, path)
    with pytest.raises(AVFaceError, match="E_flame"):
        load_deca(path, CoarseEncoder(SMALL))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_imagenet_weights_start_a_backbone_without_their_classifier(tmp_path, suffix):
    torch.manual_seed(0)
    theirs = resnet18(classes=10)
    path = tmp_path / f"resnet18{suffix}"
    if suffix == ".pth":
        torch.save(theirs.state_dict(), path)
    else:
        save_file(theirs.state_dict(), path)
    mine = resnet18()
    loaded = load_imagenet(path, mine)
    assert set(loaded.unused) == {"fc.weight", "fc.bias"}
    assert torch.equal(mine.layer4[1].conv2.weight, theirs.layer4[1].conv2.weight)
    with pytest.raises(AVFaceError, match="not of a MobileNetV2"):
        load_imagenet(path, MobileNetV2())


class Malice:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("how", ["zip", "legacy", "pickle"])
def test_a_malicious_pickle_is_refused_in_one_sentence(tmp_path, how):
    path, content = tmp_path / "deca_model.tar", {"E_flame": Malice(tmp_path / "was_run")}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(AVFaceError, match=r"not opened: it wants to run \w+\.system"):
        read_checkpoint(path)
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize("new_format", [True, False])
def test_settings_beside_the_tensors_are_dropped(tmp_path, new_format):
    path = tmp_path / "checkpoint.pth"
    settings = argparse.Namespace(rate=0.1)
    content = {"args": settings, "state_dict": {"a": torch.arange(3.0)}}
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    read = read_checkpoint(path)
    assert torch.equal(read["state_dict"]["a"], torch.arange(3.0))
    assert not isinstance(read["args"], argparse.Namespace)


def test_files_that_are_no_weights_are_said_in_words(tmp_path):
    with pytest.raises(AVFaceError, match="There is no file"):
        read_checkpoint(tmp_path / "none.pth")
    for name, content in (("a.pth", b""), ("b.pth", b"PK\3\4"), ("c.safetensors", b"x")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(AVFaceError, match="no file of weights"):
            read_checkpoint(path)
    path = tmp_path / "old.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(tmp_path / "a.pth", "pickle")
    with pytest.raises(AVFaceError):
        read_checkpoint(path)
    path = tmp_path / "tensor.pth"
    torch.save(torch.zeros(2), path)
    with pytest.raises(AVFaceError, match="no file of weights"):
        read_checkpoint(path)


def test_training_begins_with_what_the_user_brings(deca, tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(system.CONFIGS, "full", SMALL)
    path, backbone = tmp_path / "deca_model.tar", tmp_path / "resnet18.pth"
    torch.save(deca[1], path)
    torch.save(resnet18(classes=10).state_dict(), backbone)
    with caplog.at_level("INFO"):
        options = CoarseOptions(config="full", photometric=False, deca=path, imagenet=backbone)
        task = CoarseTask(options)
    theirs = deca[0].backbone.conv1.weight
    assert torch.equal(task.model.coarse.image.backbone.conv1.weight, theirs)
    assert "E_flame starts the picture encoder of E_c" in caplog.text
    assert "the classifier is not" in caplog.text
