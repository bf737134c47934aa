"""Other trackers' landmarks beside real clips: what captures of them are held against.

A folder holds clips, and `referees/CLIP__TRACKER68.npy` (T, 68, 2) pixels for `ghost` and `pfld`
(mouth, eyes, brows) and `3ddfa` (jaw), with `CLIP__3ddfa_rotation.npy` (T, 3, 3) for the head's
turn.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError

REFEREES = ("ghost", "pfld", "3ddfa")
# Who judges which of `metrics.SIGNALS`.
JUDGE = {"gap": "ghost", "width": "ghost", "jaw": "3ddfa", "eye": "ghost", "brow": "ghost"}


def judged_clips(folder: Path) -> list[Path]:
    """The folder's clips that a referee has seen, by name. Raises AVFaceError without any."""
    clips = [path for path in sorted(folder.iterdir()) if path.is_file() and is_judged(path)]
    if not clips:
        raise AVFaceError(
            f"{folder} holds no clip with referees.",
            "Put landmarks of other trackers in its folder referees/ (CLIP__ghost68.npy ...).",
        )
    return clips


def is_judged(clip: Path) -> bool:
    """Whether the first referee has seen a clip."""
    return _path(clip, "ghost").is_file()


def referee_landmarks(clip: Path, referees: Collection[str] = REFEREES) -> dict[str, np.ndarray]:
    """What each of them that has seen a clip says: (T, 68, 2) px."""
    paths = {who: _path(clip, who) for who in REFEREES if who in referees}
    return {who: np.load(path).astype(float) for who, path in paths.items() if path.is_file()}


def referee_turn(clip: Path) -> np.ndarray | None:
    """How the head is turned, (T, 3, 3), by the one that says so."""
    path = clip.parent / "referees" / f"{clip.stem}__3ddfa_rotation.npy"
    return np.load(path) if path.is_file() else None


def _path(clip: Path, who: str) -> Path:
    return clip.parent / "referees" / f"{clip.stem}__{who}68.npy"
