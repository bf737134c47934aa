"""Train AVFace's encoders on the shared trunk: one processor core, about an hour and a half.

    .venv/engine/bin/python scripts/recipes/train_avface_lite.py SCRATCH --draw 50 --train 30

Speaks a corpus (Debian packages: see train_phones.py), draws performers who say it, keeps what the
landmark network sees of them, then trains E_c and the audio-visual expression branch and leaves
SCRATCH/avface.safetensors with a table of figures on people and voices that no training has met.
Called again, it goes on where it stopped. When the acoustic network has changed, delete the folders
sound and expression and call it with `--draw 0`: nothing more is drawn. `--drawers N` draws in N
processes; a GPU trains where there is one.
"""

import argparse
import json
import multiprocessing
import sys
import time
from pathlib import Path

from recipe import say

# Name, what learns (`SharedOptions`), share of the time, learning rate. By sound alone first:
# beside a picture that says it better, sound is not learnt.
PHASES: tuple[tuple[str, dict, float, float], ...] = (
    ("coarse", {"part": "coarse"}, 0.2, 5e-4),
    ("sound", {"senses": "audio"}, 0.2, 1.5e-3),
    ("expression", {}, 0.6, 7e-4),
)
# How far the expression branch goes from its linear start to where training ends: weights between
# the two know performers a little less and real faces better (Wortsman et al. 2022).
REACH = 0.7
TEST_SHARDS = 5
_MOST_SHARDS = 10_000


def main() -> int:
    """Draw, train, save, tell."""
    parser = argparse.ArgumentParser(description="Train AVFace's encoders on the shared trunk.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draw", type=float, default=50, help="minutes of drawing")
    parser.add_argument("--train", type=float, default=30, help="minutes of training")
    parser.add_argument("--speech", type=float, default=24, help="minutes of the corpus")
    parser.add_argument("--drawers", type=int, default=1, help="processes that draw")
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()

    import torch

    from engine.training.checkpoint import last_weights
    from engine.training.loop import LoopOptions, train
    from engine.training.shared import SharedOptions, SharedTask

    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    draw_all(options.folder, options.speech, options.draw, options.drawers)
    data, test = load_shards(options.folder)
    say(f"{data.e.shape[0]} clips of {data.e.shape[1]} frames, {test.e.shape[0]} for testing")
    state, figures = None, {}
    for name, shared, share, lr in PHASES:
        torch.manual_seed(0)
        task = SharedTask(data, test, SharedOptions(batch=options.batch, **shared), start=state)
        loop = LoopOptions(
            options.folder / name, seconds=60 * options.train * share, lr=lr, warmup=100,
            optimizer="adamw", weight_decay=1e-2, clip=5.0, ema=0.997, evaluate_every=1000,
        )  # fmt: skip
        figures = train(task, loop, say)["figures"]
        state = last_weights(options.folder / name)
    assert state is not None
    state = hold_back(last_weights(options.folder / "coarse"), state)
    save(options.folder / "avface.safetensors", state)
    say(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=1))
    return 0


def draw_all(folder: Path, speech: float, minutes: float, drawers: int) -> None:
    """Shards of training until the minutes are over; those for testing first.

    One of each there is always, however short the minutes.
    """
    from engine.training.sights import speak_corpus

    folder.mkdir(parents=True, exist_ok=True)
    for is_test in (True, False):
        speak_corpus(folder, speech, is_test, say)
    if not minutes:
        return
    stop, context = time.time() + 60 * minutes, multiprocessing.get_context("spawn")
    some = [context.Process(target=_draw, args=(str(folder), k, drawers, stop))
            for k in range(drawers)]  # fmt: skip
    for process in some:
        process.start()
    for process in some:
        process.join()


def _draw(folder: str, first: int, step: int, stop: float) -> None:
    import cv2
    import torch

    from engine.training.described import read_shard
    from engine.training.sights import TEST_SEED, draw_shard, shard_path, speak_corpus

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    jobs = [("test", 0), ("train", 0)]
    jobs += [("test", k) for k in range(1, TEST_SHARDS)]
    jobs += [("train", k) for k in range(1, _MOST_SHARDS)]
    for part, number in jobs[first::step]:
        path = shard_path(Path(folder), part, number)
        if not path.is_file():
            if number and time.time() > stop:
                return
            is_test = part == "test"
            corpus = speak_corpus(Path(folder), 0, is_test, say)
            draw_shard(corpus, TEST_SEED if is_test else 0, number).write(path)
            say(path.name)
        read_shard(path)


def load_shards(folder: Path, kind: str = "phones", model: Path | None = None):
    """What was drawn, as the networks see it: for training, for testing."""
    from engine.training.described import load_described
    from engine.training.sights import shard_paths, speak_corpus

    return tuple(
        load_described(shard_paths(folder, part), speak_corpus(folder, 0, part == "test", say),
                       kind, model)  # type: ignore[arg-type]
        for part in ("train", "test")
    )  # fmt: skip


def hold_back(start: dict, end: dict) -> dict:
    """The expression branch's weights between its start and its end; E_c's as they are."""
    return {
        name: start[name].lerp(value, REACH) if name.startswith("expression.") else value
        for name, value in end.items()
    }


def save(path: Path, state: dict) -> None:
    """The stage's tensors in half precision, with what a capture must know of them."""
    from engine.models.config import SHARED
    from engine.training.checkpoint import save_tensors
    from engine.weights import default_head_sha256, registry

    rows = registry()
    about = {"config": SHARED.to_json(), "sound": "phones", "head": default_head_sha256()}
    about |= {name: rows[name]["sha256"] for name in ("landmarks", "reader", "phones")}
    exact = ("middle", "scale")  # of the inputs
    tensors = {
        name: (value if name.endswith(exact) else value.half()).contiguous().cpu()
        for name, value in state.items()
    }
    save_tensors(tensors, path, about)
    say(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
