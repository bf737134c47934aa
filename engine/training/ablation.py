"""The rows of the paper's tables 1 to 3: what sound, dropout, time and covered faces bring.

Every row is the expression branch on what the shared trunk has read, trained alike on the same
windows of performers who speak, E_c the same for all. Rows of both senses hear before they see, as
what is shipped does: beside a picture that says it better, sound is not learnt. Rows are ranked by
their lips on people who no training has met, each seed and each person's clip a draw: what two rows
differ by on the same clips is surer than what either does.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..audio.features import Kind
from ..exchange.protocol import AVFaceError
from ..exchange.saving import save
from ..models.config import SHARED
from ..version import product_commit
from .described import Described
from .loop import LoopOptions
from .moments import held_out_windows
from .shared import SharedOptions, SharedTask
from .system import CoarseStage

_LOST = slice(4, 12)  # frames of a window of 16
_COVERED = 0.4  # share of the lips' landmarks
_DRAWS = 2000  # of the bootstrap
CASES = ("seen", "covered", "lost")  # see `lips_of_clips`

Errors = dict[str, list[dict[str, np.ndarray]]]
"""Row -> for each seed, `lips_of_clips`."""


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    name: str
    options: SharedOptions
    sound: Kind = "phones"
    begins_with: str = ""  # the row whose weights it is trained on from


_FULL = SharedOptions()
_AV = replace(_FULL, drops=False, looks_around=False)
# Rows of features that need a model of the user's are trained where there is one.
ROWS = {
    "table 1": (
        Row("e from video", replace(_AV, senses="video")),
        Row("e from audio", replace(_AV, senses="audio")),
        Row("e from AV", _AV),
        Row("e from AV + dropout", replace(_AV, drops=True)),
        Row("e from AV + dropout + temporal", _FULL),
    ),
    "table 2": (
        Row("phones", _FULL),
        Row("mel", _FULL, "mel"),
        Row("deepspeech", _FULL, "deepspeech"),
        Row("wav2vec2", _FULL, "wav2vec2"),
    ),
    "table 3": (
        Row("no covered faces", replace(_FULL, covers=False)),
        Row("+ covered faces", _FULL, begins_with="no covered faces"),
    ),
}  # fmt: skip


def rows_with(models: Collection[str], only: Collection[str] | None = None) -> dict[str, list[Row]]:
    """Title -> rows that can be trained with the user's `models`; of the tables `only`, or all."""
    able = {"phones", "mel", *models}
    return {
        title: [row for row in rows if row.sound in able]
        for title, rows in ROWS.items()
        if not only or title in only
    }


def by_sound_first(row: Row) -> Row | None:
    """The row by sound alone whose weights a row begins with; None where it begins otherwise."""
    if row.options.senses != "both" or row.begins_with:
        return None
    alone = replace(row.options, senses="audio", drops=False)
    name = "sound" + ", temporal" * alone.looks_around + ", no covers" * (not alone.covers)
    return Row(f"{name}, {row.sound}", alone, row.sound)


def row_task(
    row: Row,
    train: Described,
    test: Described,
    coarse: dict[str, Tensor],
    batch: int,
    start: dict[str, Tensor] | None = None,
) -> SharedTask:
    """A row's task.

    Args:
        row: See there.
        train, test: Clips of people that have nothing in common.
        coarse: Tensors of a stage whose E_c has learnt.
        batch: Windows of a step.
        start: A stage to begin with; None: the best linear answer.
    """
    channels = train.sound.shape[-1]
    config = replace(SHARED, audio_channels=channels)
    task = SharedTask(train, test, replace(row.options, batch=batch), config, start)
    own = {k.removeprefix("coarse."): v for k, v in coarse.items() if k.startswith("coarse.")}
    task.stage.coarse.load_state_dict(own)
    return task


def row_loop(folder: Path, steps: int, seed: int) -> LoopOptions:
    """How every row is trained."""
    return LoopOptions(
        folder, steps=steps, lr=1e-3, warmup=100, optimizer="adamw", weight_decay=1e-2, clip=5.0,
        ema=0.99, evaluate_every=max(steps, 1), seed=seed, device="",
    )  # fmt: skip


@torch.no_grad()
def lips_of_clips(task: SharedTask, model: CoarseStage) -> dict[str, np.ndarray]:
    """Mean error of the lips in each clip whose mouth says what is heard, (C,) mm.

    `seen`: nothing is before the mouth; `covered`: something is, NaN in clips without; `lost`: the
    frames in the middle of a window have no picture at all.
    """
    test = task.test.pick(np.flatnonzero(task.test.spoken.numpy()))
    found: dict[str, list[np.ndarray]] = {"seen": [], "covered": [], "lost": []}
    for batch in held_out_windows(test, task.config.window, 1):
        whole = task.lip_errors(model, batch).numpy()
        parted = task.lip_errors(model, batch, _LOST)[:, _LOST].mean(1).numpy()
        hidden = batch.covered[..., 48:].float().mean(-1).numpy() > _COVERED
        found["seen"].append(_mean_where(whole, ~hidden))
        found["covered"].append(_mean_where(whole, hidden))
        found["lost"].append(parted)
    return {name: _by_clip(np.concatenate(v), len(test.e)) for name, v in found.items()}


def compare(better: np.ndarray, than: np.ndarray | None = None) -> tuple[float, float, float]:
    """Mean of errors (S, C) of seeds and clips, or of their differences, and its 95 % interval.

    Seeds and clips are drawn anew with repetition (bootstrap).
    """
    values = better if than is None else better - than
    values = values[:, np.isfinite(values).all(0)]
    generator = np.random.default_rng(0)
    seeds, clips = (generator.integers(n, size=(_DRAWS, n)) for n in values.shape)
    means = np.array([values[s][:, c].mean() for s, c in zip(seeds, clips, strict=True)])
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def rows_table(errors: Errors) -> list[str]:
    """Tables 1 to 3 as lines: each row's errors, and what it differs by from the row above."""
    lines = []
    for title, rows in ROWS.items():
        lines += ["", f"{title:40}" + "".join(f"{case:>24}" for case in CASES)]
        above = None
        for name in (row.name for row in rows if row.name in errors):
            own = {case: np.stack([run[case] for run in errors[name]]) for case in CASES}
            told = (compare(own[case]) for case in CASES)
            lines.append(f"{name:40}" + "".join(f"{a:10.3f} ({b:.3f}-{c:.3f})" for a, b, c in told))
            if above is not None:
                told = (compare(own[case], above[case]) for case in CASES)
                beside = "".join(f"{a:+8.3f} ({b:+.3f} {c:+.3f})" for a, b, c in told)
                lines.append(f"{'  beside the row above':40}{beside}")
            above = own
    return lines


def write_rows(path: Path, errors: Errors, steps: int, batch: int) -> None:
    """What was measured, and what made it."""
    listed = {
        name: [{case: values.tolist() for case, values in run.items()} for run in runs]
        for name, runs in errors.items()
    }
    about = {"commit": product_commit(), "steps": steps, "batch": batch}
    save(path, json.dumps(about | {"rows": listed}))


def read_rows(path: Path) -> tuple[list[str], dict]:
    """The table of `write_rows`'s file, and its figures. Raises AVFaceError."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        errors = {
            name: [{case: np.array(run[case], float) for case in CASES} for run in runs]
            for name, runs in told["rows"].items()
        }
        about = f"{told['steps']} steps of {told['batch']} windows, commit {told['commit']}"
        means = {
            name: {case: compare(np.stack([run[case] for run in runs]))[0] for case in CASES}
            for name, runs in errors.items()
        }
        table = rows_table(errors)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise AVFaceError(
            f"{path} holds no rows of AVFace's tables ({error}).",
            "Name SCRATCH/rows/table.json of scripts/recipes/ablate_expression.py.",
        ) from error
    seeds = len(next(iter(errors.values()), ()))
    lines = [
        "Rows of AVFace's tables 1 to 3, trained alike on performers: error of the lips of people",
        f"and voices that no training has met, mm (95 %). Seeds 0 to {seeds - 1}, {about}.",
        "covered: something is before the mouth; lost: no picture for a third of a second.",
    ]
    return [*lines, *table], means


def _mean_where(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Means of the last axis; NaN where there is nothing."""
    count = where.sum(-1)
    return np.where(count > 0, (values * where).sum(-1) / np.maximum(count, 1), np.nan)


def _by_clip(values: np.ndarray, clips: int) -> np.ndarray:
    """Means of each clip's windows that have a value, (C,)."""
    per = values.reshape(clips, -1)
    return _mean_where(np.nan_to_num(per), np.isfinite(per))
