"""What a lip reader learns from: mouths of performers who speak, filmed and drawn, frame by frame.

Each clip is kept twice: as the generator's camera films it, and as SPECTRE's renderer draws the
same moments of the head alone, so that a network can learn to see the same in both. The square that
is kept is wider than what a reader sees: training may shift it, as a tracker's errors do.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ..crops import place_in_crop
from ..evaluation.lipreading import POLLY
from ..models.lipreader import MERGED, VISEMES
from ..sight import middle_of_face
from ..weights import load_head
from .mouths import MouthPainter, crop_mouths, mouth_squares
from .people import Stage, build_stage, render_sequence
from .people.acting import act_sequence
from .people.labels import Labels
from .performances import covered_68, speak_with
from .speech import Utterance
from .system import Codes, head_albedo
from .trajectories import Phone

HZ = 25.0
FRAMES = 24  # of a clip
CLIPS = 32  # of a shard
SIDE = 60  # px that are kept
WIDER = 1.25  # than what a reader sees
_PICTURE = 144  # px along the face's crop
_MARGIN_S = 0.3  # a clip may begin so long before an utterance
_COVERED = 0.3  # share of the mouth's landmarks
_WHITE = 0.5  # of the drawn clips: mean colours in white light, as a descent begins
_SHAPES = ("mouth", "jaw", "lips", "tongue")  # units of the mouth's shape


@dataclass(frozen=True)
class MouthClips:
    """C clips of N frames."""

    filmed: np.ndarray  # (C, N, SIDE, SIDE) uint8
    drawn: np.ndarray  # (C, N, SIDE, SIDE) uint8
    visemes: np.ndarray  # (C, N) uint8 places in VISEMES
    clear: np.ndarray  # (C, N) bool: nothing is before the mouth
    shapes: np.ndarray  # (C, N, D) float16 units of the mouth, the jaw's opening in rad last

    @staticmethod
    def read(paths: Sequence[Path]) -> "MouthClips":
        """All clips of several shards."""
        parts: dict[str, list[np.ndarray]] = {item.name: [] for item in fields(MouthClips)}
        for path in paths:
            with np.load(path, allow_pickle=False) as file:
                for name, kept in parts.items():
                    kept.append(file[name])
        return MouthClips(**{name: np.concatenate(kept) for name, kept in parts.items()})

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        temporary = path.with_suffix(".part")
        with open(temporary, "wb") as file:
            np.savez(file, **{item.name: getattr(self, item.name) for item in fields(self)})
        os.replace(temporary, path)


class MouthFilmer:
    """Films and draws clips: the performers of `seed` who say what is in `corpus`."""

    def __init__(self, corpus: list[Utterance], seed: int) -> None:
        self.corpus, self.seed = corpus, seed
        self.stage: Stage = build_stage()
        file = load_head()
        self.painter = MouthPainter(file, head_albedo(file))

    def shard(self, number: int, clips: int = CLIPS) -> MouthClips:
        """Shard `number`."""
        drawn = [self._clip(number * CLIPS + k) for k in range(clips)]
        return MouthClips(*(np.stack(column) for column in zip(*drawn, strict=True)))

    def _clip(self, index: int) -> tuple[np.ndarray, ...]:
        """One clip's arrays, in the order of `MouthClips`."""
        generator = np.random.default_rng([self.seed, index, 4])
        said = self.corpus[int(generator.integers(len(self.corpus)))]
        last = max(said.seconds - FRAMES / HZ + _MARGIN_S, -_MARGIN_S + 0.01)
        start = generator.uniform(-_MARGIN_S, last)
        phones = [(name, a - start, b - start) for name, a, b in said.phones]
        seconds = np.arange(FRAMES) / HZ
        acting = act_sequence(self.stage, generator, FRAMES, HZ)
        acting = speak_with(self.stage, acting, phones, seconds, generator)
        difficulty = float(generator.random() ** 0.7)
        shot = render_sequence(
            self.stage, self.seed, index, FRAMES, HZ, _PICTURE, difficulty, acting
        )
        labels = shot.labels
        marks = torch.from_numpy(labels.points_68 / _PICTURE * 2 - 1).float()[None]
        pictures = torch.from_numpy(shot.pictures).permute(0, 3, 1, 2)[None].float() / 255
        filmed = crop_mouths(pictures, marks, SIDE, WIDER)
        with torch.no_grad():
            codes = codes_of(labels, white=bool(generator.random() < _WHITE))
            drawn = self.painter(codes, mouth_squares(marks, WIDER), SIDE)
        covered = covered_68(labels.points_68, labels.points, labels.hidden)[:, 48:].mean(1)
        return (
            _bytes(filmed), _bytes(drawn / drawn.max().clamp(min=1e-3)),
            visemes_at(phones, seconds), covered < _COVERED,
            _shapes(self.stage.head.file.expression_names, labels),
        )  # fmt: skip


def viseme_of(phone: str) -> int:
    """The place in VISEMES of an ARPAbet phone, with or without stress."""
    name = POLLY.get(phone.rstrip("012"), "sil")
    return VISEMES.index(MERGED.get(name, name))


def visemes_at(phones: Sequence[Phone], seconds: np.ndarray) -> np.ndarray:
    """Which viseme is spoken at the times (T,): (T,) uint8, silence where nothing is."""
    out = np.full(len(seconds), VISEMES.index("sil"), np.uint8)
    for name, start, end in phones:
        out[(seconds >= start) & (seconds < end)] = viseme_of(name)
    return out


def codes_of(labels: Labels, white: bool) -> Codes:
    """A performer's moments as a capture would say them, in the crop's camera.

    Args:
        labels: Of a sequence of _PICTURE px.
        white: Mean colours in white light instead of the performer's own.
    """
    count, shift = len(labels.units), _PICTURE / 2 - labels.centre
    boxes = np.concatenate([shift, np.full((count, 1), float(_PICTURE))], 1)
    pose, camera = place_in_crop(
        Rotation.from_matrix(labels.turn).as_rotvec(), labels.translation, boxes,
        middle_of_face(labels.shape), float(labels.focal[0]), (_PICTURE, _PICTURE),
    )  # fmt: skip
    light, albedo = labels.light, labels.albedo
    if white:
        light, albedo = np.zeros_like(light), np.zeros_like(albedo)
        light[:, 0] = 1.0

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    return Codes(
        tensor(np.tile(labels.shape, (count, 1))), tensor(np.tile(albedo, (count, 1))),
        tensor(pose), tensor(camera), tensor(light), tensor(labels.units), tensor(labels.jaw),
        tensor(labels.eyes),
    )  # fmt: skip


def _shapes(names: Sequence[str], labels: Labels) -> np.ndarray:
    mouth = np.array([name.startswith(_SHAPES) for name in names])
    return np.column_stack([labels.units[:, mouth], labels.jaw[:, :1]]).astype(np.float16)


def _bytes(mouths: torch.Tensor) -> np.ndarray:
    """(1, N, 1, P, P) in 0..1 -> (N, P, P) uint8."""
    return (mouths[0, :, 0].clamp(0, 1) * 255).round().byte().numpy()
