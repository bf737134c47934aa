"""The space of people: MakeHuman's macro and detail targets, sampled and reduced by PCA."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from .anatomy import MIRROR, Anatomy
from .source import Source

RACES = ("caucasian", "asian", "african")
SEXES = ("male", "female")
AGES = ("baby", "child", "young", "old")
LEVELS = ("min", "average", "max")
AGE_STOPS = (0.0, 0.1875, 0.5, 1.0)  # MakeHuman's age slider at AGES
DETAIL_FOLDERS = (
    *("cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "nose", "neck"),
    "asym",
)
RESTRAINED = {"mouth": 0.6, "eyebrows": 0.7, "eyes": 0.8}  # would pass for expressions
SKIPPED = ("head/head-trans", "neck/neck-trans")  # rigid motion, not identity
OPPOSITES = (
    *(("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward")),
    *(("concave", "convex"), ("compress", "uncompress")),
)


@dataclass(frozen=True)
class IdentityOptions:
    """How widely people differ. Detail sliders run from -1 to 1."""

    people: int = 1600
    components: int = 100
    detail_deviation: float = 0.20
    side_deviation: float = 0.03  # left against right
    asymmetry_deviation: float = 0.06
    # The sampled people are too much alike, in detail most: their components are widened, the
    # first by `spread_first`, those after `spread_after` by `spread_rest` (docs/log.md).
    spread_first: float = 1.05
    spread_rest: float = 1.5
    spread_after: int = 20
    seed: int = 20240601


@dataclass(frozen=True)
class Identity:
    """`mean` (V, 3) m at rest; `basis` (V, 3, S) m per standard deviation."""

    mean: np.ndarray
    basis: np.ndarray


def neutral_base(source: Source) -> np.ndarray:
    """The young average person of no particular race or sex, (B, 3) m."""
    body = source.vertices.copy()
    for race, sex in product(RACES, SEXES):
        body += source.target(f"macrodetails/{race}-{sex}-young") / 6
    for sex in SEXES:
        body += source.target(f"macrodetails/universal-{sex}-young-averagemuscle-averageweight") / 2
    return body


def build_identity(source: Source, anatomy: Anatomy, options: IdentityOptions) -> Identity:
    """Mean and principal components of sampled people, each with its mirror image."""
    people = _People(source, anatomy)
    align = _rigid_aligner(anatomy)
    generator = np.random.default_rng(options.seed)
    samples = np.empty((options.people, anatomy.rest.size), np.float32)
    for k in range(0, options.people, 2):
        person = align(people.sample(generator, options))
        samples[k] = person.ravel()
        samples[k + 1] = (person[anatomy.mirror] * MIRROR).ravel()
    mean = samples.mean(0)
    samples -= mean
    values, vectors = np.linalg.eigh((samples @ samples.T).astype(np.float64))
    first = vectors[:, ::-1][:, : options.components].astype(np.float32)
    share = np.minimum(np.arange(options.components) / options.spread_after, 1)
    spread = options.spread_first + (options.spread_rest - options.spread_first) * share
    basis = samples.T @ first * (spread / np.sqrt(options.people)).astype(np.float32)
    shown = values[::-1].cumsum() / values.sum()
    print(f"  identity: {options.components} components hold {shown[options.components - 1]:.3f}")
    shape = (*anatomy.rest.shape, options.components)
    return Identity(anatomy.rest + mean.reshape(anatomy.rest.shape), basis.reshape(shape))


class _People:
    """Random people as displacements of the head's rest, (V, 3) m."""

    def __init__(self, source: Source, anatomy: Anatomy) -> None:
        self.lift = anatomy.lift

        def lifted(name: str) -> np.ndarray:
            return anatomy.lift(source.target(name)).astype(np.float32)

        self.race = {
            key: lifted("macrodetails/{}-{}-{}".format(*key)) for key in product(RACES, SEXES, AGES)
        }
        self.build = {
            key: lifted("macrodetails/universal-{}-{}-{}muscle-{}weight".format(*key))
            for key in product(SEXES, AGES, LEVELS, LEVELS)
        }
        names = [name for folder in DETAIL_FOLDERS for name in source.target_names(folder)]
        self.details = {n: lifted(n) for n in names if not n.startswith(SKIPPED)}
        self.sliders = _pair_opposites(list(self.details))
        neutral = [self.race[race, sex, "young"] / 6 for race, sex in product(RACES, SEXES)]
        neutral += [self.build[sex, "young", "average", "average"] / 2 for sex in SEXES]
        self.neutral = np.sum(neutral, axis=0)

    def sample(self, generator: np.random.Generator, options: IdentityOptions) -> np.ndarray:
        """One person minus the neutral one."""
        return self._macro(generator) + self._details(generator, options)

    def _macro(self, generator: np.random.Generator) -> np.ndarray:
        grown = generator.random() < 0.94
        age = generator.uniform(0.36, 0.95) if grown else generator.uniform(0.2, 0.36)
        ages = [np.interp(age, AGE_STOPS, row) for row in np.eye(len(AGES))]
        male = generator.beta(0.35, 0.35)
        races = generator.dirichlet([0.45] * 3)
        muscle = _levels(np.clip(generator.normal(0.5, 0.2), 0, 1))
        weight = _levels(np.clip(generator.normal(0.5, 0.22), 0, 1))
        out = -self.neutral
        for (sex, by_sex), (a, age_name) in product(
            zip(SEXES, (male, 1 - male), strict=True), enumerate(AGES)
        ):
            share = by_sex * ages[a]
            if share < 1e-6:
                continue
            for race, by_race in zip(RACES, races, strict=True):
                out = out + share * by_race * self.race[race, sex, age_name]
            for (m, muscles), (w, weights) in product(enumerate(LEVELS), enumerate(LEVELS)):
                if muscle[m] * weight[w] > 1e-6:
                    part = share * muscle[m] * weight[w]
                    out = out + part * self.build[sex, age_name, muscles, weights]
        return out

    def _details(self, generator: np.random.Generator, options: IdentityOptions) -> np.ndarray:
        out, drawn = np.zeros_like(self.neutral), {}
        for low, high in self.sliders:
            folder, _, name = high.partition("/")
            sided = name.startswith(("l-", "r-"))
            key = name[2:] if sided else name
            if folder == "asym":
                value = abs(generator.normal(0, options.asymmetry_deviation))
            else:
                deviation = options.detail_deviation * (1.0 if low else 0.55)
                deviation *= RESTRAINED.get(folder, 1.0)
                value = drawn.setdefault(key, generator.normal(0, deviation))
                value += generator.normal(0, options.side_deviation) if sided else 0.0
            value = np.clip(value, -1, 1)
            if value >= 0:
                out += value * self.details[high]
            elif low:
                out -= value * self.details[low]
        return out


def _pair_opposites(names: list[str]) -> list[tuple[str | None, str]]:
    """Sliders (target at -1 or None, target at +1) from the targets' names."""
    opposite = {}
    for name in names:
        for low, high in OPPOSITES:
            other = name.removesuffix(low) + high
            if name.endswith(f"-{low}") and other in names:
                opposite[other] = name
    lows = set(opposite.values())
    return [(opposite.get(name), name) for name in names if name not in lows]


def _levels(x: float) -> np.ndarray:
    """Shares of LEVELS at a slider's place in [0, 1]."""
    return np.array([max(0.0, 1 - 2 * x), 1 - abs(2 * x - 1), max(0.0, 2 * x - 1)])


def _rigid_aligner(anatomy: Anatomy):
    """A function that takes rigid motion (no scale) out of a displacement (V, 3)."""
    rest = anatomy.rest
    eye_height = anatomy.left_eye.centre[1]
    above = rest[:, 1] > eye_height - 0.06
    own = np.flatnonzero(above & (np.arange(len(rest)) < len(anatomy.skin.vertices)))
    target = rest[own] - rest[own].mean(0)

    def align(displacement: np.ndarray) -> np.ndarray:
        moved = rest + displacement
        centre = moved[own].mean(0)
        left, _, right = np.linalg.svd((moved[own] - centre).T @ target)
        turn = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
        return (moved - centre) @ turn + rest[own].mean(0) - rest

    return align
