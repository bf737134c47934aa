"""Every number of the networks, as published, and our small variant.

AVFace (Chatziagapi and Samaras, CVPR 2023), SPECTRE (Filntisis et al., 2022). What the papers leave
open is our choice and says so. The head's own counts (100 shape, 50 expression) are FLAME's; the
default head has the same.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

# "landmarks": no pictures, but what the landmark network and the reader read from them, frozen and
# shared by both encoders (`models/sight.py`).
Backbone = Literal["resnet50", "resnet18", "mobilenet_v2", "landmarks"]


@dataclass(frozen=True)
class Config:
    """One system. The defaults are the published one; `LITE` is the same for two CPU cores."""

    # input
    crop: int = 224  # px, the side of the square that the picture encoders see
    frame_rate: float = 25.0  # Hz; clips of other rates are read in strides of about 1 / 25 s
    window: int = 16  # x, frames that the transformers see at once
    window_step: int = 1  # frames between windows when capturing
    audio_steps: int = 16  # of one frame's features a, overlapping windows of 20 ms
    audio_channels: int = 29  # DeepSpeech's letters; the phone classes of our own network

    # c: the code of the coarse encoder, 183 numbers in this order
    shape: int = 100
    albedo: int = 50
    pose: int = 3  # axis-angle of the head
    camera: int = 3  # scale, x, y: weak perspective on the crop
    light: int = 27  # 9 spherical harmonics of RGB

    # e: the code of the expression encoder, 53 numbers in this order
    expression: int = 50
    jaw: int = 3  # axis-angle
    gaze: int = 0  # pitch and yaw of each eye; not in the papers, our head's eyes turn

    # coarse encoder E_c and video encoder E_v
    coarse_backbone: Backbone = "resnet50"
    coarse_hidden: int = 1024  # DECA's: features -> 1024 -> code
    video_backbone: Backbone = "resnet50"
    backbone_width: float = 1.0  # share of the channels of a MobileNetV2
    backbone_hidden: int = 256  # width of the layers behind landmarks
    video_embedding: int = 64  # f_v
    # audio encoder E_a (open): convolutions of stride 2 over the 16 steps, then two linear layers
    audio_widths: tuple[int, ...] = (32, 32, 64, 64)
    audio_embedding: int = 64  # f_a
    # both transformers
    transformer_layers: int = 3
    transformer_heads: int = 4
    transformer_hidden: int = 256  # feed-forward layers, and the projection's (open)
    transformer_dropout: float = 0.0
    projection_layers: int = 3  # feed-forward with ReLU between them
    # (open) the transformer predicts a change of the embedding instead of the code itself
    coarse_residual: bool = False
    # (open) e is a linear answer to both embeddings, to which the transformer adds
    expression_residual: bool = False
    # modality dropout while training, of whole windows (open); never both at once (open)
    audio_dropout: float = 0.4
    video_dropout: float = 0.5

    # fine stage: UNet-ResNet, sound as the last channel of the encoder's third layer
    uv: int = 256  # px
    fine_backbone: Backbone = "resnet18"
    fine_width: int = 64  # channels of the backbone's first layer
    fine_channels: int = 3  # the unwrapped picture; 6 adds the coarse normals
    fine_sound_layer: int = 3
    displacement_limit: float = 0.01  # m, DECA's

    # SPECTRE's perceptual encoder
    spectre_backbone: Backbone = "mobilenet_v2"
    spectre_frames: int = 20  # K
    spectre_kernel: int = 5  # frames of the temporal convolution; with its channels in no
    spectre_width: int = 256  # paper: as in the authors' public code

    # training; what losses weigh: `training.losses`, the optimiser: `training.loop`
    occluded_train: int = 3000  # sequences of `window` frames with a synthetic hand
    occluded_test: int = 1000

    @property
    def coarse_code(self) -> int:
        """Numbers in c."""
        return self.shape + self.albedo + self.pose + self.camera + self.light

    @property
    def expression_code(self) -> int:
        """Numbers in e."""
        return self.expression + self.jaw + self.gaze

    def coarse_parts(self) -> dict[str, slice]:
        """Where each part of c lies."""
        return _parts(self, ("shape", "albedo", "pose", "camera", "light"))

    def expression_parts(self) -> dict[str, slice]:
        """Where each part of e lies."""
        return _parts(self, ("expression", "jaw", "gaze"))

    def to_json(self) -> str:
        """For the metadata of a weights file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """What `to_json` wrote; earlier versions wrote more, on which no network depends."""
        known = {item.name for item in fields(cls)}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in json.loads(text).items()
            if name in known
        }
        return cls(**values)


def _parts(config: Config, names: tuple[str, ...]) -> dict[str, slice]:
    parts, start = {}, 0
    for name in names:
        stop = start + getattr(config, name)
        parts[name], start = slice(start, stop), stop
    return parts


PUBLISHED = Config()
"""Both papers, number by number."""

LITE = Config(
    crop=128,
    gaze=4,
    coarse_backbone="mobilenet_v2",
    coarse_hidden=512,
    video_backbone="mobilenet_v2",
    coarse_residual=True,
    fine_width=24,
    fine_channels=6,
)
"""The same classes, faster than real time on two CPU cores."""

RELIEF = replace(LITE, displacement_limit=0.002)
"""The fine stage that the product carries weights for: its six channels are `detail.evidence`."""

SHARED = replace(
    LITE,
    crop=112,
    coarse_backbone="landmarks",
    video_backbone="landmarks",
    expression_residual=True,
    audio_dropout=0.2,
    video_dropout=0.25,
)
"""The same encoders on one shared, frozen trunk: what the product carries weights for.

The published odds of dropout leave both senses in one window of ten: after a training of minutes,
sound then overrules a mouth that is plainly seen. These leave them in more than half.
"""
