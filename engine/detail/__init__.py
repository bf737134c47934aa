"""What shading says: the person's colours, the clip's light, relief and normal maps."""

from .appearance import estimate_appearance
from .projected import project_colour
from .recover import Detail, DetailOptions, bake_normals, recover_detail

__all__ = [
    "Detail",
    "DetailOptions",
    "bake_normals",
    "estimate_appearance",
    "project_colour",
    "recover_detail",
]
