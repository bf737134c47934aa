"""What a lip reader learns from: mouths of performers who speak, filmed and drawn, frame by frame.

Each clip is kept twice: as the generator's camera films it, and as SPECTRE's renderer draws the
same moments of the head alone, so that a network can learn to see the same in both. The square that
is kept is wider than what a reader sees: training may shift it, as a tracker's errors do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ..exchange.reading import load_arrays
from ..exchange.saving import save_arrays
from ..faces.crops import place_in_crop
from ..models.lipreader import MERGED, VISEMES
from ..models.phone_classes import POLLY
from ..sight.features import middle_of_face
from ..weights import load_head
from .mouths import MouthPainter, crop_mouths, mouth_squares, room_light
from .people import Stage, build_stage, render_sequence
from .people.acting import act_sequence
from .people.labels import Labels
from .performances import covered_68, speak_with
from .speech import Utterance
from .system import Codes, head_albedo
from .trajectories import Phone, Style, draw_style
from .visemes import CHANNELS

HZ = 25.0
FRAMES = 24  # of a clip
CLIPS = 32  # of a shard
SIDE = 60  # px that are kept
WIDER = 1.25  # than what a reader sees
_PICTURE = 168  # px along the face's crop
_MARGIN_S = 0.3  # a clip may begin so long before an utterance
_COVERED = 0.3  # share of the mouth's landmarks
_PLAIN = 0.5  # of the drawn clips: mean colours in a room's light, as in a descent
# People speak slower and faster than synthetic voices, part their lips half as far as a clear
# speaker or twice, round them less, and move them faster (films of six speakers beside performers:
# vowels last 1.35 times as long, lips move 4.2 and 3.0 mm about their mean, 2.0 and 1.1 a frame).
_TEMPO, _TEMPO_SPREAD = 0.15, 0.2  # log
_JAW, _JAW_SPREAD = 0.2, 0.4  # log
_LIPS, _LIPS_SPREAD = -0.1, 0.4  # log
_LEAST_GAIN, _MOST_GAIN = 0.3, 2.6
_CUTOFF_HZ = (5.5, 14.0)
_OWN_WAY = 2.5  # how much more people's sounds differ than `draw_style` says
# Whether somebody shows upper or lower teeth: log gains of both lips' lifting, and their spread.
_TEETH = {"mouthUpperUp": (0.5, 0.5), "mouthLowerDown": (-0.3, 0.5)}
# Logits by which parts of a mouth are lighter than the head's, and their spread: films show teeth
# as grey as skin, tongues hardly seen or pale, lips that hardly part from the skin.
_PAINTS = {
    "teeth": (-0.5, 0.7), "gums": (0.0, 0.5), "tongue": (-0.3, 0.6), "cavity": (0.0, 0.6),
    "lips": (0.1, 0.35),
}  # fmt: skip
_WET = 0.6  # log: how much what is behind the lips shines
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
        parts = [load_arrays(path, "a shard", "Delete it and draw it anew.") for path in paths]
        return MouthClips(**{name: np.concatenate([p[name] for p in parts]) for name in parts[0]})

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        save_arrays(path, vars(self))


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
        slower = float(np.exp(generator.normal(_TEMPO, _TEMPO_SPREAD)))
        last = max(slower * said.seconds - FRAMES / HZ + _MARGIN_S, -_MARGIN_S + 0.01)
        start = generator.uniform(-_MARGIN_S, last)
        phones = [(name, slower * a - start, slower * b - start) for name, a, b in said.phones]
        seconds = np.arange(FRAMES) / HZ
        acting = act_sequence(self.stage, generator, FRAMES, HZ)
        style = draw_manner(generator)
        acting = speak_with(self.stage, acting, phones, seconds, generator, style)
        stage, difficulty = paint_mouth(self.stage, generator), float(generator.random())
        shot = render_sequence(stage, self.seed, index, FRAMES, HZ, _PICTURE, difficulty, acting)
        labels = shot.labels
        marks = torch.from_numpy(labels.points_68 / _PICTURE * 2 - 1).float()[None]
        pictures = torch.from_numpy(shot.pictures).permute(0, 3, 1, 2)[None].float() / 255
        filmed = crop_mouths(pictures, marks, SIDE, WIDER)
        with torch.no_grad():
            codes = codes_of(labels, plain=bool(generator.random() < _PLAIN))
            drawn = self.painter(codes, mouth_squares(marks, WIDER), SIDE)
        covered = covered_68(labels.points_68, labels.points, labels.hidden)[:, 48:].mean(1)
        return (
            _bytes(filmed), _bytes(drawn / drawn.max().clamp(min=1e-3)),
            visemes_at(phones, seconds), covered < _COVERED,
            _shapes(self.stage.head.file.expression_names, labels),
        )  # fmt: skip


def draw_manner(generator: np.random.Generator) -> Style:
    """A random speaker, calm or lively."""

    def gain(middle: float, spread: float) -> float:
        return float(np.clip(np.exp(generator.normal(middle, spread)), _LEAST_GAIN, _MOST_GAIN))

    style, own = draw_style(generator), np.ones(len(CHANNELS))
    for channel, (middle, spread) in _TEETH.items():
        own[CHANNELS.index(channel)] = gain(middle, spread)
    return replace(
        style, jaw=gain(_JAW, _JAW_SPREAD), lips=gain(_LIPS, _LIPS_SPREAD),
        cutoff_hz=float(generator.uniform(*_CUTOFF_HZ)),
        targets={name: own * factors**_OWN_WAY for name, factors in style.targets.items()},
    )  # fmt: skip


def paint_mouth(stage: Stage, generator: np.random.Generator, lighter: float = 0.0) -> Stage:
    """The stage with teeth, tongue and lips that somebody may have; teeth `lighter` by a logit."""
    mean, gloss = stage.paint_mean.copy(), stage.gloss.copy()
    for name, (middle, spread) in _PAINTS.items():
        mean[stage.paint_names.index(name)] += generator.normal(middle, spread)
    mean[stage.paint_names.index("teeth")] += lighter
    gloss[stage.in_mouth, 0] *= np.float32(np.exp(generator.normal(0, _WET)))
    return replace(stage, paint_mean=mean, gloss=gloss)


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


def codes_of(labels: Labels, plain: bool) -> Codes:
    """A performer's moments as a capture would say them, in the crop's camera.

    Args:
        labels: Of a sequence of _PICTURE px.
        plain: Mean colours in a room's light instead of the performer's own.
    """
    count, shift = len(labels.units), _PICTURE / 2 - labels.centre
    boxes = np.concatenate([shift, np.full((count, 1), float(_PICTURE))], 1)
    pose, camera = place_in_crop(
        Rotation.from_matrix(labels.turn).as_rotvec(), labels.translation, boxes,
        middle_of_face(labels.shape), float(labels.focal[0]), (_PICTURE, _PICTURE),
    )  # fmt: skip
    light, albedo = labels.light, labels.albedo
    if plain:
        light, albedo = room_light(count).numpy(), np.zeros_like(albedo)

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
