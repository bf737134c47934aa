"""The rows of AVFace's tables 1, 2 and 3 on performers, on the shared trunk.

    .venv/engine/bin/python scripts/recipes/ablate_expression.py SCRATCH --steps 1500

SCRATCH is the folder of train_avface_lite.py, whose shards and whose E_c every row shares. Each row
is trained for the same number of steps, resumes, and ends in the table: people and voices that no
training has met, pictures by our renderer. wav2vec 2.0 and DeepSpeech need models of the user's and
are not among the rows.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

KEYS = ("nme", "auc", "nme_lips", "nme_covered", "lips_covered", "r_gap", "r_gap_covered")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the rows of AVFace's tables.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1500, help="of each row")
    parser.add_argument("--only", nargs="*", help="these tables")
    parser.add_argument("--seed", type=int, default=0)
    found = parser.parse_args()

    import torch
    from train_avface_lite import last_weights, load_shards

    from engine.training.ablation import ROWS, row_loop, row_task
    from engine.training.loop import train

    torch.set_num_threads(1)
    coarse, heard = last_weights(found.folder / "coarse"), {}
    trained, table = {}, {}
    for title, rows in ROWS.items():
        if found.only and title not in found.only:
            continue
        for row in rows:
            if row.sound not in heard:
                heard = {row.sound: load_shards(found.folder, row.sound)}
            torch.manual_seed(found.seed)
            task = row_task(row, *heard[row.sound], coarse)
            if row.begins_with:
                task.model.load_state_dict(trained[row.begins_with])
            key = f"{row.options}{row.sound}{row.begins_with}"
            if key not in trained:  # the whole system is a row of two tables
                folder = found.folder / "rows" / row.name.replace(" ", "_").replace("+", "and")
                result = train(task, row_loop(folder, found.steps, found.seed), print)
                trained[key] = trained[row.name] = last_weights(folder)
                table[key] = result["figures"]
            show(f"{title}: {row.name}", table[key])
    path = found.folder / "rows" / "table.json"
    path.write_text(json.dumps(table, indent=1), encoding="utf-8")


def show(name: str, figures: dict[str, float]) -> None:
    """One line of the table."""
    told = "  ".join(f"{key} {figures.get(key, float('nan')):.3f}" for key in KEYS)
    print(f"{name:44}{told}", flush=True)


if __name__ == "__main__":
    main()
