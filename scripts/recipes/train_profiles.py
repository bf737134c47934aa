"""Train the landmark network's last layers for faces seen from the side, on drawn performers.

    python scripts/recipes/train_profiles.py --folder runs/profiles

In the engine's environment, a quarter of an hour of one core. Goes on where it stopped. Needs the
landmark network, whose other layers stay; prints the figures on held-out people and leaves
`profiles.safetensors` (half precision) in the folder.
"""

import argparse
from pathlib import Path

from recipe import leave, say

SIZE, HELD_SEED, HELD_PICTURES = 112, 991, 800
DRAWN = ((501, 9000), (502, 9000))  # seed, pictures


def main() -> None:
    """Draw, train, save, tell."""
    parser = argparse.ArgumentParser(description="Train the landmark network on profiles.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=5000)
    options = parser.parse_args()

    import torch

    from engine.models.landmarks import PROFILE, LandmarkNet
    from engine.training.loop import LoopOptions, train
    from engine.training.people.ring import Ring, RingOptions, fill_ring, open_ring
    from engine.training.profiles import ProfileTask, see_profiles
    from engine.weights import load_network, registry

    def drawn(name: str, seed: int, count: int) -> Ring:
        folder = options.folder / name
        fill_ring(folder, RingOptions(count, SIZE, seed, 1.0, 0, from_side=True), count)
        return open_ring(folder)

    held = drawn("held", HELD_SEED, HELD_PICTURES)
    rings = [drawn(f"ring{seed}", seed, count) for seed, count in DRAWN]
    torch.manual_seed(0)
    torch.set_num_threads(1 if not torch.cuda.is_available() else torch.get_num_threads())
    model = LandmarkNet().eval()
    model.load_state_dict(load_network("landmarks")[0])
    task = ProfileTask(model, see_profiles(rings, model, 7), see_profiles([held], model, None))
    say(task.evaluate(model))
    loop = LoopOptions(
        options.folder, options.steps, lr=1e-3, warmup=100, optimizer="adamw", weight_decay=0.02,
        ema=0.998,
    )  # fmt: skip
    result = train(task, loop, say)
    about = {"landmarks": registry()["landmarks"]["sha256"]}
    leave("profiles", options.folder, about, result["figures"], part=PROFILE)


if __name__ == "__main__":
    main()
