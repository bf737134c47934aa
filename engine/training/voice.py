"""Training what sound says about the face, on speech with known phones."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..models.voice import VoiceConfig, VoiceNet, VoiceOutput, as_raw
from .voice_clips import CONTACTS, OUTPUTS, VoiceClip, step_times

_CROP = 160  # steps of a training piece
_CONTACTS = 3.0  # weight of their cross-entropy
# Channels whose last rows are found at the end, by least squares. Some are seldom more than
# nothing: from where they are, and the weight of that then.
_SETTLED = {"tongueOut": (0.15, 8.0), "mouthRollLower": (0.5, 1.0), "tongueUp": (1.0, 1.0)}
_SILENT, _RIDGE = 0.05, 1e-5  # weight of steps without speech; of the rows' own size
_LEAST_SQUARE, _LOG_CHI_SQUARE = 1e-3, 1.27  # of a residual; -mean of log x for one chi-squared


class VoiceTask:
    """`loop.Task`: mean and deviation of jaw, lips and tongue from 50 Hz features."""

    name = "voice"

    def __init__(
        self,
        clips: Sequence[VoiceClip],
        held_out: Sequence[VoiceClip],
        batch: int = 16,
        width: int = 72,
    ) -> None:
        self.clips, self.held_out, self.batch = clips, held_out, batch
        features = clips[0].features.shape[1]
        self.model: nn.Module = VoiceNet(VoiceConfig(OUTPUTS, features, width))
        talk = np.concatenate([clip.truth for clip in clips])
        net = _net(self.model)
        net.centre.copy_(torch.from_numpy(talk.mean(0)))
        net.spread.copy_(torch.from_numpy(talk.std(0) + 1e-3))

    def batch_at(self, seed: int, step: int) -> dict[str, Tensor]:
        """Pieces of `_CROP` steps with disturbed features."""
        generator = np.random.default_rng((seed, step))
        chosen = generator.integers(len(self.clips), size=self.batch)
        pieces = [_crop(self.clips[k], generator) for k in chosen]
        heard, truth, contacts = (np.stack(part) for part in zip(*pieces, strict=True))
        return {
            "features": torch.from_numpy(disturb(heard, generator)),
            "truth": torch.from_numpy(truth),
            "contacts": torch.from_numpy(contacts),
        }

    def losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Gaussian negative log-likelihood, a share of squared error, and contacts."""
        output: VoiceOutput = self.model(batch["features"])
        error = self._error(output, batch["truth"])
        return {
            "nll": (0.5 * (error / output.log_sd.exp()) ** 2 + output.log_sd).mean(),
            "square": 0.5 * (error**2).mean(),
            "contacts": _CONTACTS
            * functional.binary_cross_entropy_with_logits(output.contacts, batch["contacts"]),
        }

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Figures on voices that were not trained on; the likelihood first."""
        nll, count = 0.0, 0
        for clip in self.held_out:
            output: VoiceOutput = model(torch.from_numpy(clip.features)[None])
            error = self._error(output, torch.from_numpy(clip.truth)[None])
            nll += float((0.5 * (error / output.log_sd.exp()) ** 2 + output.log_sd).sum())
            count += clip.truth.size
        return {"nll": nll / max(count, 1), **measure(_net(model), self.held_out)}

    def _error(self, output: VoiceOutput, truth: Tensor) -> Tensor:
        net = _net(self.model)
        return (truth - net.centre) / net.spread - output.mean


@torch.no_grad()
def settle(net: VoiceNet, clips: Sequence[VoiceClip], seed: int = 0) -> None:
    """The last layer's rows of some channels anew, in place: weighted least squares of the means,
    and of the logarithm of what these leave (Harvey 1976).

    So a channel learns new targets while the others stay. And a likelihood whose deviation is
    free explains a rare event, such as a tongue between the teeth, by a large deviation, and the
    mean never leaves its rest (Seitzer et al. 2022).
    """
    generator, inner = np.random.default_rng(seed), []
    for clip in clips:
        heard = torch.from_numpy(disturb(clip.features[None], generator))
        inner.append(net.inner(heard)[0].numpy().T.astype(float))  # (A, width)
    truth, contacts = (
        np.concatenate([getattr(c, f) for c in clips]) for f in ("truth", "contacts")
    )
    speaking = contacts[:, CONTACTS.index("speaking")]
    bias = net.outlet.bias
    assert bias is not None
    known = np.column_stack([np.concatenate(inner), np.ones(len(truth))])  # (N, width + 1)
    for name, (least, factor) in _SETTLED.items():
        k = OUTPUTS.index(name)
        said = truth[:, k] * speaking
        weight = (_SILENT + (1 - _SILENT) * speaking) * np.where(said > least, factor, 1.0)
        wanted = (said - net.centre[k].item()) / net.spread[k].item()
        mean = _regressed(known, wanted, weight)
        left = np.log((wanted - known @ mean) ** 2 + _LEAST_SQUARE) + _LOG_CHI_SQUARE
        deviation = _regressed(known, as_raw(left / 2), weight)
        for row, found in ((k, mean), (len(OUTPUTS) + k, deviation)):
            net.outlet.weight[row, :, 0] = torch.from_numpy(found[:-1])
            bias[row] = float(found[-1])


def _regressed(known: np.ndarray, wanted: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted ridge regression: (N, D), (N,), (N,) -> (D,)."""
    weighted = known * weight[:, None]
    size = _RIDGE * len(known) * np.eye(known.shape[1])
    return np.linalg.solve(weighted.T @ known + size, weighted.T @ wanted)


@torch.no_grad()
def calibrate(net: VoiceNet, clips: Sequence[VoiceClip]) -> None:
    """Widen the deviations, in place, until they cover what `clips` of other voices show."""
    net.widen.fill_(1.0)
    squares = []
    for clip in clips:
        mean, sd = net.in_units(net(torch.from_numpy(clip.features)[None]))
        z = ((torch.from_numpy(clip.truth) - mean[0]) / sd[0]).numpy()
        squares.append(z[clip.contacts[:, CONTACTS.index("speaking")] > 0.5] ** 2)
    wide = np.sqrt(np.concatenate(squares).mean(0))
    net.widen.copy_(torch.from_numpy(np.clip(wide, 0.8, 3.0)).to(net.widen))


@torch.no_grad()
def measure(net: VoiceNet, clips: Sequence[VoiceClip]) -> dict[str, float]:
    """Correlations over spoken steps, coverage of the deviations, closures found."""
    means, sds, truths, speaking = [], [], [], []
    found = wanted = right = claimed = 0
    for clip in clips:
        output = net(torch.from_numpy(clip.features)[None])
        mean, sd = net.in_units(output)
        means.append(mean[0].numpy())
        sds.append(sd[0].numpy())
        truths.append(clip.truth)
        speaking.append(clip.contacts[:, CONTACTS.index("speaking")] > 0.5)
        closed = torch.sigmoid(output.contacts[0, :, 0]).numpy()
        events = _closure_events(closed, clip.closures)
        found, wanted = found + events[0], wanted + events[1]
        right, claimed = right + events[2], claimed + events[3]
    mean, sd, truth, said = (np.concatenate(x) for x in (means, sds, truths, speaking))
    figures = {}
    for name in ("jaw", "gap_mm", "width", "mouthPucker", *_SETTLED):
        k = OUTPUTS.index(name)
        if said.any():
            figures[f"r_{name}"] = float(np.corrcoef(mean[said, k], truth[said, k])[0, 1])
    z = np.abs(truth - mean) / sd
    return figures | {
        "closed_recall": found / max(wanted, 1),
        "closed_precision": right / max(claimed, 1),
        **_parts("speech", said, z, sd / net.spread.numpy()),
        **_parts("silence", ~said, z, sd / net.spread.numpy()),
    }


def _parts(name: str, rows: np.ndarray, z: np.ndarray, sd: np.ndarray) -> dict[str, float]:
    """How much the deviations cover of some steps (68 and 95 % would be honest), and their size."""
    if not rows.any():
        return {}
    return {
        f"{name}_within_1sd": float((z[rows] < 1).mean()),
        f"{name}_within_2sd": float((z[rows] < 2).mean()),
        f"{name}_sd": float(sd[rows].mean()),
    }


def disturb(features: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Log-posteriors (B, A, C) as less sure ears would give them, float32.

    The acoustic network is surer on the voices that it was trained on than it will be on others.
    """
    B, A, C = features.shape
    heat = generator.uniform(0.5, 1.15, (B, 1, 1))
    noise = generator.uniform(0, 0.8, (B, 1, 1)) * generator.normal(size=(B, 1, C))
    noise = noise + generator.uniform(0, 0.8, (B, 1, 1)) * generator.normal(size=(B, A, C))
    blur = generator.uniform(0, 0.5, (B, 1, 1))
    around = (np.roll(features, 1, 1) + np.roll(features, -1, 1)) / 2
    logits = heat * (features + blur * (around - features)) + noise * (features < -0.05)
    logits -= logits.max(-1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return logs.astype(np.float32)


def _net(model: nn.Module) -> VoiceNet:
    assert isinstance(model, VoiceNet), type(model)
    return model


def _crop(clip: VoiceClip, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """`_CROP` steps of a clip; a short clip is followed by itself."""
    start = int(generator.integers(max(len(clip.truth) - _CROP, 0) + 1))
    rows = (start + np.arange(_CROP)) % len(clip.truth)
    return clip.features[rows], clip.truth[rows], clip.contacts[rows]


def _closure_events(
    closed: np.ndarray, truth: tuple[tuple[float, float], ...]
) -> tuple[int, int, int, int]:
    """Closures found, closures there, claims that are right, claims."""
    times = step_times(len(closed))
    found = sum(
        bool((closed[(times > a - 0.02) & (times < b + 0.02)] > 0.5).any()) for a, b in truth
    )
    claims = np.flatnonzero(np.diff(np.concatenate([[0], closed > 0.5, [0]]).astype(int)))
    spans = [(times[a], times[b - 1]) for a, b in claims.reshape(-1, 2)]
    right = sum(any(a - 0.04 < end and start < b + 0.04 for a, b in truth) for start, end in spans)
    return found, len(truth), right, len(spans)
