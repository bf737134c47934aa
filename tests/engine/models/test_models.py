"""AVFace's and SPECTRE's networks: the published numbers, shapes, and what must not matter."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.models.backbones import MobileNetV2, resnet18, resnet50
from engine.models.coarse import DECA_PARTS, CoarseEncoder, ImageEncoder
from engine.models.config import LITE, PUBLISHED, Config
from engine.models.expression import AudioEncoder, ExpressionEncoder, drop_modalities
from engine.models.fine import FineNetwork
from engine.models.spectre import SpectreEncoder
from engine.models.temporal import TemporalEncoder
from engine.training import losses
from engine.training.system import CoarseStage

TINY = replace(
    LITE, crop=32, coarse_hidden=16, backbone_width=0.1, uv=64, fine_width=8, spectre_width=8
)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def on_meta(build, *arguments, **keywords) -> nn.Module:
    """A network of full size, without its memory."""
    with torch.device("meta"):
        return build(*arguments, **keywords)


def test_the_config_holds_the_published_numbers():
    c = PUBLISHED
    assert (c.window, c.window_step, c.crop, c.uv, c.frame_rate) == (16, 1, 224, 256, 25)
    assert (c.audio_steps, c.audio_channels) == (16, 29)
    assert (c.shape, c.albedo, c.pose, c.camera, c.light) == (100, 50, 3, 3, 27)
    assert (c.coarse_code, c.expression_code) == (183, 53)
    assert (c.coarse_backbone, c.video_backbone) == ("resnet50", "resnet50")
    assert (c.audio_embedding, c.video_embedding) == (64, 64)
    assert (c.transformer_layers, c.transformer_heads, c.transformer_hidden) == (3, 4, 256)
    assert (c.transformer_dropout, c.projection_layers) == (0, 3)
    assert (c.audio_dropout, c.video_dropout) == (0.4, 0.5)
    assert (c.occluded_train, c.occluded_test) == (3000, 1000)
    assert (c.spectre_backbone, c.spectre_frames) == ("mobilenet_v2", 20)


def test_a_code_is_the_sum_of_its_parts():
    for config, gaze in ((PUBLISHED, 0), (LITE, 4)):
        coarse, expression = config.coarse_parts(), config.expression_parts()
        assert coarse["light"].stop == config.coarse_code == 183
        assert coarse["camera"] == slice(153, 156)
        assert expression["jaw"] == slice(50, 53)
        assert expression["gaze"].stop == config.expression_code == 53 + gaze
        assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("build", "parameters", "keys", "some"),
    [
        (resnet50, 25_557_032, 320, "layer4.2.conv3.weight"),
        (resnet18, 11_689_512, 122, "layer3.0.downsample.1.running_mean"),
        (MobileNetV2, 3_504_872, 314, "features.18.1.weight"),
    ],
)
def test_backbones_have_torchvisions_names_and_sizes(build, parameters, keys, some):
    network = on_meta(build, classes=1000)
    state = network.state_dict()
    assert count(network) == parameters
    assert len(state) == keys
    assert some in state
    assert any(name in state for name in ("fc.weight", "classifier.1.weight"))


def test_names_within_torchvisions_blocks():
    state = on_meta(MobileNetV2).state_dict()
    assert state["features.0.0.weight"].shape == (32, 3, 3, 3)
    assert state["features.1.conv.0.0.weight"].shape == (32, 1, 3, 3)
    assert state["features.1.conv.1.weight"].shape == (16, 32, 1, 1)
    assert state["features.2.conv.3.running_var"].shape == (24,)
    state = on_meta(resnet50).state_dict()
    assert state["conv1.weight"].shape == (64, 3, 7, 7)
    assert state["layer2.0.conv2.weight"].shape == (128, 128, 3, 3)
    assert "fc.weight" not in state


def test_parameter_counts_of_the_published_networks():
    """Worked out by hand from the layers' sizes."""
    resnet = 25_557_032 - 2048 * 1000 - 1000
    image = resnet + 2048 * 1024 + 1024 + 1024 * 183 + 183

    def transformer(width: int, outputs: int) -> int:
        attention = 4 * (width * width + width)
        layer = attention + width * 256 + 256 + 256 * width + width + 4 * width
        projection = width * 256 + 256 + 256 * 256 + 256 + 256 * outputs + outputs
        return 3 * layer + projection

    coarse = image + 183 * 184 + 184 + transformer(184, 183)
    assert count(on_meta(CoarseEncoder, PUBLISHED)) == coarse
    convolutions = 29 * 96 + 32 + 32 * 96 + 32 + 32 * 192 + 64 + 64 * 192 + 64
    audio = convolutions + 2 * (64 * 64 + 64)
    video = resnet + 2048 * 64 + 64
    expression = audio + video + transformer(128, 53)
    assert count(on_meta(ExpressionEncoder, PUBLISHED)) == expression
    mobile = 3_504_872 - 1280 * 1000 - 1000
    spectre = mobile + 1280 * 256 * 5 + 2 * 256 + 256 * 53 + 53
    assert count(on_meta(SpectreEncoder, PUBLISHED)) == spectre


def test_the_lite_networks_are_small():
    together = sum(count(on_meta(build, LITE)) for build in (CoarseEncoder, ExpressionEncoder))
    assert together < 7_500_000


def test_deca_s_code_is_what_the_two_encoders_share():
    assert sum(DECA_PARTS.values()) == 236
    encoder = on_meta(lambda config: ImageEncoder(config, 236), PUBLISHED)
    assert encoder.layers[2].weight.shape == (236, 1024)


def test_shapes():
    torch.manual_seed(0)
    images, sound = torch.rand(2, 5, 3, 32, 32), torch.rand(2, 5, 16, 29)
    assert CoarseEncoder(TINY).eval()(images).shape == (2, 5, 183)
    assert CoarseStage(TINY).eval().express(images, sound).shape == (2, 5, 57)
    assert SpectreEncoder(TINY).eval()(images).shape == (2, 5, 53)


def test_published_shapes_on_meta():
    with torch.device("meta"):
        images, sound = torch.empty(1, 16, 3, 224, 224), torch.empty(1, 16, 16, 29)
        assert CoarseEncoder(PUBLISHED)(images).shape == (1, 16, 183)
        assert CoarseStage(PUBLISHED).express(images, sound).shape == (1, 16, 53)
        assert SpectreEncoder(PUBLISHED)(images).shape == (1, 16, 53)
        unwrapped = torch.empty(2, 3, 256, 256)
        assert FineNetwork(PUBLISHED)(unwrapped, sound[0, :2]).shape == (2, 1, 256, 256)


def test_the_audio_encoder_halves_until_one_step_is_left():
    encoder = AudioEncoder(PUBLISHED)
    lengths, x = [], torch.zeros(1, 29, 16)
    for layer in encoder.convolutions:
        x = layer(x)
        if isinstance(layer, nn.Conv1d):
            lengths.append(x.shape[2])
    assert lengths == [8, 4, 2, 1]
    assert encoder(torch.zeros(3, 16, 29)).shape == (3, 64)


def test_the_fine_network_hears_the_sound_in_its_third_layer_and_keeps_its_limit():
    torch.manual_seed(1)
    network = FineNetwork(TINY).eval()
    assert network.encoder.layer4[0].conv1.weight.shape[1] == 4 * TINY.fine_width + 1
    picture = torch.rand(1, 6, 64, 64)
    silent, loud = (network(picture, torch.full((1, 16, 29), value)) for value in (0.0, 5.0))
    assert silent.shape == (1, 1, 64, 64)
    assert (silent - loud).abs().max() > 0
    assert silent.abs().max() <= TINY.displacement_limit


def test_modality_dropout_has_the_published_odds_and_never_takes_both():
    generator = torch.Generator().manual_seed(0)
    ones = torch.ones(20_000, 2, 3)
    f_a, f_v = drop_modalities(ones, ones, PUBLISHED, generator)
    no_sound, no_picture = (f == 0 for f in (f_a, f_v))
    assert not (no_sound & no_picture).any()
    assert abs(no_sound[:, 0, 0].float().mean() - 0.4) < 0.015
    assert abs(no_picture[:, 0, 0].float().mean() - 0.5) < 0.015
    for dropped in (no_sound, no_picture):  # of whole windows
        assert (dropped == dropped[:, :1, :1]).all()


def test_dropout_is_for_training_alone():
    torch.manual_seed(0)
    stage = CoarseStage(TINY).eval()
    images, sound = torch.rand(4, 2, 3, 32, 32), torch.rand(4, 2, 16, 29)
    dropped = stage.express(images, sound)
    stage.drops = False
    torch.testing.assert_close(stage.express(images, sound), dropped)


def test_frames_know_their_places():
    torch.manual_seed(0)
    x, order = torch.randn(2, 7, 12), torch.randperm(7)
    placed = TemporalEncoder(12, 5, PUBLISHED).eval()
    assert (placed(x)[:, order] - placed(x[:, order])).abs().max() > 1e-3


def test_windows_do_not_see_each_other_and_their_frames_do():
    torch.manual_seed(0)
    network = TemporalEncoder(13, 5, PUBLISHED).eval()  # 13: the heads don't divide it
    x = torch.randn(3, 16, 13)
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]), atol=1e-5, rtol=1e-5)
    changed = x.clone()
    changed[:, 4] += 10
    others = torch.arange(16) != 4
    assert (network(x) - network(changed))[:, others].abs().max() > 1e-3


def test_a_residual_coarse_encoder_begins_as_its_picture_encoder():
    torch.manual_seed(0)
    network = CoarseEncoder(TINY).eval()
    images = torch.rand(1, 3, 3, 32, 32)
    torch.testing.assert_close(network(images)[0], network.embed(images[0]))


def test_a_spectre_chunk_with_its_neighbours_equals_the_whole():
    torch.manual_seed(0)
    network = SpectreEncoder(TINY).eval()
    features = torch.randn(1, 12, network.backbone.outputs)
    whole = network.over_time(features)
    part = network.over_time(features[:, 3:10])
    torch.testing.assert_close(part[:, 2:-2], whole[:, 5:8], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("build", [CoarseEncoder, ExpressionEncoder, SpectreEncoder, FineNetwork])
def test_state_dicts_survive_safetensors(build, tmp_path):
    torch.manual_seed(0)
    network = build(TINY)
    path = tmp_path / "network.safetensors"
    save_file(network.state_dict(), path, metadata={"config": TINY.to_json()})
    torch.manual_seed(1)
    again = build(TINY)
    again.load_state_dict(load_file(path), strict=True)
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_losses_weigh_what_is_published():
    assert (losses.COARSE.mouth_closure, losses.COARSE.shape) == (0.5, 1e-4)  # lambda_l, lambda_c
    fine = (losses.FINE.normals, losses.FINE.mrf, losses.FINE.symmetry, losses.FINE.displacement)
    assert fine == (10, 5e-2, 5e-3, 5e-3)  # lambda_n, m, s, d
    spectre = losses.SPECTRE
    assert (spectre.lip_reading, spectre.emotion, spectre.jaw) == (2, 0.5, 200)
    assert (spectre.landmark, spectre.mouth) == (50, 50)


def test_a_config_of_an_earlier_version_is_read():
    text = json.dumps(json.loads(TINY.to_json()) | {"lambda_n": 10.0})
    assert Config.from_json(text) == TINY
