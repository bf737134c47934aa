"""Faces on the sheet with known relief, as films and unwrapping leave them: no rasteriser needed.

Pigment without relief (`pigment`), relief without pigment (`wrinkles`), coarse surfaces of random
people who act, light with shadows, and a camera. What is written is what the product would give the
network (`detail.evidence`) and the true relief.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..detail.evidence import TEXELS, evidence
from ..detail.face_sheet import FaceSheet, Surface, build_sheet, map_surface
from ..detail.folds import calm_skin, fold_zones, open_skin
from ..detail.light import draw_samples, fit_light, log_shading
from ..detail.relief import SolveOptions, solve_relief
from ..detail.residual import (
    HIGH_PASS_MM,
    LASTING_TRUST,
    LUMINANCE,
    PASSING_TRUST,
    Grain,
    gate,
    masked_blur,
    residual,
    skin_share,
    without_strangers,
)
from ..detail.slopes import differences, surface_steps
from ..geometry import rotation_matrix
from ..render import interpolate
from ..srgb import linear_from_srgb, srgb_from_linear
from .people import build_stage
from .people.acting import act_moments
from .people.camera import turn_heads
from .people.light import Lighting, choose_lighting, light_points
from .pigment import draw_pigment, read_paints, shift
from .wrinkles import grow_wrinkles, noise, relief_at

_PIXEL_MM = (0.35, 1.6)  # of the face under one pixel: the product looks no coarser
_SHADE_SCALES_MM = (0.7, 1.4, 2.8, 5.6)
_SCATTER_MM = np.array([1.3, 0.5, 0.3])  # how far red, green, blue wander in skin
_SHAPE_OFF, _TURN_OFF = 0.7, 0.04  # how far a fit is off: standard deviations, rad
_EASED = 0.4  # share of moments in which folds of the median picture are gone
_MOMENTS = 2  # surfaces of one person: one calm, one that acts


@dataclass(frozen=True)
class Example:
    """One map for the network and its truth. Texels R x R."""

    given: np.ndarray  # (6, R, R) float16
    relief: np.ndarray  # (R, R) float16 mm, without what is wider than the high-pass
    picture: np.ndarray  # (R, R, 3) uint8 what the camera saw, for looking at
    passing: bool  # how a moment differs, rather than what lasts
    solved: np.ndarray | None = None  # (R, R) mm, what shading alone gives (`detail.relief`)


@dataclass(frozen=True)
class _Body:
    """A person's coarse surfaces: at rest and acting, a little turned."""

    surfaces: list[Surface]  # that the light falls on
    fitted: list[Surface]  # as a fit has them, off in shape, expression and turn
    turns: np.ndarray  # (2, 3, 3) head to camera
    facing: list[np.ndarray]  # (R, R) cosine to the line of sight


class Gallery:
    """Makes examples: number `index` of a seed is always the same one."""

    def __init__(self, seed: int, people: int) -> None:
        self.stage, self.seed = build_stage(), seed
        head = self.stage.head
        self.rest = head.rest(np.zeros(head.file.shape_basis.shape[2]))
        self.sheet = build_sheet(head, self.rest[0], TEXELS)
        self.open, self.calm = open_skin(self.sheet), calm_skin(self.sheet)
        self.zones = fold_zones(self.sheet)
        self.paints = read_paints(self.sheet)
        values = np.concatenate([self.stage.open_to, self.stage.openness[None]]).T
        self._open_to = _lay(self.sheet, values)  # (R, R, 65)
        random = np.random.default_rng([seed, 0])
        self.bodies = [self._body(random) for _ in range(people)]

    def example(self, index: int, solve: bool = False) -> Example:
        """A person's lasting relief, or how a moment's relief differs from it.

        `solve`: with what the product's solver finds from the same picture.
        """
        random = np.random.default_rng([self.seed, 1, index])
        body = self.bodies[int(random.integers(len(self.bodies)))]
        scene = _Scene(self, random, body, solve)
        return scene.passing() if random.random() < 0.4 else scene.lasting()

    def _body(self, random: np.random.Generator) -> _Body:
        head = self.stage.head
        count = head.file.face_columns
        shape = np.clip(random.normal(size=count) * random.uniform(0.6, 1.3), -3.5, 3.5)
        rest = head.rest(shape.astype(np.float32))
        acting = act_moments(self.stage, random, _MOMENTS)
        units = acting.units * np.array([[random.random() < 0.5], [1]])
        turn = turn_heads(random, 1, 0.6)[0]
        surfaces, fitted, turns, facing = [], [], [], []
        off = random.uniform(0, 1)
        fit_rest = head.rest((shape + off * random.normal(size=count) * _SHAPE_OFF).astype("f4"))
        for k in range(_MOMENTS):
            turns.append(turn_heads(random, 1, 0.0)[0] @ turn if k else turn)
            jaw, away = acting.jaw[k] * (k > 0), [0, 0, -random.uniform(0.45, 2.0)]
            placed = head.pose(rest, units[k], jaw, np.zeros(6)) @ turns[k].T + away
            surfaces.append(map_surface(self.sheet, placed, head.file.faces))
            unlike = units[k] * (1 + 0.4 * off * random.normal(size=len(units[k])))
            slip = rotation_matrix(random.normal(0, _TURN_OFF * off, 3))
            near = head.pose(fit_rest, unlike, jaw, np.zeros(6)) @ (slip @ turns[k]).T + away
            fitted.append(map_surface(self.sheet, near, head.file.faces))
            sight = -_lay(self.sheet, placed / np.linalg.norm(placed, axis=1, keepdims=True))
            facing.append((surfaces[k].normal * sight).sum(-1))
        return _Body(surfaces, fitted, np.stack(turns), facing)

    def reached(self, lighting: Lighting, turn: np.ndarray) -> np.ndarray:
        """Share of each lamp that reaches the texels, (lamps, R * R)."""
        out = np.ones((len(lighting.lamps), TEXELS * TEXELS), np.float32)
        for k, (lamp, sharp) in enumerate(zip(lighting.lamps, lighting.sharpness, strict=True)):
            if sharp > 0:
                patch = np.exp(sharp * (self.stage.directions @ (turn.T @ lamp) - 1))
                patch = (patch / patch.sum()).astype(np.float32)
                out[k] = (self._open_to[..., :-1] @ patch).ravel()
        return out

    @property
    def openness(self) -> np.ndarray:
        """(R, R) how much of the sky the coarse face leaves."""
        return self._open_to[..., -1]


class _Scene:
    """One person under one light before one camera."""

    def __init__(
        self, gallery: Gallery, random: np.random.Generator, body: _Body, solve: bool
    ) -> None:
        self.gallery, self.random, self.body, self.solve = gallery, random, body, solve
        self.sheet = gallery.sheet
        self.texel = self.sheet.texel_mm
        low, high = np.log(_PIXEL_MM)
        self.grain = Grain(self.texel, float(np.exp(random.uniform(low, high))))
        self.lighting = choose_lighting(random, random.random())
        self.sheen = random.uniform(0.0, 0.35) * random.random(), random.uniform(6, 40)
        self.hollow = random.uniform(0.05, 0.6)
        self.scatter = _SCATTER_MM * random.uniform(0.2, 1.2)
        self.exposure = np.exp(random.uniform(np.log(0.10), np.log(0.55)))
        self.cast = np.exp(random.normal(0, 0.1, 3))
        self.contrast = np.exp(random.normal(0, 0.12))
        self.vivid = random.choice([0.0, random.uniform(0.5, 1.2)], p=[0.1, 0.9])
        self.soft = random.uniform(0.3, 0.9)
        self.level = 0.0  # what light is multiplied by: one exposure for the whole clip, once known
        self.pigment = draw_pigment(gallery.paints, random, self.texel)
        self.wrinkles = grow_wrinkles(self.sheet, random)
        self.covered = self._covered()
        self.edge = self._shadow_edge()

    def lasting(self) -> Example:
        """The clip's median picture: noise is low, pigment is all there."""
        which = int(self.random.integers(_MOMENTS))
        relief = relief_at(self.wrinkles, self.sheet, None)
        if self.random.random() < 0.5:  # an expression held all the time
            relief = relief_at(self.wrinkles, self.sheet, self.random)
        picture = self._film(which, relief, calm=True)
        return self._done(False, self._read(which, picture), which, relief, picture)

    def passing(self) -> Example:
        """A frame over the median picture: pigment cancels as far as they are registered."""
        still = relief_at(self.wrinkles, self.sheet, None)
        moved = relief_at(self.wrinkles, self.sheet, self.random)
        if self.random.random() < _EASED:
            still, moved = moved, still
        median, frame = self._film(0, still, calm=True), self._film(1, moved, calm=False)
        ratio, weight, light = self._read(0, median)
        ratio_now, weight_now, _ = self._read(1, frame, light)
        slip = np.stack([noise(self.random, TEXELS, 12 / self.texel) for _ in "uv"], -1)
        slip *= np.float32(self.random.uniform(0, 0.6) / self.texel)
        change = ratio_now - shift(ratio, slip), weight_now * shift(weight, slip), light
        return self._done(True, change, 1, moved - still, frame)

    def _done(self, passing: bool, read: tuple, which: int, relief: np.ndarray, picture) -> Example:
        ratio, weight, light = read
        surface = self.body.fitted[which]
        given = evidence(ratio, weight, surface, light, self.grain)
        wide = cv2.GaussianBlur(relief, (0, 0), HIGH_PASS_MM / self.texel)
        solved = None
        if self.solve:
            left = residual(ratio, weight, self.grain)
            weight = without_strangers(left, weight, self.texel)
            trust = PASSING_TRUST if passing else LASTING_TRUST
            left = gate(left, weight, self.gallery.zones, self.grain, trust)
            options = SolveOptions(rounds=2, steps=5)
            solved = solve_relief(left, weight, surface, light, self.texel, options)
        true = (relief - wide).astype(np.float16)
        return Example(given.astype(np.float16), true, picture, passing, solved)

    def _film(self, which: int, relief: np.ndarray, calm: bool) -> np.ndarray:
        """What the camera writes of a moment, laid on the sheet: (R, R, 3) uint8."""
        skin = self.sheet.on_skin.astype(np.float32)
        surface = self.body.surfaces[which]
        step_u, step_v = surface_steps(surface)
        du, dv = differences(relief)
        normal = surface.normal - step_u * du[..., None] - step_v * dv[..., None]
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
        dark = _hollows(relief, self.texel) * np.float32(self.hollow)
        depth = np.exp(np.clip(dark, -1.5, 0.3))
        sky = self.gallery.openness ** np.float32(self.lighting.depth) * depth
        reached = self.gallery.reached(self.lighting, self.body.turns[which])
        reached *= (np.sqrt(depth) * self.edge).reshape(1, -1)
        gloss = np.empty((normal.shape[0] * normal.shape[1], 2), np.float32)
        gloss[:] = self.sheen
        fallen, mirrored = (
            part.reshape(normal.shape)
            for part in light_points(
                self.lighting, normal.reshape(-1, 3), sky.ravel().astype(np.float32), reached, gloss
            )
        )
        for c in range(3):  # light comes out of skin a little beside where it went in
            fallen[..., c] = masked_blur(fallen[..., c], skin, self.scatter[c] / self.texel)
        seen = fallen * np.exp(self.pigment) + mirrored
        return self._camera(np.maximum(seen, 1e-4) * skin[..., None], calm)

    def _camera(self, seen: np.ndarray, calm: bool) -> np.ndarray:
        random = self.random
        if not self.level:
            self.level = self.exposure / float(np.median((seen @ LUMINANCE)[self.gallery.calm]))
        seen = (seen * self.level * self.cast.astype(np.float32)) ** np.float32(self.contrast)
        grey = seen @ LUMINANCE
        seen = grey[..., None] + np.float32(self.vivid) * (seen - grey[..., None])
        side = int(np.clip(TEXELS * self.texel / self.grain.picture_mm, 96, 448))
        small = cv2.resize(seen, (side, side), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), self.soft)
        noisy = srgb_from_linear(small).astype(np.float32)
        amount = random.uniform(0.2, 1.2) if calm else random.uniform(0.5, 4)
        noisy += amount * random.standard_normal(noisy.shape, np.float32)
        coded = np.clip(noisy + 0.5, 0, 255).astype(np.uint8)
        quality = int(random.uniform(70, 99) if calm else random.uniform(50, 97))
        _, stream = cv2.imencode(".jpg", coded[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = cv2.imdecode(stream, cv2.IMREAD_COLOR)
        assert decoded is not None
        laid = cv2.resize(decoded, (TEXELS, TEXELS), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(laid[..., ::-1])

    def _read(self, which: int, picture: np.ndarray, light: np.ndarray | None = None):
        """As `detail.skin` reads a frame: log ratio, trust, light."""
        surface, gallery = self.body.fitted[which], self.gallery
        colour = linear_from_srgb(picture).astype(np.float32)
        weight = np.clip((self.body.facing[which] - 0.3) / 0.3, 0, 1).astype(np.float32)
        weight = weight * gallery.open * self.covered
        weight *= skin_share(colour, weight, gallery.calm, self.texel)
        luminance = np.maximum(colour @ LUMINANCE, 1e-3)
        if light is None:
            drawn = draw_samples(weight, self.random)
            light = np.array([1.0] + 8 * [0.0])
            if len(drawn):
                light = fit_light(surface.normal.reshape(-1, 3)[drawn], luminance.ravel()[drawn])
        ratio = np.log(luminance) - log_shading(surface.normal, light)
        return ratio.astype(np.float32), weight, light

    def _shadow_edge(self) -> np.ndarray:
        """(R, R) share of the lamps beside the edge of a shadow: of hair, a nose, a hat."""
        random = self.random
        if random.random() > 0.25:
            return np.ones((TEXELS, TEXELS), np.float32)
        level = noise(random, TEXELS, random.uniform(10, 25) / self.texel) - random.normal(0, 0.7)
        soft = np.exp(random.uniform(np.log(0.02), np.log(0.3)))
        share = 1 / (1 + np.exp(np.clip(level / soft, -30, 30)))
        return (1 - random.uniform(0.2, 0.9) * share).astype(np.float32)

    def _covered(self) -> np.ndarray:
        """(R, R) in [0, 1]: 0 under hair, a hand, a microphone."""
        random, out = self.random, np.ones((TEXELS, TEXELS), np.float32)
        if random.random() < 0.3:  # hair over the forehead
            line = random.uniform(0.05, 0.2) * TEXELS + 14 * noise(random, TEXELS, 12)[0]
            out *= np.arange(TEXELS)[:, None] > line
        for _ in range(int(random.choice([0, 0, 1, 2]))):
            place, reach = random.uniform(0, TEXELS, 2), random.uniform(10, 45)
            y, x = np.mgrid[:TEXELS, :TEXELS]
            out *= np.hypot(x - place[0], y - place[1]) > reach
        return cv2.GaussianBlur(out, (0, 0), 1.2)


def _lay(sheet: FaceSheet, values: np.ndarray) -> np.ndarray:
    """Values at vertices (V, C) on the sheet, (R, R, C) float32."""
    laid = interpolate(values, sheet.faces, sheet.face_id, sheet.barycentric)
    return np.asarray(laid, np.float32)


def _hollows(relief: np.ndarray, texel_mm: float) -> np.ndarray:
    """How far each texel stands above what is round it, per mm, over several widths: (R, R)."""
    out = np.zeros_like(relief)
    for scale in _SHADE_SCALES_MM:
        out += (relief - cv2.GaussianBlur(relief, (0, 0), scale / texel_mm)) / np.float32(scale)
    return out
