"""Windows of frames for training: from synthetic performers, or from prepared videos.

Landmarks are in the crop's own units: -1 to 1 across it, x right, y down. A prepared folder
(`prepare.py`) holds for each clip NAME.npz with the arrays of `Prepared` and NAME.jpegs, the crops
one after the other.
"""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from ..exchange.protocol import AVFaceError
from ..exchange.reading import load_arrays
from ..exchange.saving import save, save_arrays
from ..exchange.take import frame_seconds

_ANEW = "Delete it and prepare the videos anew."
_HZ = 25.0  # of windows, whatever a clip's own rate
_COVERED = 0.5  # a landmark believed less is taken for covered
_TEST_SHARE = 10  # one clip in so many is kept for testing


@dataclass(frozen=True)
class Truth:
    """What a synthetic performer really does, in the head's own parameters."""

    shape: Tensor  # (B, S)
    expression: Tensor  # (B, W, E)
    jaw: Tensor  # (B, W, 3) rad
    eyes: Tensor  # (B, W, 6) rad
    pose: Tensor  # (B, W, 3) rad, of the head towards the camera


@dataclass(frozen=True)
class Windows:
    """B windows of W frames: what the networks see, and what they are judged by."""

    pictures: Tensor  # (B, W, 3, P, P) RGB in 0..1
    sound: Tensor  # (B, W, 16, C)
    landmarks: Tensor  # (B, W, 68, 2) units of the crop
    belief: Tensor  # (B, W, 68) 0..1 how far each landmark is believed
    covered: Tensor  # (B, W, 68) 1 where something is before the landmark
    truth: Truth | None = None

    def flat(self, name: str) -> Tensor:
        """A field with windows and frames as one dimension."""
        return getattr(self, name).flatten(0, 1)


Sample = dict[str, np.ndarray]
"""One window: the fields of `Windows` and, where it has truth, of `Truth`, without B.

Pictures are (W, P, P, 3) uint8.
"""


class Source(Protocol):
    """Where windows come from."""

    def draw(self, generator: np.random.Generator, frames: int) -> Sample:
        """One window of `frames` frames; the same generator gives the same window."""
        ...


@dataclass(frozen=True)
class Prepared:
    """One clip of a prepared folder; T frames."""

    times: np.ndarray  # (T,) s
    landmarks: np.ndarray  # (T, 68, 2) float32, units of the crop
    belief: np.ndarray  # (T, 68) float32
    boxes: np.ndarray  # (T, 3) px of the clip: the crop's left, top and side
    sound: np.ndarray  # (T, 16, C) float16
    offsets: np.ndarray  # (T + 1,) bytes: where each crop begins in NAME.jpegs
    runs: np.ndarray  # (R, 2) first frame and end of each stretch in which the face is followed

    def save(self, folder: Path, name: str, jpegs: bytes) -> None:
        """Write the clip's two files, each whole or not at all."""
        save(folder / f"{name}.jpegs", jpegs)
        save_arrays(folder / f"{name}.npz", vars(self))


class FolderSource:
    """Windows of a prepared folder.

    Args:
        folder: What `prepare.py` made.
        crop: P, px.
        part: `train`, or the tenth of the clips kept for `test`; decided by the clip's name.
        frames: Stretches shorter than this are left out.
    """

    def __init__(
        self, folder: Path, crop: int, part: Literal["train", "test", "all"], frames: int
    ) -> None:
        self.folder, self.crop = folder, crop
        names = [path.stem for path in sorted(folder.glob("*.npz"))]
        chosen = [name for name in names if part == "all" or _part(name) == part]
        self.names = chosen or names  # a few clips: all in both parts
        if not self.names:
            raise AVFaceError(
                f"{folder} holds no prepared clip.",
                "Prepare it: python -m engine train prepare VIDEOS --out FOLDER.",
            )
        self._clips: dict[str, Prepared] = {}
        self._frames = frames

    @cached_property
    def places(self) -> list[tuple[str, int, int]]:
        """Every stretch long enough: clip, first frame, end."""
        found = [
            (name, int(first), int(end))
            for name in self.names
            for first, end in self.clip(name).runs
            if end - first > (self._frames - 1) * self.stride(name)
        ]
        if not found:
            raise AVFaceError(
                f"No clip in {self.folder} shows a face for {self._frames} frames.",
                "Add longer clips.",
            )
        return found

    def clip(self, name: str) -> Prepared:
        """The arrays of one clip."""
        if name not in self._clips:
            path = self.folder / f"{name}.npz"
            try:
                self._clips[name] = Prepared(**load_arrays(path, "a prepared clip", _ANEW))
            except TypeError as error:  # arrays of something else
                raise AVFaceError(f"{path} is not a prepared clip.", _ANEW) from error
        return self._clips[name]

    def stride(self, name: str) -> int:
        """Frames of a clip from one frame of a window to the next: about 1 / 25 s."""
        times = self.clip(name).times
        step = frame_seconds(times, alone=1 / _HZ)
        return max(1, round(1 / _HZ / max(step, 1e-6)))

    def draw(self, generator: np.random.Generator, frames: int) -> Sample:
        """A window from a random stretch, long stretches more often."""
        lengths = np.array([end - first for _, first, end in self.places], float)
        name, first, end = self.places[generator.choice(len(lengths), p=lengths / lengths.sum())]
        reach = (frames - 1) * self.stride(name) + 1
        start = int(generator.integers(first, end - reach + 1))
        return self.window(name, start, frames)

    def window(self, name: str, start: int, frames: int) -> Sample:
        """The window of `frames` frames of clip `name` from frame `start`."""
        clip = self.clip(name)
        place = start + self.stride(name) * np.arange(frames)
        return {
            "pictures": self._pictures(name, place),
            "sound": clip.sound[place].astype(np.float32),
            "landmarks": clip.landmarks[place],
            "belief": clip.belief[place],
            "covered": (clip.belief[place] < _COVERED).astype(np.float32),
        }

    def _pictures(self, name: str, frames: np.ndarray) -> np.ndarray:
        offsets = self.clip(name).offsets
        pictures = []
        with open(self.folder / f"{name}.jpegs", "rb") as file:
            for t in frames.tolist():
                file.seek(int(offsets[t]))
                content = np.frombuffer(file.read(int(offsets[t + 1] - offsets[t])), np.uint8)
                picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
                assert picture is not None, (name, t)
                pictures.append(_resized(picture[..., ::-1], self.crop))
        return np.stack(pictures)


class MixedSource:
    """Several sources, each with its share of the batches."""

    def __init__(self, sources: list[tuple[Source, float]]) -> None:
        self.sources = [source for source, _ in sources]
        shares = np.array([share for _, share in sources], float)
        self.shares = shares / shares.sum()

    def choose(self, seed: int, step: int) -> Source:
        """The source of batch number `step`."""
        place = np.random.default_rng([seed, step, 2]).choice(len(self.sources), p=self.shares)
        return self.sources[place]

    def draw(self, generator: np.random.Generator, frames: int) -> Sample:
        """One window from any of them."""
        place = generator.choice(len(self.sources), p=self.shares)
        return self.sources[place].draw(generator, frames)


def window_batch(
    source: Source, seed: int, step: int, batch: int, frames: int, augment: bool = True
) -> Windows:
    """Batch number `step` of a source, decided by (seed, step) alone."""
    generator = np.random.default_rng([seed, step])
    samples = [source.draw(generator, frames) for _ in range(batch)]
    if augment:
        samples = [change_colours(sample, generator) for sample in samples]
    return collate(samples)


def collate(samples: list[Sample]) -> Windows:
    """Samples as one batch of tensors; with truth only when all have it."""

    def stack(name: str) -> Tensor:
        return torch.from_numpy(np.stack([sample[name] for sample in samples]))

    names = [item.name for item in fields(Truth)]
    known = all(name in sample for sample in samples for name in names)
    return Windows(
        pictures=stack("pictures").permute(0, 1, 4, 2, 3).float() / 255,  # (B, W, 3, P, P)
        sound=stack("sound").float(),
        landmarks=stack("landmarks").float(),
        belief=stack("belief").float(),
        covered=stack("covered").float(),
        truth=Truth(**{name: stack(name).float() for name in names}) if known else None,
    )


def change_colours(sample: Sample, generator: np.random.Generator) -> Sample:
    """Another exposure, contrast, white balance and noise, the same for the whole window."""
    gain = np.exp(generator.normal(0, 0.12)) * np.exp(generator.normal(0, 0.04, 3))
    shift, sd = generator.normal(0, 8), abs(generator.normal(0, 3))
    pictures = sample["pictures"].astype(np.float32) * gain.astype(np.float32) + np.float32(shift)
    pictures += generator.standard_normal(pictures.shape, np.float32) * np.float32(sd)
    return sample | {"pictures": pictures.clip(0, 255).astype(np.uint8)}


def _resized(picture: np.ndarray, side: int) -> np.ndarray:
    if len(picture) == side:
        return np.ascontiguousarray(picture)
    how = cv2.INTER_AREA if side < len(picture) else cv2.INTER_LINEAR
    return cv2.resize(picture, (side, side), interpolation=how)


def _part(name: str) -> str:
    """`test` for one name in ten, whatever else is in the folder."""
    digest = hashlib.sha256(name.encode()).digest()
    return "test" if digest[0] % _TEST_SHARE == 0 else "train"
