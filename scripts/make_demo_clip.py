"""Make the demo clip that comes with the program, and its truth.

Run it in the engine's environment: `python scripts/make_demo_clip.py`. Nothing in it was filmed:
the head is ours, the voice is flite's (apt-get install flite), the room is drawn. It writes
`weights/demo/demo.mp4`, and beside it `demo.truth.npz`: the performance as a take, with what is
spoken when under `made_by`, so that a capture of the clip can be compared with what was played.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from default_head.write import update_registry  # noqa: E402
from demo_clip.acting import act  # noqa: E402
from demo_clip.scene import FOCAL, SIZE, build_room, film  # noqa: E402
from demo_clip.speech import speak  # noqa: E402
from demo_clip.wardrobe import grow_hair, knit  # noqa: E402

from engine.detail.complexion import person_texture  # noqa: E402
from engine.exchange.head_file import file_sha256  # noqa: E402
from engine.exchange.take import REGIONS, Take  # noqa: E402
from engine.head.model import FaceParams, Head  # noqa: E402
from engine.media.writing import write_film  # noqa: E402
from engine.preview.sitter import Sitter  # noqa: E402
from engine.weights import load_head  # noqa: E402

TEXT = "Hello! My name is Ava. Bob bought five very big maps, and we whisper so softly. Have fun!"
FPS, SECONDS, SILENCE, SMILE_AFTER = 25, 7.6, 0.35, 0.1  # s
DISTANCE_M, HEAD_HEIGHT_M = 0.78, 0.012
QUALITY = {"crf": "20", "preset": "slow"}  # of x264
SEED = 5  # the person, the room and the noise


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the demo clip.")
    parser.add_argument("--out", type=Path, default=ROOT / "weights" / "demo" / "demo.mp4")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(options.seed)
    file = load_head()
    speech = speak(TEXT, stretch=1.05).after(SILENCE, SECONDS)
    spoken = max(end for name, _, end in speech.phonemes if name != "SIL")
    times = np.arange(round(SECONDS * FPS)) / FPS
    shape, albedo = cast(file.face_columns, generator)
    smile_from = spoken + SMILE_AFTER
    params = act(Head(file), shape, speech.phonemes, times, smile_from)
    params = params.replace(
        albedo=albedo,
        focal=FOCAL,
        head_translation=params.head_translation + np.array([0, HEAD_HEIGHT_M, -DISTANCE_M]),
    )
    haired, texture, hair = grow_hair(file, person_texture(Head(file), albedo, 2048), generator)
    sitter = Sitter(Head(haired), shape, texture)
    jumper = knit(sitter.rest[0][file.masks["boundary"]], generator)
    pictures = film(sitter, hair, jumper, params, times, build_room(generator), generator)
    write_film(options.out, pictures, FPS, speech.samples, speech.rate, QUALITY)
    truth = options.out.with_name("demo.truth.npz")
    played = {"text": TEXT, "phonemes": speech.phonemes, "smile_from": smile_from}
    as_take(file, params, times, played, options.out).save(truth)
    registry = ROOT / "weights" / "registry.toml"
    if options.out.parent.parent == registry.parent:
        update_registry(registry, "demo_clip", options.out)
        update_registry(registry, "demo_truth", truth)
    print(
        f"{options.out}: {options.out.stat().st_size / 2**20:.2f} MiB, speech ends {spoken:.2f} s"
    )


def cast(count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A plausible person: shape (count,) and albedo (50,)."""
    return 0.5 * generator.normal(size=count), 0.6 * generator.normal(size=50)


def as_take(file, params: FaceParams, times: np.ndarray, played: dict, clip: Path) -> Take:
    """What was played, as a take of the default head."""
    head, count = Head(file), len(times)
    rest = head.rest(params.shape)
    marks = np.stack([head.landmarks_px(params, t, SIZE, rest) for t in range(count)])
    return Take(
        times=times, shape=params.shape, albedo=params.albedo,
        expression=params.expression.astype(np.float32), head_pose=params.head_pose,
        head_translation=params.head_translation, jaw=params.jaw, eyes=params.eyes,
        light=params.light, landmarks_px=marks.astype(np.float32), found=np.ones(count, bool),
        confidence=np.ones((count, len(REGIONS)), np.float32),
        trust_sound=np.zeros(count, np.float32), focal=FOCAL, size=SIZE, fps=float(FPS),
        expression_names=file.expression_names,
        head={"name": file.name, "sha256": file.sha256},
        source={"path": clip.name, "sha256": file_sha256(clip)},
        made_by=played,
        actor="Ava",
    )  # fmt: skip


if __name__ == "__main__":
    main()
