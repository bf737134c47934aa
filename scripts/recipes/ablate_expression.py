"""The rows of AVFace's tables 1, 2 and 3 on performers, on the shared trunk.

    .venv/engine/bin/python scripts/recipes/ablate_expression.py SCRATCH --steps 1500

SCRATCH is the folder of train_avface_lite.py, whose shards and whose E_c every row shares. Each row
is trained for the same number of steps (those of both senses the first half by sound alone),
resumes, and ends in the table: people and voices that no training has met, pictures by our
renderer. wav2vec 2.0 and DeepSpeech need models of the user's and are not among the rows.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

KEYS = (
    "nme", "auc", "nme_lips", "nme_covered", "lips_covered", "lips_mm", "lips_mm_covered", "r_gap",
    "r_gap_covered",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the rows of AVFace's tables.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1500, help="of each row")
    parser.add_argument("--only", nargs="*", help="these tables")
    parser.add_argument("--seed", type=int, default=0)
    found = parser.parse_args()

    import torch
    from train_avface_lite import last_weights, load_shards

    from engine.training.ablation import ROWS, Row, by_sound_first, row_loop, row_task
    from engine.training.loop import train

    torch.set_num_threads(1)
    coarse, heard = last_weights(found.folder / "coarse"), {}
    trained, table = {}, {}

    def run(row: Row, steps: int, begin: dict | None) -> dict:
        torch.manual_seed(found.seed)
        data, test = heard[row.sound]
        task = row_task(row, data, test, coarse)
        if begin:
            task.model.load_state_dict(begin)
        name = row.name.replace(" ", "_").replace("+", "and").replace(",", "")
        folder = found.folder / "rows" / name
        figures = train(task, row_loop(folder, steps, found.seed), print)["figures"]
        trained[row.name] = last_weights(folder)
        return figures

    for title, rows in ROWS.items():
        if found.only and title not in found.only:
            continue
        for row in rows:
            if row.sound not in heard:
                heard = {row.sound: load_shards(found.folder, row.sound)}
            key = f"{row.options}{row.sound}{row.begins_with}"
            if key not in table:  # the whole system is a row of two tables
                steps, begin = found.steps, trained.get(row.begins_with)
                first = by_sound_first(row)
                if first:
                    steps //= 2
                    if first.name not in trained:
                        run(first, steps, None)
                    begin = trained[first.name]
                table[key] = run(row, steps, begin)
            show(f"{title}: {row.name}", table[key])
    path = found.folder / "rows" / "table.json"
    path.write_text(json.dumps(table, indent=1), encoding="utf-8")


def show(name: str, figures: dict[str, float]) -> None:
    """One line of the table."""
    told = "  ".join(f"{key} {figures.get(key, float('nan')):.3f}" for key in KEYS)
    print(f"{name:44}{told}", flush=True)


if __name__ == "__main__":
    main()
