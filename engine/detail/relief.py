"""Relief from shading: the height D (mm) over the coarse surface that explains a residual.

The model of the log picture's change, with n(D) the normal of the surface raised by D:

    log S(n(D)) - log S(n(0)) + kappa * sum over s of (D - G_s D) / s

The second term says "what is deep is dark" (occlusion), the only cue where the light is frontal.
D minimises the robust misfit of it, its curvature and its size, and anything as wide as the
high-pass. Gauss-Newton with reweighting; each linear system by conjugate gradients, preconditioned
in the frequency domain, where all of the convolutions are diagonal.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft

from .face_sheet import Surface
from .residual import HIGH_PASS_MM
from .slopes import (
    bounded_steps,
    differences,
    linearise,
    shading_change,
    slopes,
    slopes_adjoint,
)

_OCCLUSION_MM = (0.7, 1.4, 2.8, 5.6)  # scales s
_SHADING_FLOOR = 0.4  # of the median shading


@dataclass(frozen=True)
class SolveOptions:
    """Weights of the energy; lengths in mm."""

    # kappa: path-traced grooves under side and top light want 0.05, creases along the light's
    # own direction show by their darkness alone and want 0.38 (docs/log.md)
    occlusion: float = 0.15
    robust: float = 0.04  # log contrast from which the misfit counts linearly: blotches
    curvature: float = 0.0075  # mm^2, on the squared Laplacian (1/mm)
    size: float = 0.006  # on |D|
    wide: float = 0.4  # on the part of D wider than the high-pass
    bright: float = 0.6  # weight of texels brighter than the model: highlights
    limit_mm: float = 1.8
    rounds: int = 3  # linearisations
    steps: int = 6  # conjugate gradient steps in each


def solve_relief(
    left: np.ndarray,
    weight: np.ndarray,
    surface: Surface,
    light: np.ndarray,
    texel_mm: float,
    options: SolveOptions | None = None,
) -> np.ndarray:
    """D (R, R) float32 mm, 0 away from the evidence.

    Args:
        left: (R, R) residual log contrast.
        weight: (R, R) trust in it; where it is 0 the curvature term carries D on smoothly.
        surface: the coarse surface, camera axes.
        light: (9,) luminance.
        texel_mm: of the sheet.
        options: weights of the energy.
    """
    options = options or SolveOptions()
    relief = np.zeros_like(left, np.float32)
    box = _evidence(weight, left, texel_mm)
    if box is None:
        return relief
    weight = np.ascontiguousarray(weight[box], np.float32)
    left = np.ascontiguousarray(left[box], np.float32)
    system = _System.of(surface, box, light, texel_mm, weight, options)
    height = np.zeros_like(left)
    for _ in range(options.rounds):
        height = system.refine(height, left, weight)
    height = options.limit_mm * np.tanh(height / options.limit_mm)
    relief[box] = height * _reach(weight, texel_mm)
    return relief


def modelled(
    relief: np.ndarray, surface: Surface, light: np.ndarray, texel_mm: float
) -> np.ndarray:
    """(R, R): the log contrast that the model above makes of a relief (R, R) mm."""
    hollows = np.zeros_like(relief)
    for scale in _OCCLUSION_MM:
        hollows += (relief - cv2.GaussianBlur(relief, (0, 0), scale / texel_mm)) / scale
    slopes_alone = shading_change(relief, surface, light, texel_mm)
    return slopes_alone + SolveOptions.occlusion * hollows


@dataclass(frozen=True)
class _System:
    """The parts of the energy that stay the same over the rounds, on the evidence's box."""

    normal: np.ndarray  # (h, w, 3)
    step_u: np.ndarray  # (h, w, 3)
    step_v: np.ndarray
    light: np.ndarray  # (9,)
    floor: float
    flat: np.ndarray  # (h, w) log S of the coarse surface
    occlusion: np.ndarray  # (h, w // 2 + 1) spectrum of the occlusion term
    penalty: np.ndarray  # spectrum of the smoothness terms
    options: SolveOptions

    @classmethod
    def of(
        cls,
        surface: Surface,
        box: tuple[slice, slice],
        light: np.ndarray,
        texel_mm: float,
        weight: np.ndarray,
        options: SolveOptions,
    ) -> "_System":
        part = Surface(*(getattr(surface, name)[box] for name in Surface.__dataclass_fields__))
        step_u, step_v = bounded_steps(part, texel_mm)
        normal = np.ascontiguousarray(part.normal, np.float32)
        light = light.astype(np.float32)
        zero = np.zeros(weight.shape, np.float32)
        shading = np.exp(linearise(normal, step_u, step_v, zero, zero, light, np.float32(1e-4))[0])
        seen = shading[weight > 0.3]
        floor = np.float32(_SHADING_FLOOR * (np.median(seen) if len(seen) else 1.0))
        occlusion, penalty = _spectra(weight.shape, texel_mm, options)
        flat = np.log(np.maximum(shading, floor))
        return cls(normal, step_u, step_v, light, float(floor), flat, occlusion, penalty, options)

    def refine(self, height: np.ndarray, left: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """One Gauss-Newton round: linearise at `height`, reweight, solve."""
        o = self.options
        du, dv = differences(height)
        shading, by_u, by_v = linearise(
            self.normal, self.step_u, self.step_v, du, dv, self.light, np.float32(self.floor)
        )
        misfit = shading - self.flat + self._convolve(height, self.occlusion) - left
        trust = weight * np.where(misfit < 0, np.float32(o.bright), np.float32(1))
        trust *= 0.5 / np.sqrt(misfit**2 + np.float32(o.robust**2))
        small = 0.5 * o.size / np.sqrt(height**2 + 1e-4) + 5e-4 * (1 - weight)
        model = _Linear(by_u, by_v, trust.astype(np.float32), small.astype(np.float32))
        # in terms of the whole height: misfit(D) = J D - target
        target = self._forward(height, model) - misfit
        return self._conjugate_gradients(height, self._backward(model.trust * target, model), model)

    def _convolve(self, values: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
        changed = np.asarray(scipy.fft.rfft2(values)) * spectrum
        return np.asarray(scipy.fft.irfft2(changed, s=values.shape))

    def _forward(self, height: np.ndarray, model: "_Linear") -> np.ndarray:
        return slopes(height, model.by_u, model.by_v, self._convolve(height, self.occlusion))

    def _backward(self, misfit: np.ndarray, model: "_Linear") -> np.ndarray:
        return slopes_adjoint(
            misfit, model.by_u, model.by_v, self._convolve(misfit, self.occlusion)
        )

    def _normal_equations(
        self, height: np.ndarray, spectrum: np.ndarray, model: "_Linear"
    ) -> np.ndarray:
        """(J' W J + penalties) height, whose `spectrum` is known: with few transforms."""
        inner = scipy.fft.irfft2(spectrum * self.occlusion, s=height.shape)
        misfit = model.trust * slopes(height, model.by_u, model.by_v, inner)
        spectrum = spectrum * self.penalty + scipy.fft.rfft2(misfit) * self.occlusion
        outer = scipy.fft.irfft2(spectrum, s=height.shape)
        return slopes_adjoint(misfit, model.by_u, model.by_v, outer) + model.small * height

    def _conjugate_gradients(
        self, height: np.ndarray, right: np.ndarray, model: "_Linear"
    ) -> np.ndarray:
        inverse = 1 / self._average_system(model)
        spectrum = np.asarray(scipy.fft.rfft2(height))
        gap = right - self._normal_equations(height, spectrum, model)
        spectrum = np.asarray(scipy.fft.rfft2(gap)) * inverse
        way = np.asarray(scipy.fft.irfft2(spectrum, s=gap.shape))
        push = _dot(gap, way)
        for _ in range(self.options.steps):
            curve = self._normal_equations(way, spectrum, model)
            length = push / max(_dot(way, curve), 1e-20)
            height = height + length * way
            gap = gap - length * curve
            ahead = np.asarray(scipy.fft.rfft2(gap)) * inverse  # in frequencies
            closer = np.asarray(scipy.fft.irfft2(ahead, s=gap.shape))
            before, push = push, _dot(gap, closer)
            turn = np.float32(push / max(before, 1e-20))
            way, spectrum = closer + turn * way, ahead + turn * spectrum
        return height.astype(np.float32)

    def _average_system(self, model: "_Linear") -> np.ndarray:
        """The system with every coefficient replaced by its mean: diagonal in frequency."""
        rows, columns = model.trust.shape
        wave_y = np.sin(2 * np.pi * np.fft.fftfreq(rows))[:, None] ** 2
        wave_x = np.sin(2 * np.pi * np.fft.rfftfreq(columns))[None] ** 2
        trust = float(model.trust.mean())
        along_u = float((model.trust * model.by_u**2).mean())
        along_v = float((model.trust * model.by_v**2).mean())
        system = trust * self.occlusion**2 + along_u * wave_x + along_v * wave_y
        return (system + self.penalty + float(model.small.mean())).astype(np.float32)


@dataclass(frozen=True)
class _Linear:
    """One linearisation: the misfit's derivatives by the differences, and the weights."""

    by_u: np.ndarray  # (h, w)
    by_v: np.ndarray
    trust: np.ndarray
    small: np.ndarray


def _spectra(
    shape: tuple[int, int], texel_mm: float, options: SolveOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Frequency responses (h, w // 2 + 1) of the occlusion term and of the penalties."""
    frequency_y = 2 * np.pi * np.fft.fftfreq(shape[0])[:, None]
    frequency_x = 2 * np.pi * np.fft.rfftfreq(shape[1])[None]
    square = (frequency_x**2 + frequency_y**2) / texel_mm**2  # 1/mm^2
    occlusion = np.zeros_like(square)
    for scale in _OCCLUSION_MM:
        if scale > 0.6 * texel_mm:
            occlusion += options.occlusion * (1 - np.exp(-square * scale**2 / 2)) / scale
    laplacian = (4 * np.sin(frequency_x / 2) ** 2 + 4 * np.sin(frequency_y / 2) ** 2) / texel_mm**2
    wide = np.exp(-square * HIGH_PASS_MM**2 / 2)
    penalty = options.curvature * laplacian**2 + options.wide * wide**2
    return occlusion.astype(np.float32), penalty.astype(np.float32)


def _evidence(weight: np.ndarray, left: np.ndarray, texel_mm: float) -> tuple[slice, slice] | None:
    """The rows and columns that hold evidence, with a rim; None when there is none."""
    there = (weight > 0.02) & (left != 0)
    if not there.any():
        return None
    box = []
    for axis in (0, 1):
        lines = np.flatnonzero(there.any(1 - axis))
        rim, count = round(8 / texel_mm), there.shape[axis]
        start, stop = max(lines[0] - rim, 0), min(lines[-1] + rim + 1, count)
        stop = min(start + scipy.fft.next_fast_len(int(stop - start), real=True), count)
        box.append(slice(int(start), int(stop)))
    return box[0], box[1]


def _reach(weight: np.ndarray, texel_mm: float) -> np.ndarray:
    """(h, w) in [0, 1]: fades relief out over some 4 mm round the evidence."""
    side = 2 * round(2 / texel_mm) + 1
    grown = cv2.GaussianBlur(cv2.dilate(weight, np.ones((side, side))), (0, 0), 1.5 / texel_mm)
    return np.clip(grown * 1.15, 0, 1)


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.vdot(a, b))
