"""What the acoustic network learns from: spoken, spoilt and labelled batches."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.phone_classes import SILENCE, VISEME_OF
from ...models.phones import PhoneNetwork, PhonesConfig
from .augment import pool_sounds, spoil
from .corpus import DRAWS, Corpus, phone_rows
from .noises import noise_pool
from .utterance import SOUND_RATE, Utterance

STEPS_PER_SECOND = 50
_BATCH_SECONDS = 36.0
_LENGTHS = (1.5, 3.0, 4.0, 6.0)  # seconds of the pieces of a batch
_STRENGTHS = (0.15, 0.5, 0.9)  # of what happens to a batch
_WITHOUT_SPEECH = 0.06  # share of pieces
IGNORED = -1


@dataclass(frozen=True)
class Batch:
    """Spoilt sound and what is said in it."""

    sound: Tensor  # (B, N) float32
    labels: Tensor  # (B, A) int64, IGNORED where nothing is asked
    warp: Tensor  # (B,) by how much the formants rise


class PhonesTask:
    """The acoustic network and its training on a corpus."""

    name = "phones"

    def __init__(
        self,
        corpus: Corpus,
        judges: dict[str, list[Utterance]],
        config: PhonesConfig | None = None,
        seed: int = 0,
        noises: int = 210,
    ) -> None:
        """`judges`: utterances of voices that the corpus doesn't hold; `noises`: of the pool."""
        self.corpus, self.judges = corpus, judges
        self.pool = noise_pool(noises, 8.0, np.random.default_rng(seed))
        self._by_group = {g: np.flatnonzero(corpus.groups == g) for g in DRAWS}
        self._by_group = {g: rows for g, rows in self._by_group.items() if len(rows)}
        self.model: nn.Module = PhoneNetwork(config or PhonesConfig())
        self._set_statistics(seed)

    def batch_at(self, seed: int, step: int) -> Batch:
        """See `loop.Task`."""
        return self._batch(np.random.default_rng((seed, step)))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of the classes; bands and moments are hidden at random."""
        model = self.model
        assert isinstance(model, PhoneNetwork)
        with torch.no_grad():
            shown = model.normalise(model.energies(batch.sound, batch.warp))
            shown = _hide(shown)
        logits = model.classify(shown)
        steps = min(logits.shape[1], batch.labels.shape[1])
        loss = functional.cross_entropy(
            logits[:, :steps].flatten(0, 1), batch.labels[:, :steps].flatten(),
            ignore_index=IGNORED, label_smoothing=0.05,
        )  # fmt: skip
        return {"classes": loss}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Share of wrong steps on the held-out voices, clean and spoilt."""
        figures: dict[str, float] = {}
        for voice, utterances in self.judges.items():
            for strength in (0.0, 1.0):
                kind = "spoilt" if strength else "clean"
                figures[f"{voice} {kind}"] = 1 - self._accuracy(model, utterances, strength)
        return {"error": float(np.mean(list(figures.values()))), **figures}

    def _accuracy(self, model: nn.Module, utterances: list[Utterance], strength: float) -> float:
        generator = np.random.default_rng(5)
        right, total = 0, 0
        for utterance in utterances:
            sound = torch.from_numpy(utterance.waveform)[None]
            if strength:
                sound = spoil(sound, self.pool, generator, strength)
            classes = model(sound)[0].argmax(-1).numpy()
            truth = step_labels(phone_rows(utterance), len(classes))
            right += int((classes == truth).sum())
            total += len(truth)
        return right / max(total, 1)

    def _batch(self, generator: np.random.Generator) -> Batch:
        seconds = float(generator.choice(_LENGTHS))
        count = round(_BATCH_SECONDS / seconds)
        pieces = [self._piece(generator, int(seconds * SOUND_RATE)) for _ in range(count)]
        sound = torch.from_numpy(np.stack([piece for piece, _ in pieces]))
        labels = np.stack([label for _, label in pieces])
        mute = generator.random(count) < _WITHOUT_SPEECH
        labels[mute] = SILENCE
        noise = pool_sounds(self.pool, count, sound.shape[1], generator) * 0.1
        sound = torch.where(torch.from_numpy(mute)[:, None], noise, sound)
        sound = spoil(sound, self.pool, generator, float(generator.choice(_STRENGTHS)))
        warp = torch.from_numpy(np.exp(generator.uniform(-0.17, 0.17, count))).float()
        return Batch(sound, torch.from_numpy(labels), warp)

    def _piece(self, generator: np.random.Generator, length: int) -> tuple[np.ndarray, np.ndarray]:
        """(length,) float32 of one utterance at a random pace, and its labels."""
        groups = list(self._by_group)
        chances = np.array([DRAWS[g] for g in groups])
        group = groups[int(generator.choice(len(groups), p=chances / chances.sum()))]
        row = int(generator.choice(self._by_group[group]))
        corpus, pace = self.corpus, float(np.exp(generator.uniform(-0.16, 0.22)))
        whole = corpus.samples[corpus.edges[row] : corpus.edges[row + 1]]
        spoken = int(len(whole) / pace)
        first = int(generator.integers(-length // 6, max(spoken - length * 5 // 6, 1)))
        places = (first + np.arange(length)) * pace
        sound = np.interp(places, np.arange(len(whole)), whole, left=0, right=0)
        rows = corpus.phones[row].copy()
        rows[:, 1:] = rows[:, 1:] / pace - first / SOUND_RATE
        return sound.astype(np.float32) / 32768, step_labels(rows, length // 320)

    @torch.no_grad()
    def _set_statistics(self, seed: int) -> None:
        """The network's prior of colour and the spread of bands, from pieces of the corpus."""
        model = self.model
        assert isinstance(model, PhoneNetwork)

        def energies_of(seed: int) -> list[Tensor]:
            some = [self.batch_at(seed, step) for step in range(6)]
            return [model.energies(batch.sound, batch.warp) for batch in some]

        energies = torch.cat([each.flatten(0, 1) for each in energies_of(seed + 1)])
        loud = energies.logsumexp(-1)
        loud = energies[loud > loud.median()]
        model.prior.copy_(loud.mean(0) - loud.mean())
        shown = [model.normalise(each).flatten(0, 1) for each in energies_of(seed + 2)]
        model.spread.copy_(torch.cat(shown).std(0))


def step_labels(rows: np.ndarray, steps: int) -> np.ndarray:
    """(steps,) int64: the class that is spoken at each step's centre; silence outside."""
    centres = np.arange(steps) / STEPS_PER_SECOND + 0.0125
    place = np.searchsorted(rows[:, 1], centres, side="right") - 1
    inside = (place >= 0) & (centres < rows[place.clip(0), 2])
    return np.where(inside, rows[place.clip(0), 0], SILENCE).astype(np.int64)


def viseme_labels(classes: np.ndarray) -> np.ndarray:
    """Viseme groups of classes."""
    return np.asarray(VISEME_OF)[classes]


def _hide(shown: Tensor) -> Tensor:
    """Some bands and short stretches of each piece become average (SpecAugment)."""
    batch, frames, bands = shown.shape
    band = torch.arange(bands)
    low = torch.randint(0, bands, (batch, 1))
    masked = (band >= low) & (band < low + torch.randint(0, 7, (batch, 1)))  # (B, bands)
    time = torch.arange(frames)
    start = torch.randint(0, frames, (batch, 1))
    gone = (time >= start) & (time < start + torch.randint(0, 9, (batch, 1)))  # (B, frames)
    return shown.masked_fill(masked[:, None] | gone[:, :, None], 0.0)
