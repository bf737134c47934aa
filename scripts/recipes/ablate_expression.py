"""The rows of AVFace's tables 1, 2 and 3 on performers, on the shared trunk.

    .venv/engine/bin/python scripts/recipes/ablate_expression.py SCRATCH --steps 800 --seeds 3

SCRATCH is the folder of train_avface_lite.py, whose shards and whose E_c every row shares. Nothing
is drawn or looked at: rows learn from what the trunk read, so each is trained anew for several
seeds, always for the same number of steps (those of both senses the first half by sound alone). It
resumes. The table gives millimetres of lip points of people and voices that no training has met,
with 95 % intervals over seeds and people: mouth seen, mouth covered, and picture lost for a third
of a second; below each row what it differs by from the row above. `--deepspeech FILE` and
`--wav2vec2 FOLDER` are models of yours: table 2 has a row for each then. wav2vec 2.0 is wide (768
numbers a step where phones are 29): 25 kB a frame and take of the shards, all held in memory.
"""

import argparse
from pathlib import Path

from recipe import say


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the rows of AVFace's tables.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=800, help="of each row")
    parser.add_argument("--batch", type=int, default=16, help="windows of a step")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="these tables")
    parser.add_argument("--deepspeech", type=Path, help="output_graph.pb, .pb or .pbmm of yours")
    parser.add_argument("--wav2vec2", type=Path, help="folder with config.json, model.safetensors")
    found = parser.parse_args()

    import numpy as np
    import torch
    from train_avface_lite import load_shards

    from engine.training.ablation import read_rows, rows_with, write_rows
    from engine.training.checkpoint import last_weights

    torch.set_num_threads(1)
    models = {"deepspeech": found.deepspeech, "wav2vec2": found.wav2vec2}
    tables = rows_with({kind for kind, path in models.items() if path}, found.only)
    coarse, errors = last_weights(found.folder / "coarse"), {}
    for sound in sorted({row.sound for rows in tables.values() for row in rows}):
        data = load_shards(found.folder, sound, models.get(sound))
        for seed in range(found.seeds):
            trainer = Trainer(found.folder / "rows", data, coarse, found.batch, seed)
            for row in (row for rows in tables.values() for row in rows if row.sound == sound):
                lips = trainer.lips(row, found.steps)
                errors.setdefault(row.name, []).append(lips)
                told = "  ".join(
                    f"{case} {np.nanmean(lips[case]):.3f}" for case in ("seen", "lost")
                )
                say(f"seed {seed}  {row.name:40}{told}")
    path = found.folder / "rows" / "table.json"
    write_rows(path, errors, found.steps, found.batch)
    print("\n".join(["", *read_rows(path)[0]]))


class Trainer:
    """Trains rows on the same data with the same seed; what two rows share is trained once."""

    def __init__(self, folder: Path, data: tuple, coarse: dict, batch: int, seed: int) -> None:
        self.folder, self.data, self.coarse = folder, data, coarse
        self.batch, self.seed = batch, seed
        self.linear, self.trained = {}, {}

    def lips(self, row, steps: int) -> dict:
        """`lips_of_clips` of a row after so many steps."""
        from engine.training.ablation import lips_of_clips

        weights = self._train(row, steps)
        task = self._task(row)
        task.stage.load_state_dict(weights)
        return lips_of_clips(task, task.stage.eval())

    def _train(self, row, steps: int) -> dict:
        from engine.training.ablation import by_sound_first, row_loop
        from engine.training.checkpoint import last_weights
        from engine.training.loop import train

        key = f"{row.options}{row.sound}{row.begins_with}{steps}"
        if key in self.trained:
            return self.trained[key]
        own, first, begin = steps, by_sound_first(row), None
        if first:
            own = steps - steps // 2
            begin = self._train(first, steps // 2)
        elif row.begins_with:
            begin = self.trained[row.begins_with]
        import torch

        torch.manual_seed(self.seed)
        task = self._task(row)
        if begin:
            task.model.load_state_dict(begin)
        name = row.name.replace(" ", "_").replace("+", "and").replace(",", "")
        folder = self.folder / f"{name}_{row.sound}_{steps}_{self.seed}"
        train(task, row_loop(folder, own, self.seed), print)
        self.trained[key] = self.trained[row.name] = last_weights(folder)
        return self.trained[key]

    def _task(self, row):
        """Rows begin at the same linear answer to what they may see."""
        from engine.training.ablation import row_task

        kind = row.options.covers
        data, test = self.data
        task = row_task(row, data, test, self.coarse, self.batch, self.linear.get(kind))
        if kind not in self.linear:
            self.linear[kind] = {k: v.clone() for k, v in task.model.state_dict().items()}
        return task


if __name__ == "__main__":
    main()
