"""Find where on the head the tracker puts its points: the tables of places.

`python scripts/find_landmark_places.py`, in the engine's environment; some minutes. Drawn people
with known shapes act before known cameras, the tracker looks at them, and for each of its points
that vertex is sought which goes with it best over all pictures. Prints, in millimetres from the
head file's own points, what stands in `engine/head/places.py`; iBUG's 68 follow by
`build_default_head.py --landmarks`.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.faces.detector import FaceMesh, region_of  # noqa: E402
from engine.faces.views import view_of  # noqa: E402
from engine.fitting.terms import (  # noqa: E402
    CHIN_EDGE,
    HAIRLINE,
    LEFT_BROW,
    LIP_PAIRS,
    MOUTH_CORNERS,
    OVAL,
    RIGHT_BROW,
    SUBNASALE,
)
from engine.geometry import embed  # noqa: E402
from engine.training.people import Stage, build_stage, render_scene  # noqa: E402
from engine.training.people.acting import act_moments  # noqa: E402
from engine.training.people.identity import cast_performer  # noqa: E402
from engine.training.people.labels import COVERED  # noqa: E402
from engine.training.people.posing import pose_vertices  # noqa: E402

MOMENTS, SIZE, DIFFICULTY = 4, 256, 0.35
MESH_POINTS = 468
MOST_COVERED, MOST_TURNED = 0.02, 0.85  # share of points behind things; cosine
USUAL_JAW = 0.12  # rad: speech hardly opens it further
UPPER_FACE = [
    *(8, 9, 151, 251, 21, 298, 68, 299, 69, 301, 71, 333, 104, 337, 108),
    *(*HAIRLINE, *LEFT_BROW, *RIGHT_BROW),
]
CORNERS = [*MOUTH_CORNERS, 133, 362]  # and the eyes' inner ones
DEPTH_SHARE = 0.05  # of a prior on depth, in units of what all pictures say


@dataclass(frozen=True)
class Looks:
    """N pictures, in millimetres of the picture at the head's distance, y up."""

    tracked: np.ndarray  # (N, 468, 2)
    own: np.ndarray  # (N, 468, 2) the head file's points
    vertices: np.ndarray  # (N, W, 2) of the skin before the ears
    turn: np.ndarray  # (N, 3, 3)
    weight: np.ndarray  # (N,) sum 1: usual jaws count most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=220)
    parser.add_argument("--seed", type=int, default=770_078)
    options = parser.parse_args()
    stage = build_stage()
    file = stage.head.file
    template = 1e3 * file.template.astype(float)
    own = embed(template, file.faces, file.landmarks_468)
    skin = skin_vertices(stage)
    looks = look_at_people(stage, skin, options.people, options.seed)
    outline = set(OVAL) - set(CHIN_EDGE)
    low = np.flatnonzero(own[:, 1] < own[SUBNASALE, 1])
    sought = [*(k for k in low if k not in outline), *UPPER_FACE, *CORNERS]
    places = {k: place_of(k, looks, own, template[skin]) for k in sought}
    print_tables(symmetric(places, looks), own)


def skin_vertices(stage: Stage) -> np.ndarray:
    """Vertices (W,) of the face's skin as seen from the front."""
    masks = stage.head.file.masks
    return np.flatnonzero(masks["skin"] & ~masks["mouth_inside"] & ~masks["ears"])


def look_at_people(stage: Stage, skin: np.ndarray, people: int, seed: int) -> Looks:
    """What the tracker makes of drawn people, and what is true."""
    tracker = FaceMesh()
    tracked, own, vertices, turn, jaw = [], [], [], [], []
    for index in range(people):
        scene = render_scene(stage, seed, index, MOMENTS, SIZE, DIFFICULTY)
        # The scene's own beginning once more: it keeps no vertices.
        generator = np.random.default_rng([seed, index])
        person = cast_performer(stage, generator, DIFFICULTY)
        posed = pose_vertices(stage, person, act_moments(stage, generator, MOMENTS))[:, skin]
        truth = scene.labels
        for t, picture in enumerate(scene.pictures):
            covered = (truth.hidden[t][:MESH_POINTS] & COVERED).mean()
            if covered > MOST_COVERED or truth.turn[t][2, 2] < MOST_TURNED:
                continue
            points = np.column_stack([truth.points[t], np.zeros(len(truth.points[t]))])
            points, sure = points.astype(np.float32), 0.0
            for _ in range(2):
                region = region_of(points)
                points, sure = tracker.find(view_of(picture, region), region)
            if sure < 0.5:
                continue
            placed = posed[t] @ truth.turn[t].T + truth.translation[t]
            flat = placed[:, :2] / -placed[:, 2:] * truth.focal[t] * [1, -1] + truth.centre[t]
            scale = np.array([1, -1]) * 1e3 * -truth.translation[t][2] / truth.focal[t]
            tracked.append(points[:MESH_POINTS, :2] * scale)
            own.append(truth.points[t][:MESH_POINTS] * scale)
            vertices.append(flat * scale)
            turn.append(truth.turn[t])
            jaw.append(truth.jaw[t][0])
    weight = np.exp(-np.abs(jaw) / USUAL_JAW)
    stacked = (np.stack(each).astype(float) for each in (tracked, own, vertices, turn))
    return Looks(*stacked, weight / weight.sum())


def place_of(k: int, looks: Looks, own: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Where on the template the tracker's point k lies, (3,) mm.

    Corners and inner lips stay on the mesh's own edge and are only set aside.
    """
    if k in np.array(LIP_PAIRS) or k in CORNERS:
        return own[k] + _aside(looks.tracked[:, k] - looks.own[:, k], looks)
    apart = looks.tracked[:, k, None] - looks.vertices  # (N, W, 2)
    nearest = np.einsum("nwc,nwc,n->w", apart, apart, looks.weight).argmin()
    return skin[nearest] + _aside(apart[:, nearest], looks)


def _aside(apart: np.ndarray, looks: Looks) -> np.ndarray:
    """The place on the head (3,) that explains most of distances (N, 2) in the picture."""
    rows = looks.turn[:, :2]  # (N, 2, 3)
    matrix = np.einsum("n,nra,nrb->ab", looks.weight, rows, rows) + np.diag([0, 0, DEPTH_SHARE])
    return np.linalg.solve(matrix, np.einsum("n,nra,nr->a", looks.weight, rows, apart))


def symmetric(places: dict[int, np.ndarray], looks: Looks) -> dict[tuple[int, ...], np.ndarray]:
    """Places by points: the middle's own, those of the subject's left with their mirror image."""
    numbers = np.array(list(places))
    layout = np.einsum("nlc,n->lc", looks.tracked[:, numbers] - looks.tracked[:, :1], looks.weight)
    across = np.linalg.norm(layout[:, None] * [-1, 1] - layout, axis=2)
    other = across.argmin(1)
    assert (other[other] == np.arange(len(other))).all(), "a point without its mirror image"
    both = {}
    for a, b in enumerate(other):
        left, right = int(numbers[a]), int(numbers[b])
        place = (places[left] + places[right] * [-1, 1, 1]) / 2
        if left == right:
            both[(left,)] = place
        elif layout[a, 0] > layout[b, 0]:
            both[left, right] = place
    return both


def print_tables(places: dict[tuple[int, ...], np.ndarray], own: np.ndarray) -> None:
    """As Python: what moves on the skin, then edges of the mesh, lips' upper and lower alike."""
    moved = {points: place - own[points[0]] for points, place in places.items()}
    edges = {points: move for points, move in moved.items() if points[0] in CORNERS}
    for pair in LIP_PAIRS:
        ends = [points for k in pair for points in moved if points[0] == k]
        edges |= dict.fromkeys(ends, np.mean([moved[points] for points in ends], axis=0))
    skin = {points: move for points, move in moved.items() if points not in edges}
    for name, table in (("PLACES_MM", skin), ("EDGES_MM", edges)):
        print(f"{name} = {{")
        for points, move in table.items():
            print(f"    {points}: ({', '.join(f'{v + 0:.1f}' for v in move)}),")
        print("}")


if __name__ == "__main__":
    main()
