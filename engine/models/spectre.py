"""SPECTRE's perceptual encoder: expression and jaw of a speaking face, from pictures alone."""

from torch import Tensor, nn

from .backbones import build_backbone
from .config import Config


class SpectreEncoder(nn.Module):
    """MobileNetV2, a temporal convolution on its output, a linear layer (Filntisis et al., 3.1).

    Identity, pose, albedo, light and camera come from the fixed coarse encoder. (open) kernel and
    width of the temporal convolution; the last layer begins near zero, a face at rest.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.backbone = build_backbone(config.spectre_backbone, config.backbone_width)
        kernel, width = config.spectre_kernel, config.spectre_width
        self.temporal = nn.Sequential(
            nn.Conv1d(self.backbone.outputs, width, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(inplace=True),
        )
        self.last = nn.Linear(width, config.expression + config.jaw)
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.zeros_(self.last.bias)

    def embed(self, images: Tensor) -> Tensor:
        """Single pictures (N, 3, H, W) -> features (N, 1280)."""
        return self.backbone(images)

    def over_time(self, features: Tensor) -> Tensor:
        """(B, K, 1280) -> (B, K, 53): expression, then jaw. Any K."""
        return self.last(self.temporal(features.transpose(1, 2)).transpose(1, 2))

    def forward(self, images: Tensor) -> Tensor:
        """(B, K, 3, H, W) RGB in 0..1 -> (B, K, 53)."""
        features = self.embed(images.flatten(0, 1)).unflatten(0, images.shape[:2])
        return self.over_time(features)
