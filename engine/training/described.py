"""Shards as AVFace's networks see them: what is read, what is heard, and the codes that are true.

A shard is described once for each of `VARIANTS`, the sources of points that the networks must know:
the landmark network alone, and beside trackers of different errors. Sound is heard anew each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from ..audio import speech_features, windows
from ..audio.features import Kind
from ..exchange.saving import saved
from ..faces.crops import place_in_crop
from ..faces.seen import crop_size
from ..sight.features import Observations, middle_of_face, sight_features
from .sights import FRAMES, HZ, Sights
from .speech import SOUND_RATE, Utterance
from .speech.augment import pool_sounds, spoil
from .speech.noises import noise_pool
from .trackers import track_points

VARIANTS = 4  # the first without a tracker
TAKES = 2  # of each utterance: clean, and as some film might carry it
_NOISES, _NOISE_S = 48, 4.0
_SEED = 31


@dataclass(frozen=True)
class Described:
    """C clips of N frames. Codes are in the orders of `models.config`."""

    sight: Tensor  # (VARIANTS, C, N, SIGHT) float16
    sound: Tensor  # (TAKES, C, N, 16, A) float16
    c: Tensor  # (C, N, 183)
    e: Tensor  # (C, N, E + 3 + 4)
    marks: Tensor  # (C, N, 68, 2) half crops
    covered: Tensor  # (C, N, 68) bool
    spoken: Tensor  # (C,) bool: the mouth says what is heard

    def pick(self, clips: np.ndarray) -> "Described":
        """Some of the clips."""
        rows = torch.from_numpy(np.asarray(clips))
        return Described(
            self.sight[:, rows], self.sound[:, rows], self.c[rows], self.e[rows], self.marks[rows],
            self.covered[rows], self.spoken[rows],
        )  # fmt: skip


def load_described(
    paths: Sequence[Path],
    corpus: list[Utterance],
    kind: Kind = "phones",
    model: Path | None = None,
) -> Described:
    """All shards of `paths`; what was read lies beside each of them once it is described.

    `model`: the user's, for kinds that need one. Raises AVFaceError where it isn't one.
    """
    shards = [Sights.read(path) for path in paths]
    sight = np.concatenate([read_shard(path) for path in paths], 1)
    all_of_them = Sights.join(shards)
    c = np.concatenate([true_codes(shard) for shard in shards])
    gaze = all_of_them.eyes[..., [0, 1, 3, 4]]
    e = np.concatenate([all_of_them.units, all_of_them.jaw, gaze], -1)
    return Described(
        torch.from_numpy(sight), torch.from_numpy(hear_clips(all_of_them, corpus, kind, model)),
        torch.from_numpy(c.astype(np.float32)), torch.from_numpy(e.astype(np.float32)),
        torch.from_numpy(all_of_them.marks), torch.from_numpy(all_of_them.covered_marks),
        torch.from_numpy(all_of_them.spoken),
    )  # fmt: skip


def read_shard(path: Path) -> np.ndarray:
    """What is read of a shard, (VARIANTS, C, N, SIGHT) float16, from its file or anew."""
    beside = path.with_suffix(".sight.npy")
    if not beside.is_file():
        seed = [_SEED, *path.stem.encode()]
        values = describe_shard(Sights.read(path), np.random.default_rng(seed))
        with saved(beside) as temporary, temporary.open("wb") as file:
            np.save(file, values)
    return np.load(beside)


def describe_shard(shard: Sights, generator: np.random.Generator) -> np.ndarray:
    """(VARIANTS, C, N, SIGHT) float16."""
    out = [
        [
            _describe_clip(shard, clip, None if v == 0 else generator)
            for clip in range(len(shard.units))
        ]
        for v in range(VARIANTS)
    ]
    return np.array(out, np.float16)


def _describe_clip(shard: Sights, clip: int, generator: np.random.Generator | None) -> np.ndarray:
    size = crop_size()
    shift, boxes = _in_middle(shard, clip)
    tracked = None
    if generator is not None:
        tracked = (track_points(shard, clip, generator) + 1) / 2 * size + shift[:, None]
    observed = Observations(
        (shard.points[clip] + 1) / 2 * size + shift[:, None], tracked,
        shard.sigma[clip] * size / 2, shard.visible[clip], shard.colours[clip], boxes,
    )  # fmt: skip
    return sight_features(observed, (size, size), float(shard.focal[clip, 0]))


def _in_middle(shard: Sights, clip: int) -> tuple[np.ndarray, np.ndarray]:
    """What brings the principal point to the picture's middle (N, 2) px, and the crops then."""
    size = crop_size()
    shift = size / 2 - shard.centre[clip]
    return shift, np.concatenate([shift, np.full((len(shift), 1), float(size))], 1)


def true_codes(shard: Sights) -> np.ndarray:
    """c of a shard's frames, (C, N, 183)."""
    size, out = crop_size(), []
    for clip in range(len(shard.units)):
        pose, camera = place_in_crop(
            Rotation.from_matrix(shard.turn[clip]).as_rotvec(), shard.translation[clip],
            _in_middle(shard, clip)[1], middle_of_face(shard.shape[clip]),
            float(shard.focal[clip, 0]), (size, size),
        )  # fmt: skip
        frames = len(pose)
        person = np.concatenate([shard.shape[clip], shard.albedo[clip]])
        person = np.broadcast_to(person, (frames, len(person)))
        light = shard.light[clip].reshape(frames, -1)
        out.append(np.concatenate([person, pose, camera, light], 1))
    return np.array(out)


def hear_clips(
    sights: Sights, corpus: list[Utterance], kind: Kind, model: Path | None = None
) -> np.ndarray:
    """The sound about each frame, (TAKES, C, N, 16, A) float16."""
    generator = np.random.default_rng(_SEED)
    pool = noise_pool(70, 6.0, generator)
    noises = [_noise(pool, k, generator) for k in range(_NOISES)]
    quiet = [speech_features(sound, kind, model) for sound in noises]
    needed = set(np.unique(sights.utterance).tolist()) - {-1}
    times, takes = np.arange(FRAMES) / HZ, []
    for take in range(TAKES):
        spoken = {row: _said(corpus[row], pool, take, generator) for row in sorted(needed)}
        heard = {row: speech_features(sound, kind, model) for row, sound in spoken.items()}
        some = []
        for row, start in zip(sights.utterance, sights.start, strict=True):
            features = heard[row] if row >= 0 else quiet[generator.integers(_NOISES)]
            some.append(windows(features, times + (start if row >= 0 else 1.0)).astype(np.float16))
        takes.append(np.stack(some))
    return np.stack(takes)


def _said(
    said: Utterance, pool: np.ndarray, take: int, generator: np.random.Generator
) -> np.ndarray:
    """What is said, (N,) float32: as it was recorded, or spoilt."""
    sound = torch.from_numpy(said.waveform)[None]
    if take:
        sound = spoil(sound, pool, generator)
    return sound[0].numpy()


def _noise(pool: np.ndarray, number: int, generator: np.random.Generator) -> np.ndarray:
    """Silence now and then, else noise or music of any loudness."""
    loudness = 0.0 if number % 4 == 0 else 10 ** generator.uniform(-4, -0.7)
    sound = pool_sounds(pool, 1, int(_NOISE_S * SOUND_RATE), generator)[0].numpy()
    return (sound * loudness).clip(-1, 1)
