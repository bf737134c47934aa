"""Train the small lip reader on mouths of synthetic performers: one core, half an hour.

    .venv/engine/bin/python scripts/recipes/train_viseme_reader.py SCRATCH --draw 12 --train 16

Speaks a corpus (Debian packages: see train_phones.py), films and draws performers who say it, then
trains and leaves SCRATCH/lipreader.safetensors (half precision) with a table of figures on people
and voices that no training has met. Called again, it goes on where it stopped. Begun at earlier
weights (`--start-from`), it may keep to half of the way from them (`--reach 0.5`): such weights
know performers a little less and real faces better (Wortsman et al. 2022). More steps are no
better: the longer it learns, the better it reads performers and the worse people (docs/log.md).
"""

import argparse
import sys
import time
from pathlib import Path

from recipe import say

TEST_SHARDS = 4
_MOST_SHARDS = 10_000


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the small lip reader.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draw", type=float, default=12, help="minutes of drawing")
    parser.add_argument("--train", type=float, default=16, help="minutes of training")
    parser.add_argument("--steps", type=int, help="of training; default as many as fit in --train")
    parser.add_argument("--speech", type=float, default=24, help="minutes of the corpus")
    parser.add_argument("--start-from", type=Path, help="weights to begin with, as far as they fit")
    parser.add_argument("--reach", type=float, default=1.0, help="how far from --start-from to go")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    """Draw, train, save, tell."""
    options = read_options()

    import cv2
    import torch
    from safetensors.torch import load_file

    from engine.models.lipreader import LipReader, LipReaderConfig
    from engine.training.checkpoint import last_weights, save_tensors
    from engine.training.lipreader import LipReaderTask
    from engine.training.loop import LoopOptions, train
    from engine.training.mouth_clips import MouthClips
    from engine.training.sights import shard_paths
    from engine.weights import default_head_sha256

    cv2.setNumThreads(1)
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    draw(options.folder, options.speech, options.draw)
    clips, held = (
        MouthClips.read(shard_paths(options.folder, f"mouths_{part}")) for part in ("train", "test")
    )
    say(f"{len(clips.visemes)} clips of {clips.visemes.shape[1]} frames, {len(held.visemes)} held")
    torch.manual_seed(options.seed)
    reader = LipReader(LipReaderConfig(shapes=clips.shapes.shape[-1]))
    own, given = reader.state_dict(), load_file(options.start_from) if options.start_from else {}
    start = {name: value for name, value in given.items() if value.shape == own[name].shape}
    reader.load_state_dict(start, strict=False)
    loop = LoopOptions(
        options.folder / "lipreader", steps=options.steps, seconds=60 * options.train,
        lr=options.lr, schedule="constant", warmup=50, optimizer="adamw", weight_decay=0.05,
        clip=5.0, ema=0.998, evaluate_every=200, seed=options.seed, precision="bf16",
    )  # fmt: skip
    task = LipReaderTask(reader, clips, held)
    train(task, loop, say)
    tensors = last_weights(loop.folder)
    for name, value in start.items():
        if value.is_floating_point():
            tensors[name] = value.float().lerp(tensors[name], options.reach)
    tensors["last.bias"] -= task.weights.log()  # as common as they are in speech
    reader.load_state_dict(tensors)
    figures = task.evaluate(reader.eval())
    path = options.folder / "lipreader.safetensors"
    about = reader.config.metadata() | {"head": default_head_sha256()}
    save_tensors(tensors, path, about, half=True)
    say(f"{path}: {path.stat().st_size} bytes")
    for name, value in figures.items():
        print(f"{name:16}{value:9.3f}")
    return 0


def draw(folder: Path, speech: float, minutes: float) -> None:
    """Shards of training until the minutes are over; those for testing first."""
    from engine.training.mouth_clips import MouthFilmer
    from engine.training.sights import TEST_SEED, shard_path, speak_corpus

    folder.mkdir(parents=True, exist_ok=True)
    stop = time.time() + 60 * minutes
    for part, seed, count in (("test", TEST_SEED, TEST_SHARDS), ("train", 0, _MOST_SHARDS)):
        filmer = MouthFilmer(speak_corpus(folder, speech, part == "test", say), seed)
        for number in range(count):
            path = shard_path(folder, f"mouths_{part}", number)
            if path.is_file():
                continue
            if number and time.time() > stop:
                break
            filmer.shard(number).write(path)
            say(path.name)


if __name__ == "__main__":
    sys.exit(main())
