"""AVFace's audio-visual expression encoder: units, jaw and gaze from sound and picture."""

import torch
from torch import Generator, Tensor, nn

from .backbones import build_backbone
from .config import Config
from .sight import WITHOUT_COLOURS
from .temporal import TemporalEncoder

_LEAK = 0.02  # of the convolutions' activation


class AudioEncoder(nn.Module):
    """E_a: a frame's sound (16, 29) -> f_a (64).

    (open) Convolutions of stride 2 halve the 16 steps until one is left, as VOCA and AD-NeRF do.
    """

    def __init__(self, config: Config):
        super().__init__()
        assert config.audio_steps == 1 << len(config.audio_widths), config.audio_widths
        steps: list[nn.Module] = []
        inputs = config.audio_channels
        for width in config.audio_widths:
            steps += [nn.Conv1d(inputs, width, 3, 2, 1), nn.LeakyReLU(_LEAK)]
            inputs = width
        self.convolutions = nn.Sequential(*steps)
        self.layers = nn.Sequential(
            nn.Linear(inputs, config.audio_embedding),
            nn.LeakyReLU(_LEAK),
            nn.Linear(config.audio_embedding, config.audio_embedding),
        )

    def forward(self, sound: Tensor) -> Tensor:
        """(N, 16, 29) -> (N, 64)."""
        return self.layers(self.convolutions(sound.transpose(1, 2)).squeeze(2))


class VideoEncoder(nn.Module):
    """E_v: a picture -> f_v (64)."""

    def __init__(self, config: Config):
        super().__init__()
        self.backbone = build_backbone(
            config.video_backbone, config.backbone_width, WITHOUT_COLOURS, config.backbone_hidden
        )
        self.layer = nn.Linear(self.backbone.outputs, config.video_embedding)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in 0..1, or what was read (N, SIGHT) -> (N, 64)."""
        return self.layer(self.backbone(images))


class ExpressionEncoder(nn.Module):
    """E_a, E_v and what fuses them into e of each frame; its parts: `Config.expression_parts`.

    A modality that is missing (a silent clip, a lost face, dropout) is an embedding of zeros.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.audio = AudioEncoder(config)
        self.video = VideoEncoder(config)
        both = config.audio_embedding + config.video_embedding
        self.temporal = TemporalEncoder(both, config.expression_code, config)
        self.straight = None
        if config.expression_residual:
            self.straight = nn.Linear(both, config.expression_code)
            self.temporal.begin_silent()

    def fuse(self, f_a: Tensor, f_v: Tensor) -> Tensor:
        """Embeddings (B, W, 64) of both -> e (B, W, 53)."""
        both = torch.cat([f_a, f_v], -1)
        e = self.temporal(both)
        return e if self.straight is None else self.straight(both) + e


def drop_modalities(
    f_a: Tensor, f_v: Tensor, config: Config, generator: Generator
) -> tuple[Tensor, Tensor]:
    """f_a and f_v (B, W, 64) with one zeroed in some windows (AVFace section 3.5), never both.

    One throw decides for a window: sound dropped, picture dropped, or both kept.
    """
    throw = torch.rand(len(f_a), 1, 1, generator=generator).to(f_a.device)
    no_sound = throw < config.audio_dropout
    no_picture = ~no_sound & (throw < config.audio_dropout + config.video_dropout)
    return f_a.masked_fill(no_sound, 0), f_v.masked_fill(no_picture, 0)
