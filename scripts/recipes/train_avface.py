"""Train AVFace's stages one after the other, and SPECTRE: the exact commands.

    python scripts/recipes/train_avface.py RUNS --small             one CPU, a few hours
    python scripts/recipes/train_avface.py RUNS --full --gpus 4     as published, on GPUs
    python scripts/recipes/train_avface.py RUNS --full --videos VIDEOS      with talking videos

Synthetic performers are drawn as they are needed. VIDEOS is any folder of talking videos; it is
prepared once (`python -m engine train prepare`). A stage begins when the one before has finished,
and goes on where it stopped, so the same line may be called again and again: `--minutes` is the
longest that a stage takes in one call. Ends with a table of the figures; the weights are
RUNS/STAGE/best.safetensors, the curves RUNS/STAGE/curves.png.
`--print` only shows the commands.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
# Steps of each stage. (open) The paper gives none; small is what a CPU does in a night.
_SMALL = {"coarse": 12_000, "expression": 6_000, "occluded": 2_000, "lip_refinement": 2_000,
          "fine": 4_000, "spectre": 6_000}  # fmt: skip
_FULL = {"coarse": 200_000, "expression": 60_000, "occluded": 10_000, "lip_refinement": 20_000,
         "fine": 60_000, "spectre": 100_000}  # fmt: skip
_BATCH = {"small": {"spectre": 1},
          "full": {"coarse": 8, "expression": 16, "occluded": 8, "lip_refinement": 8, "fine": 8,
                   "spectre": 1}}  # fmt: skip


def commands(found: argparse.Namespace) -> dict[str, list[str]]:
    """Each stage's command, in order."""
    config, steps = ("full", _FULL) if found.full else ("small", _SMALL)
    runner = [sys.executable]
    if found.gpus > 1:
        runner += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={found.gpus}"]
    prepared = found.folder / "videos"
    out = {}
    if found.videos:
        out["prepare"] = [sys.executable, "-m", "engine", "train", "prepare", str(found.videos),
                          "--out", str(prepared)]  # fmt: skip

    def best(stage: str) -> str:
        return str(found.folder / stage / "best.safetensors")

    starts = {
        "coarse": [], "expression": ["--start-from", best("coarse")],
        "occluded": ["--start-from", best("expression")],
        "lip_refinement": ["--coarse", best("occluded")], "fine": ["--coarse", best("occluded")],
        "spectre": ["--coarse", best("occluded")],
    }  # fmt: skip
    for stage, start in starts.items():
        line = [*runner, "-m", "engine", "train", stage, "--config", config, "--folder",
                str(found.folder / stage), "--steps", str(steps[stage]), *start]  # fmt: skip
        line += ["--batch", str(_BATCH[config].get(stage, 4))]
        line += ["--videos", str(prepared)] if found.videos else []
        line += ["--precision", "bf16", "--prefetch", "4"] if found.full else ["--lr", "3e-4"]
        line += ["--pause-after", str(60 * found.minutes)] if found.minutes else []
        if stage == "coarse" and not found.full:
            line += ["--difficulty", "0.5"]  # (open) easy first: small motions are learnt sooner
        out[stage] = line
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description="Train AVFace's stages.")
    parser.add_argument("folder", type=Path, help="of all runs")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--small", action="store_true", help="lite networks, on a CPU")
    size.add_argument("--full", action="store_true", help="the published networks, on GPUs")
    parser.add_argument("--videos", type=Path, help="a folder of talking videos")
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="of each stage in this call")
    parser.add_argument("--only", nargs="*", help="these stages")
    parser.add_argument("--print", action="store_true", dest="only_print", help="run nothing")
    found = parser.parse_args()
    chosen = {k: v for k, v in commands(found).items() if not found.only or k in found.only}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    begun = []
    for stage, line in chosen.items():
        print(shlex.join(line), flush=True)
        if found.only_print:
            continue
        if subprocess.run(line, cwd=ROOT, env=environment).returncode:
            return 1
        if stage != "prepare":
            begun.append(stage)
            if not _has_finished(found.folder / stage):
                print(f"{stage} has not finished: the same line goes on.")
                break
    if begun:
        _print_figures(found.folder, begun)
    return 0


def _has_finished(run: Path) -> bool:
    from engine.training.checkpoint import read_log

    return any(line["kind"] == "end" and line["finished"] for line in read_log(run)[-1:])


def _print_figures(folder: Path, stages: list[str]) -> None:
    from engine.training.checkpoint import read_log
    from engine.training.curves import draw_curves

    for stage in stages:
        draw_curves(folder / stage, folder / stage / "curves.png")
        lines = [line for line in read_log(folder / stage) if line["kind"] == "evaluate"]
        for line in lines[-1:]:
            figures = "  ".join(f"{name} {value:.4g}" for name, value in line["figures"].items())
            print(f"{stage:12}step {line['step']:7}  {figures}")


if __name__ == "__main__":
    sys.exit(main())
