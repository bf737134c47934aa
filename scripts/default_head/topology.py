"""Walking along a mesh of quads: edge loops round the mouth and the eyes."""

from collections import defaultdict

import numpy as np


def edge_loop(quads: np.ndarray, first: int, second: int) -> list[int]:
    """The closed edge loop that starts with the edge `first`-`second`.

    At every vertex with four quads it goes straight on; elsewhere it is an error.
    """
    around = defaultdict(list)
    for number, quad in enumerate(quads.tolist()):
        for vertex in quad:
            around[vertex].append(number)
    loop = [first, second]
    while True:
        before, here = loop[-2], loop[-1]
        beside = {v for q in around[here] if before in quads[q] for v in quads[q].tolist()}
        ahead = _joined(quads, around, here) - beside
        assert len(ahead) == 1, (loop, ahead)
        onward = ahead.pop()
        if onward == first:
            return loop
        loop.append(onward)


def _joined(quads, around, vertex: int) -> set[int]:
    """Vertices at the other end of the edges of `vertex`."""
    out = set()
    for number in around[vertex]:
        corners = quads[number].tolist()
        k = corners.index(vertex)
        out |= {corners[k - 1], corners[(k + 1) % 4]}
    return out
