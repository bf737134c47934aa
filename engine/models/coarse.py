"""AVFace's coarse encoder E_c: who it is, where the head is, the camera and the light."""

from torch import Tensor, nn

from .backbones import build_backbone
from .config import Config
from .sight import SIGHT
from .temporal import TemporalEncoder

# DECA's encoder gives these, in this order (Feng et al. 2021); E_c is made from it.
DECA_PARTS = {
    "shape": 100, "albedo": 50, "expression": 50, "pose": 3, "jaw": 3, "camera": 3, "light": 27,
}  # fmt: skip


class ImageEncoder(nn.Module):
    """A picture in, a code out: backbone, one hidden layer, a linear one (DECA's encoder).

    What was read from landmarks says much of a code already: a linear path stands beside (open).
    """

    def __init__(self, config: Config, outputs: int):
        super().__init__()
        name, hidden = config.coarse_backbone, config.coarse_hidden
        self.backbone = build_backbone(name, config.backbone_width, SIGHT, config.backbone_hidden)
        self.layers = nn.Sequential(
            nn.Linear(self.backbone.outputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )
        self.straight = nn.Linear(self.backbone.outputs, outputs) if name == "landmarks" else None

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in 0..1, or what was read (N, SIGHT) -> (N, outputs)."""
        features = self.backbone(images)
        code = self.layers(features)
        return code if self.straight is None else code + self.straight(features)


class CoarseEncoder(nn.Module):
    """Windows of pictures in, c for each frame out; its parts: `Config.coarse_parts`.

    The embedding of a frame depends on its picture alone and has the size of c.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        size = config.coarse_code
        self.image = ImageEncoder(config, size)
        self.temporal = TemporalEncoder(size, size, config)
        if config.coarse_residual:  # begins as the picture encoder alone
            self.temporal.begin_silent()

    def embed(self, images: Tensor) -> Tensor:
        """Single pictures (N, 3, H, W), or what was read of them -> embeddings (N, 183)."""
        return self.image(images)

    def over_time(self, embeddings: Tensor) -> Tensor:
        """Windows of embeddings (B, W, 183) -> c (B, W, 183)."""
        code = self.temporal(embeddings)
        return embeddings + code if self.config.coarse_residual else code

    def forward(self, images: Tensor) -> Tensor:
        """(B, W, 3, H, W) RGB in 0..1 -> c (B, W, 183)."""
        windows = images.shape[:2]
        return self.over_time(self.embed(images.flatten(0, 1)).unflatten(0, windows))
