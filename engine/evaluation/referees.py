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
    return {who: _load(path, (68, 2)) for who, path in paths.items() if path.is_file()}


def referee_turn(clip: Path) -> np.ndarray | None:
    """How the head is turned, (T, 3, 3), by the one that says so."""
    path = clip.parent / "referees" / f"{clip.stem}__3ddfa_rotation.npy"
    return _load(path, (3, 3)) if path.is_file() else None


def _load(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """(T, *shape) float. Raises AVFaceError."""
    try:
        values = np.load(path, allow_pickle=False).astype(float)
        if values.shape[1:] != shape:
            raise ValueError(f"its shape is {values.shape}")
    except (OSError, EOFError, ValueError, AttributeError) as error:
        raise AVFaceError(
            f"{path} holds no {shape[0]} x {shape[1]} numbers a frame ({error}).",
            "Write it once more as a .npy file.",
        ) from error
    return values


def _path(clip: Path, who: str) -> Path:
    return clip.parent / "referees" / f"{clip.stem}__{who}68.npy"
