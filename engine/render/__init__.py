"""Draw a mesh: which triangle each pixel sees, and values carried there from the vertices.

Vertices come as (pixel x, pixel y, depth): y down, (0, 0) the upper left corner of the upper left
pixel, so that pixel (column, row) is sampled at (column + 0.5, row + 0.5); depth in metres along
the line of sight, positive, smaller is nearer. The functions here are numba's, on one core; other
backends give the same picture (`backends`).
"""

from .numba_buffer import (
    barycentric,
    depth_map,
    interpolate,
    rasterize,
    sample,
    visible_faces,
)

__all__ = ["barycentric", "depth_map", "interpolate", "rasterize", "sample", "visible_faces"]
