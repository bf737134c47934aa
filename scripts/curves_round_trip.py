"""ARKit curves put on another person of ours, filmed, captured again: do the curves come back?

`python scripts/curves_round_trip.py TAKE [--seeds 3] [--each] [--folder out]`, in the engine's
environment. The character is the default head with another identity and colours, moved by the 52
curves alone; the studio films it with the take's head motion. Prints the correlation of each curve
that moves. With `--each` the curves are not the take's: each goes to its full value in turn, both
sides together.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.exchange.arkit import (  # noqa: E402
    ARKIT_NAMES,
    Curves,
    axis_angle_of,
    curves_of,
    units_of,
    yaw_pitch_roll,
)
from engine.exchange.take import Take  # noqa: E402
from engine.head.albedo import load_albedo  # noqa: E402
from engine.head.model import FaceParams, Head  # noqa: E402
from engine.media.writing import write_film  # noqa: E402
from engine.options import CaptureOptions  # noqa: E402
from engine.pipeline import capture  # noqa: E402
from engine.preview.overlay import before_backdrop  # noqa: E402
from engine.preview.sitter import Sitter  # noqa: E402
from engine.preview.studio import draw  # noqa: E402
from engine.progress import Report  # noqa: E402
from engine.weights import load_head, locate  # noqa: E402

SIZE, FOCAL, DISTANCE_M = (512, 512), 1024.0, 0.62
MOVES = 0.05  # standard deviation from which a curve is compared
SHAPE_SD, ALBEDO_SD = 0.8, 0.7
_TURN_FRAMES = 14  # of each curve when they go in turn
_UNSEEN = ("cheekPuff", "tongueOut")  # points on the skin can't tell: the fit leaves them at rest


def main() -> None:
    parser = argparse.ArgumentParser(description="Do ARKit curves come back from a character?")
    parser.add_argument("take", type=Path, help="a take on the default head")
    parser.add_argument("--seeds", type=int, default=2, help="how many characters")
    parser.add_argument("--each", action="store_true", help="each curve in turn, to its full value")
    parser.add_argument("--folder", type=Path, default=Path("out"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    take = Take.load(options.take)
    played = each_in_turn(take) if options.each else curves_of(take)
    table = []
    for seed in range(options.seeds):
        clip = options.folder / f"character_{seed}.mp4"
        film(played, round(take.fps), seed, clip)
        out = clip.with_suffix(".take.npz")
        found = capture(clip, out, load_head(), CaptureOptions(detail="off", focal=FOCAL), Report())
        table.append(correlations(played, curves_of(found.take)))
    print(f"{'curve':22}" + "".join(f"{f'#{seed}':>7}" for seed in range(options.seeds)))
    for k, name in enumerate(ARKIT_NAMES):
        if played.values[:, k].std() > MOVES:
            print(f"{name:22}" + "".join(f"{row[k]:7.2f}" for row in table))
    print(f"{'median':22}" + "".join(f"{np.nanmedian(row):7.2f}" for row in table))


def each_in_turn(take: Take) -> Curves:
    """Every seen curve up, held and down again, both sides together; the head moves as the take's.

    Eyes look the same way. Lips can only be shut against an open jaw: mouthClose goes with jawOpen,
    both to a half.
    """
    bump = np.interp(np.arange(_TURN_FRAMES), [0, 4, 8, 12, _TURN_FRAMES], [0, 1, 1, 0, 0])
    turns = {_turn_of(name): {} for name in ARKIT_NAMES if name not in _UNSEEN}
    for name in ARKIT_NAMES:
        turns.get(_turn_of(name), {})[name] = 1.0
    turns["mouthClose"] = {"mouthClose": 0.5, "jawOpen": 0.5}
    values = np.zeros((len(turns) * _TURN_FRAMES, len(ARKIT_NAMES)))
    for k, curves in enumerate(turns.values()):
        for name, value in curves.items():
            rows = slice(k * _TURN_FRAMES, (k + 1) * _TURN_FRAMES)
            values[rows, ARKIT_NAMES.index(name)] = value * bump
    there = np.concatenate([np.arange(take.frame_count), np.arange(take.frame_count)[::-1]])
    head = yaw_pitch_roll(take.head_pose[np.resize(there, len(values))])
    still = np.zeros((len(values), 3))
    return Curves(np.arange(len(values)) / take.fps, values, head, still, still, take.fps)


def _turn_of(name: str) -> str:
    """What the curves that go together have in common."""
    if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return name
    if name.startswith(("eyeLookIn", "eyeLookOut")):
        return "right" if name in ("eyeLookInLeft", "eyeLookOutRight") else "left"
    return name.removesuffix("Left").removesuffix("Right")


def film(curves: Curves, fps: int, seed: int, path: Path) -> None:
    """The curves on a person of their own, as a film."""
    head, albedo = Head(load_head()), load_albedo(locate("albedo_default"))
    generator = np.random.default_rng(100 + seed)
    shape = generator.normal(0, SHAPE_SD, head.file.shape_basis.shape[2])
    colours = generator.normal(0, ALBEDO_SD, len(albedo.names))
    sitter = Sitter(head, shape, albedo.texture(colours))
    expression, jaw, eyes = units_of(curves, head.file.expression_names)
    params = FaceParams.neutral(head, len(expression), FOCAL, DISTANCE_M).replace(
        shape=shape, expression=expression, jaw=jaw, eyes=eyes, head_pose=axis_angle_of(curves.head)
    )
    shots = (
        draw(sitter, head.camera_frame(params, t, sitter.rest), FOCAL, SIZE)
        for t in range(len(params))
    )
    write_film(path, map(before_backdrop, shots), fps, quality={"crf": "16"})


def correlations(played: Curves, found: Curves) -> np.ndarray:
    """Pearson's correlation of each curve, (52,); NaN where it hardly moves."""
    count = min(len(played.times), len(found.times))
    a, b = played.values[:count], found.values[:count]
    a, b = a - a.mean(0), b - b.mean(0)
    size = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    moves = played.values.std(0) > MOVES
    return np.where(moves, (a * b).sum(0) / np.maximum(size, 1e-9), np.nan)


if __name__ == "__main__":
    main()
