"""AVFace's coarse encoder E_c: who it is, where the head is, the camera and the light."""

from torch import Tensor, nn

from .backbones import build_backbone
from .config import Backbone, Config
from .temporal import TemporalEncoder

# DECA's encoder gives these, in this order (Feng et al. 2021); E_c is made from it.
DECA_PARTS = {
    "shape": 100, "albedo": 50, "expression": 50, "pose": 3, "jaw": 3, "camera": 3, "light": 27,
}  # fmt: skip


class ImageEncoder(nn.Module):
    """A picture in, a code out: backbone, one hidden layer, a linear one (DECA's encoder)."""

    def __init__(self, backbone: Backbone, hidden: int, outputs: int, width: float = 1.0):
        super().__init__()
        self.backbone = build_backbone(backbone, width)
        self.layers = nn.Sequential(
            nn.Linear(self.backbone.outputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in 0..1 -> (N, outputs)."""
        return self.layers(self.backbone(images))


class CoarseEncoder(nn.Module):
    """Windows of pictures in, c for each frame out; its parts: `Config.coarse_parts`.

    The embedding of a frame depends on its picture alone and has the size of c.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        size = config.coarse_code
        self.image = ImageEncoder(
            config.coarse_backbone, config.coarse_hidden, size, config.backbone_width
        )
        self.temporal = TemporalEncoder(size, size, config)
        if config.coarse_residual:  # begins as the picture encoder alone
            last = self.temporal.projection[-1]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def embed(self, images: Tensor) -> Tensor:
        """Single pictures (N, 3, H, W) -> embeddings (N, 183)."""
        return self.image(images)

    def over_time(self, embeddings: Tensor, valid: Tensor | None = None) -> Tensor:
        """Windows of embeddings (B, W, 183) -> c (B, W, 183)."""
        code = self.temporal(embeddings, valid)
        return embeddings + code if self.config.coarse_residual else code

    def forward(self, images: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, W, 3, H, W) RGB in 0..1 -> c (B, W, 183)."""
        windows = images.shape[:2]
        return self.over_time(self.embed(images.flatten(0, 1)).unflatten(0, windows), valid)


def single_image_encoder(config: Config) -> ImageEncoder:
    """DECA's encoder with this system's sizes: the baseline of one picture, without time or sound.

    Its code is `DECA_PARTS` with the config's counts: 236 numbers as published.
    """
    size = config.coarse_code + config.expression + config.jaw
    return ImageEncoder(config.coarse_backbone, config.coarse_hidden, size, config.backbone_width)
