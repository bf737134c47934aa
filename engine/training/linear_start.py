"""The encoders on the shared trunk begin as the best linear answer to what was read."""

import numpy as np
import torch
from torch import Tensor, nn

from ..models.expression import AudioEncoder
from ..models.sight import SightBackbone, part
from .described import VARIANTS, Described
from .system import CoarseStage

_RIDGE = 3.0  # of the inputs' variance: more fits performers better, and real faces worse
_EXAMPLES = 30_000  # frames that a linear answer is found from
_SOUNDS = 2_000  # of them whose sound is measured
_FIRST_NOISE = 0.05  # of weights that begin with nothing


@torch.no_grad()
def begin_linear(stage: CoarseStage, data: Described) -> None:
    """Measure the inputs, and set the linear paths of both branches to ridge regressions."""
    rows = np.random.default_rng(5).integers(data.e[..., 0].numel(), size=_EXAMPLES)
    variant = torch.from_numpy(np.random.default_rng(6).integers(VARIANTS, size=_EXAMPLES))
    clip, frame = (torch.from_numpy(x) for x in np.unravel_index(rows, data.e.shape[:2]))
    sight, c, e = data.sight[variant, clip, frame].float(), data.c[clip, frame], data.e[clip, frame]
    image, video, straight = stage.coarse.image, stage.expression.video, stage.expression.straight
    assert image.straight is not None and straight is not None
    own, moving = stage.config.coarse_parts(), stage.config.expression_parts()
    told = [(part(name), own[name]) for name in ("shape", "pose", "camera")]
    _regress(image.straight, image.backbone, sight, c, told)
    last = image.layers[-1]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    names = {"units": "expression", "jaw": "jaw", "gaze": "gaze"}
    answer = nn.Linear(video.backbone.outputs, e.shape[1])
    told = [(part(mine), moving[name]) for mine, name in names.items()]
    _regress(answer, video.backbone, sight, e, told)
    codes, size = e.shape[1], stage.config.video_embedding
    scale = (answer(video.backbone(sight)).std(0) + 1e-4)[:, None]
    nn.init.normal_(video.layer.weight, 0, _FIRST_NOISE / video.backbone.outputs**0.5)
    nn.init.zeros_(video.layer.bias)
    video.layer.weight[:codes] += answer.weight / scale
    video.layer.bias[:codes] = (answer.bias - e.mean(0)) / scale[:, 0]
    nn.init.zeros_(straight.weight)
    straight.weight[:, -size:][:, :codes] = torch.diag(scale[:, 0])
    straight.bias.copy_(e.mean(0))
    _even_out(stage.expression.audio, data.sound[0, clip[:_SOUNDS], frame[:_SOUNDS]].float())


def _regress(
    layer: nn.Linear, backbone: nn.Module, sight: Tensor, targets: Tensor,
    told: list[tuple[slice, slice]],
) -> None:  # fmt: skip
    """Ridge regression of targets (n, D) on what the backbone lets through of `sight`.

    It shrinks to what the reader says itself, part by part (`told`: where it lies in the sight, and
    in the targets): the reader has met more people than there are here.
    """
    assert isinstance(backbone, SightBackbone)
    backbone.measure(sight)
    count = backbone.inputs
    seen = backbone(sight)[:, :count]
    first = torch.zeros(count, targets.shape[1])
    for mine, theirs in told:
        gain = backbone.scale[mine] / backbone.quiet
        first[mine, theirs] = torch.diag(gain)
    middle, mean = seen.mean(0), targets.mean(0)
    away = seen - middle
    system = away.T @ away
    ridge = _RIDGE * system.diagonal().mean()
    wanted = away.T @ (targets - mean) + ridge * first
    weights = torch.linalg.solve(system + ridge * torch.eye(count), wanted)  # (I, D)
    nn.init.zeros_(layer.weight)
    layer.weight[:, :count] = weights.T
    layer.bias.copy_(mean - middle @ weights)


def _even_out(audio: AudioEncoder, sound: Tensor) -> None:
    """Begin with embeddings of deviation 1, whatever the level and the spread of sounds (n, 16, A).

    Else the places of frames, which are added, drown what is heard.
    """
    first, last = audio.convolutions[0], audio.layers[-1]
    assert isinstance(first, nn.Conv1d) and first.bias is not None
    assert isinstance(last, nn.Linear)
    first.weight /= sound.std((0, 1)).clamp_min(1e-3)[None, :, None]
    first.bias -= (first.weight * sound.mean((0, 1))[None, :, None]).sum((1, 2))
    last.weight /= audio(sound).std(0).mean()
    last.bias -= audio(sound).mean(0)
