"""Skin detail from shading: a person's lasting relief, and the wrinkles that come and go.

Static relief comes from the clip's median albedo; dynamic relief, at key frames, from how each
differs from it (albedo cancels there). The fine network says where there are folds; how deep, the
picture's contrast says: of what lasts at once, of what passes through a solver of the shading. Both
are heights in mm over the coarse surface.

A passing fold is darker than its slopes make it: it sees less of the sky and of the lamps. What
they leave is its cavity, the share of the light that it loses, kept beside its relief.
"""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from ..faces import FaceTrack
from ..head.model import FaceParams, Head
from ..media import Clip
from ..progress import Report
from .evidence import TEXELS
from .face_sheet import FaceSheet, Surface, build_sheet, map_surface
from .key_maps import KeyMaps
from .keys import denser, key_frames, lenders
from .learned import agreement, deepened, knows, learned_relief, reads_pictures
from .relief import SolveOptions, solve_relief
from .residual import (
    LASTING_TRUST,
    LINES_TRUST,
    PASSING_TRUST,
    Grain,
    Trust,
    gate,
    off_hair,
    residual,
    without_strangers,
)
from .skin import (
    SAMPLES,
    Canvas,
    Skin,
    View,
    activity,
    change,
    learn_skin,
    picture_mm,
    prepare_canvas,
    sample_frames,
    views,
)
from .slopes import shading_change

Quality = Literal["off", "fast", "standard", "fine"]

_COARSEST_PICTURE_MM = 1.6  # per pixel: with larger pixels nothing that folds can be seen
_PASSING_ROBUST = 0.1  # log contrast from which a passing misfit counts linearly: no pigment there
_UNLEARNED_MM = 0.8  # Gaussian sigma: what is finer the network's texels don't hold
_DARKEST_CAVITY = 1.2  # of log light that a fold loses beyond its slopes


@dataclass(frozen=True)
class DetailOptions:
    """How fine, how often. What is None is chosen by `quality`."""

    quality: Quality = "standard"
    key_seconds: float | None = None  # between dynamic maps
    texels: int | None = None  # most texels across the face: finer pictures are not used up


@dataclass(frozen=True)
class _Effort:
    key_seconds: float
    texels: int
    solve: SolveOptions


# More keys and more of the solver than "standard" has show nothing more: "fine" is for pictures
# whose pixels are finer than its texels, and the same as it for all others.
_EFFORTS = {
    "fast": _Effort(0.4, 256, SolveOptions(rounds=2, steps=4)),
    "standard": _Effort(0.2, 512, SolveOptions(rounds=2, steps=5)),
    "fine": _Effort(0.2, 1024, SolveOptions(rounds=2, steps=5)),
}
_MAP_PX, _FINE_MAP_PX = 1024, 2048


@dataclass(frozen=True)
class Detail:
    """Relief over the coarse head, mm, in the face's window of the texture sheet (row 0 = top)."""

    sheet: FaceSheet
    static: np.ndarray  # (R, R) mm
    shade: np.ndarray  # (R, R): what its slopes add to the log of the clip's own light
    dynamic: KeyMaps  # M maps (R, R) mm, on top of the static one
    cavities: KeyMaps  # M maps (R, R), 0 or less: log light that passing folds lose beside slopes
    frames: np.ndarray  # (M,) from which the maps are
    shown: np.ndarray  # (K,) which of the maps each key shows
    times: np.ndarray  # (K,) seconds of the keys
    mask: np.ndarray  # (R, R) in [0, 1]: where the clip shows skin
    rest_frame: int  # the calmest sampled frame
    size: int  # of the maps to bake, px


def recover_detail(
    clip: Clip,
    track: FaceTrack,
    params: FaceParams,
    head: Head,
    options: DetailOptions,
    report: Report,
    sound: np.ndarray | None = None,
) -> Detail | None:
    """The clip's relief; None when it isn't asked for or the picture is too coarse to show any.

    A fine stage that `train fine` has made listens to `sound` (T, 16, C); without one it is silent.
    """
    frames = sample_frames(track)
    if options.quality == "off" or not len(frames):
        return None
    if picture_mm(params, frames) > _COARSEST_PICTURE_MM:
        report.warn("The face is too small in the picture for skin detail: the head stays smooth.")
        return None
    effort = _effort(options)
    canvas = prepare_canvas(head, params, frames, effort.texels)
    keys = denser(key_frames(track, effort.key_seconds), params, track)
    frames = sample_frames(track, int(np.clip(len(keys), 8, SAMPLES)))
    skin = learn_skin(clip, track, params, canvas, frames)
    if skin is None:
        report.warn("No bare skin could be seen in the clip: the head stays smooth.")
        return None
    report(0.3)
    rest_frame = int(frames[np.argmin(activity(params, frames))])
    if reads_pictures():
        from .trained import read_by_network  # torch is slow to load

        reader = read_by_network(clip, track, params, canvas, frames, sound)
    else:
        reader = _Reader.of(canvas, params, skin, effort.solve)
    still = head.camera_frame(params, rest_frame, canvas.rest)
    surface = map_surface(canvas.sheet, still, head.file.faces)
    static = reader.lasting(rest_frame, surface)
    shade = shading_change(static, surface, skin.light, canvas.sheet.texel_mm)
    dynamic, cavities = (KeyMaps(canvas.sheet.size) for _ in range(2))
    lent, read = lenders(keys, params, track), []
    wanted = np.unique(lent)
    for view in views(clip, track, params, canvas, wanted):
        relief, cavity = reader.passing(view)
        dynamic.append(relief)
        cavities.append(cavity)
        read.append(view.frame)
        report(0.3 + 0.7 * len(read) / len(wanted))
    known = np.isin(lent, read)
    read, lent, keys = np.array(read, int), lent[known], keys[known]
    return Detail(
        canvas.sheet, static, shade, dynamic, cavities, read, np.searchsorted(read, lent),
        track.times[keys], skin.weight, rest_frame,
        _FINE_MAP_PX if _is_finer(canvas) else _MAP_PX,
    )  # fmt: skip


def _effort(options: DetailOptions) -> _Effort:
    preset = _EFFORTS[options.quality]
    return _Effort(
        options.key_seconds or preset.key_seconds,
        options.texels or preset.texels,
        preset.solve,
    )


@dataclass(frozen=True)
class _Reader:
    """Makes relief of what the coarse shading of one person in one clip leaves."""

    canvas: Canvas
    params: FaceParams
    skin: Skin
    solve: SolveOptions
    fine: FaceSheet | None  # the network's; None on heads that it hasn't learnt on

    @classmethod
    def of(cls, canvas: Canvas, params: FaceParams, skin: Skin, solve: SolveOptions) -> "_Reader":
        head = canvas.head
        fine = build_sheet(head, canvas.rest[0], TEXELS) if knows(head.file) else None
        return cls(canvas, params, skin, solve, fine)

    def lasting(self, frame: int, surface: Surface) -> np.ndarray:
        """(R, R) mm: what the median picture shows, on the surface of a calm frame."""
        skin, texel_mm = self.skin, self.canvas.sheet.texel_mm
        left = residual(skin.albedo, skin.weight, self.canvas.grain)
        trust = without_strangers(left, skin.weight, texel_mm)

        def solved(how: Trust, zones: np.ndarray) -> np.ndarray:
            folds = gate(left, trust, zones, self.canvas.grain, how)
            return solve_relief(folds, trust, surface, skin.light, texel_mm, self.solve)

        learned = self._learned(skin.albedo, skin.weight, frame)
        if learned is None:
            return solved(LASTING_TRUST, self.canvas.zones)
        relief = deepened(learned, left, trust, surface, skin.light, texel_mm)
        if not _is_finer(self.canvas):
            return relief
        lines = solved(LINES_TRUST, np.zeros_like(self.canvas.zones))
        return relief + lines - cv2.GaussianBlur(lines, (0, 0), _UNLEARNED_MM / texel_mm)

    def passing(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """(R, R) mm: how a frame's relief differs from the lasting one; and its cavities (R, R).

        The latter are log light, 0 or less: what of a passing fold's darkness slopes don't explain.
        """
        light, texel_mm = self.skin.light, self.canvas.sheet.texel_mm
        ratio, weight = change(view, self.skin, self.canvas)
        bare = np.minimum(view.bare, self.skin.bare)
        weight = weight * off_hair(bare, self.canvas.fringe, texel_mm)
        left = residual(ratio, weight, self.canvas.grain)
        trust = without_strangers(left, weight, texel_mm)
        left = gate(left, trust, self.canvas.zones, self.canvas.grain, PASSING_TRUST)
        solve = replace(self.solve, robust=_PASSING_ROBUST)
        relief = solve_relief(left, trust, view.surface, light, texel_mm, solve)
        learned = self._learned(ratio, weight, view.frame)
        if learned is not None:
            share = agreement(learned, relief, texel_mm)
            relief = learned + share * (relief - learned)
            left = left * share
        unexplained = left - shading_change(relief, view.surface, light, texel_mm)
        return relief, np.clip(unexplained, -_DARKEST_CAVITY, 0) * np.clip(trust, 0, 1)

    def _learned(self, ratio: np.ndarray, weight: np.ndarray, frame: int) -> np.ndarray | None:
        """The network's relief (R, R) mm; None on heads that it hasn't learnt on."""
        if self.fine is None:
            return None
        head = self.canvas.head
        posed = head.camera_frame(self.params, frame, self.canvas.rest)
        coarse = map_surface(self.fine, posed, head.file.faces)
        small = np.clip(_resized(weight, TEXELS), 0, 1)
        grain = Grain(self.fine.texel_mm, self.canvas.grain.picture_mm)
        found = learned_relief(_resized(ratio, TEXELS), small, coarse, self.skin.light, grain)
        return _resized(found, self.canvas.sheet.size)


def _is_finer(canvas: Canvas) -> bool:
    """Whether the film shows skin finer than the network's texels hold it."""
    return canvas.sheet.size > 2 * TEXELS


def _resized(values: np.ndarray, size: int) -> np.ndarray:
    how = cv2.INTER_AREA if len(values) > size else cv2.INTER_CUBIC
    return cv2.resize(values.astype(np.float32), (size, size), interpolation=how)
