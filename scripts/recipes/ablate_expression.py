"""Table 1 in small on a CPU: rows of the expression branch, landmarks standing in for pixels.

    python scripts/recipes/ablate_expression.py --folder RUNS --steps 5000

Each row is trained for the same number of steps, resumes, and ends in the table.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from engine.training.ablation import ROWS, AblationTask
from engine.training.loop import LoopOptions, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500, help="of each row")
    parser.add_argument("--seconds", type=float, help="of each row at most")
    parser.add_argument("--only", type=int, nargs="*", help="these rows, from 0")
    parser.add_argument("--seed", type=int, default=0)
    found = parser.parse_args()
    torch.set_num_threads(1)
    rows = {}
    for row in ROWS if found.only is None else [ROWS[k] for k in found.only]:
        torch.manual_seed(found.seed)
        name = row.name.replace(" ", "_").replace("+", "and")
        options = LoopOptions(
            found.folder / name, steps=found.steps, seconds=found.seconds, lr=1e-3, warmup=50,
            optimizer="adamw", weight_decay=1e-2, ema=0.99, evaluate_every=500, seed=found.seed,
        )  # fmt: skip
        result = train(AblationTask(row), options, print)
        rows[row.name] = result["figures"] | {"steps": result["step"]}
    path = found.folder / "table.json"
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    keys = ("nme", "auc", "nme_lips", "nme_covered", "lips_covered", "steps")
    print(f"{'':34}" + "".join(f"{key:>14}" for key in keys))
    for name, figures in rows.items():
        print(f"{name:34}" + "".join(f"{figures[key]:14.3f}" for key in keys))


if __name__ == "__main__":
    main()
