"""The rows of the paper's tables 1 to 3: what sound, dropout, time and covered faces bring.

Every row is the expression branch on the shared trunk, trained alike on the same windows of
performers who speak, E_c the same for all. Rows of both senses hear before they see, as what is
shipped does: beside a picture that says it better, sound is not learnt.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from ..audio.features import Kind
from ..models.config import SHARED
from .described import Described
from .loop import LoopOptions
from .shared import SharedOptions, SharedTask

MEL_BANDS = 80


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    name: str
    options: SharedOptions
    sound: Kind = "phones"
    begins_with: str = ""  # the row whose weights it is trained on from


_FULL = SharedOptions()
_AV = replace(_FULL, drops=False, looks_around=False)
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
    ),
    "table 3": (
        Row("no covered faces", replace(_FULL, covers=False)),
        Row("+ covered faces", _FULL, begins_with="no covered faces"),
    ),
}  # fmt: skip


def by_sound_first(row: Row) -> Row | None:
    """The row by sound alone whose weights a row begins with; None where it begins otherwise."""
    if row.options.senses != "both" or row.begins_with:
        return None
    alone = replace(row.options, senses="audio", drops=False)
    name = "sound" + ", temporal" * alone.looks_around + ", no covers" * (not alone.covers)
    return Row(f"{name}, {row.sound}", alone, row.sound)


def row_task(
    row: Row, train: Described, test: Described, coarse: dict[str, Tensor], batch: int = 32
) -> SharedTask:
    """A row's task; `coarse` are the tensors of a stage whose E_c has learnt."""
    channels = train.sound.shape[-1]
    config = replace(SHARED, audio_channels=channels)
    task = SharedTask(train, test, replace(row.options, batch=batch), config)
    own = {k.removeprefix("coarse."): v for k, v in coarse.items() if k.startswith("coarse.")}
    task.stage.coarse.load_state_dict(own)
    return task


def row_loop(folder: Path, steps: int, seed: int = 0) -> LoopOptions:
    """How every row is trained."""
    return LoopOptions(
        folder, steps=steps, lr=1e-3, warmup=100, optimizer="adamw", weight_decay=1e-2, clip=5.0,
        ema=0.995, evaluate_every=max(steps, 1), seed=seed, device="",
    )  # fmt: skip
