"""The paper's tables for what runs here: on films with truth, and on real clips with referees.

Published figures stand below ours, on other data: to be read beside them, never compared digit by
digit.
"""

import tempfile
from pathlib import Path

from ..exchange.protocol import AVFaceError
from ..progress import Report
from ..training.ablation import read_rows
from ..version import product_commit, product_version
from .known_films import film_table
from .lip_table import LipTable
from .published import published_rows
from .real_clips import clip_table
from .testset import SEED, make_testset, read_testset


def print_tables(
    report: Report,
    synthetic: int = 4,
    testset: Path | None = None,
    clips: Path | None = None,
    lip_reader: Path | None = None,
    rows: Path | None = None,
) -> tuple[str, dict]:
    """All tables as text, and their figures.

    Args:
        report: Progress.
        synthetic: Films to make (unless there) in `testset`, or in a temporary folder.
        testset: A folder of films with truth, such as Blender's; what is there is used too.
        clips: A folder of real clips with `referees/`.
        lip_reader: A network of the user's that reads them (`lip_table.LipTable`).
        rows: What `scripts/recipes/ablate_expression.py` has trained and measured.

    Raises:
        AVFaceError: Something that is named isn't there, or holds nothing to measure.
    """
    if synthetic < 0:
        raise AVFaceError(f"--synthetic can't be {synthetic}.", "Give 0 or more.")
    if clips and not clips.is_dir():
        raise AVFaceError(f"There is no folder at {clips}.", "Correct --clips.")
    if lip_reader and not clips:
        raise AVFaceError("--lip-reader reads lips of --clips, and none are named.", "Name them.")
    trained = read_rows(rows) if rows else None
    lines = [f"AVFace {product_version()}, commit {product_commit()}, test set seed {SEED}"]
    figures: dict = {"commit": product_commit(), "seed": SEED}
    if synthetic or testset:
        text, figures["synthetic"] = _films(synthetic, testset, report)
        lines += ["", *text]
    if clips:
        lips = LipTable(lip_reader)
        text, figures["clips"] = clip_table(clips, lips, report.part("clips", 0.6, 0.4))
        lines += ["", *text]
        text, figures["lips"] = lips.table()
        lines += ["", *text]
    if trained:
        text, figures["rows"] = trained
        lines += ["", *text]
    return "\n".join([*lines, "", *published_rows()]), figures


def _films(synthetic: int, kept: Path | None, report: Report) -> tuple[list[str], dict[str, dict]]:
    """The table of films with truth; those that are made go to `kept`, if anywhere."""
    with tempfile.TemporaryDirectory(prefix="avface-testset-") as temporary:
        folder = kept or Path(temporary)
        if synthetic:
            make_testset(folder, synthetic, report.part("test set", 0, 0.2))
        return film_table(read_testset(folder), report.part("films", 0.2, 0.4))
