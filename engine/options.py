"""What to ask of a capture: light to import, so that the command line is quick."""

import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal

from .exchange.protocol import AVFaceError

Range = tuple[Literal["sound", "picture"], float, float]  # whom to trust, from and to, seconds


def option(default: Any, explained: str, metavar: str | tuple[str, ...] | None = None) -> Any:
    """A field of a dataclass of options that is a flag of the command line (`commands.flags`)."""
    return field(default=default, metadata={"help": explained, "metavar": metavar})


@dataclass(frozen=True)
class CaptureOptions:
    """What to capture and how. Each field is a flag of `python -m engine capture`.

    Raises AVFaceError where a number can't be what it stands for.
    """

    start: float = option(0.0, "begin here", "SECONDS")
    end: float | None = option(None, "stop here; default the clip's end", "SECONDS")
    face: int | None = option(
        None, "which face, counted from 1, the largest and most central; default 1", "NUMBER"
    )
    region: tuple[float, float, float, float] | None = option(
        None, "look for the face in this part of the picture, pixels", ("X", "Y", "WIDTH", "HEIGHT")
    )
    fps: float | None = option(
        None, "rate of a picture sequence or a bare stream, frames per second", "RATE"
    )
    focal: float | None = option(None, "focal length; default twice the longer side", "PIXELS")
    person: str = option(
        "", "a take of the same person on the same head: its shape is kept", "TAKE"
    )
    detail: Literal["off", "fast", "standard", "fine"] = option(
        "standard", "wrinkles as normal maps; fine: larger ones of faces of more than 400 pixels"
    )
    skin: Literal["auto", "model", "clip"] = option(
        "auto",
        "colours of the skin: as far as the film shows them; the head's model alone; the clip's"
        " also where its face is small or noisy",
    )
    hair: Literal["on", "off"] = option(
        "on", "strands on the head, as high and as long as the clip shows"
    )
    smoothing: float = option(1.0, "how much jitter is taken out; 0.5 less, 2 more", "FACTOR")
    method: Literal["fit", "spectre", "avface"] = option(
        "avface",
        "avface: the fit of landmarks and sound, led by the paper's networks where a mouth is"
        " covered; fit: without them; spectre: its losses on the clip after the fit",
    )
    quality: Literal["draft", "standard", "high"] = option(
        "standard",
        "draft: networks alone; standard: the fit; high: also a second look and the skin's colours",
    )
    lip_reader: str = option(
        "",
        "spectre's lip-reading network, TorchScript or ONNX; default AVFace's own; none: lips"
        " aren't read",
        "FILE",
    )
    emotion_network: str = option("", "spectre's emotion network, TorchScript or ONNX", "FILE")
    senses: Literal["both", "picture", "sound"] = option(
        "both", "what moves the mouth; pose, eyes and brows always go by the picture"
    )
    trust: str = option("", "whom to trust when: sound:3.2-4.0,picture:6-7.5, in seconds", "RANGES")
    fix_sync: bool = option(False, "move the sound to where the lips say it belongs")
    lips: Literal["on", "off"] = option("on", "refine the lips' shape by what is heard")
    actor: str = option("actor", "the person's name, for the action", "NAME")
    consent: str = option("", "the actor's consent, in your words: kept with the take", "TEXT")

    def __post_init__(self) -> None:
        if not 0 <= self.start < math.inf:
            raise AVFaceError(f"--start can't be {self.start:g}.", "Give a number 0 or above.")
        if self.face is not None and self.face < 1:
            raise AVFaceError(f"--face can't be {self.face}.", "Give a number 1 or above.")
        for name in ("end", "fps", "focal", "smoothing"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise AVFaceError(f"--{name} can't be {value:g}.", "Give a number above 0.")
        if self.region is not None and not (
            all(map(math.isfinite, self.region)) and min(self.region[2:]) > 0
        ):
            raise AVFaceError(
                "--region is no part of a picture.", "Give X Y WIDTH HEIGHT in pixels."
            )


OPTIONS: dict[str, Any] = typing.get_type_hints(CaptureOptions)  # name -> type


def options_of(told: dict[str, Any]) -> CaptureOptions:
    """What a job file asks for. Raises AVFaceError."""
    found = {}
    for name, value in told.items():
        try:
            found[name] = option_value(name, value)
        except KeyError:
            raise AVFaceError(f"There is no option “{name}”.", "Write the job anew.") from None
        except (ValueError, TypeError) as error:
            raise AVFaceError(f"{name} can't be “{value}”.", f"{error}.".capitalize()) from error
    return CaptureOptions(**found)


def option_value(name: str, value: Any) -> Any:
    """The value of an option, from JSON or from text, as CaptureOptions has it.

    Raises KeyError for an unknown option, ValueError or TypeError for a value that it can't have.
    """
    kind = OPTIONS[name]
    if isinstance(kind, types.UnionType):  # X | None
        if value is None:
            return None
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
    if typing.get_origin(kind) is Literal:
        if value not in typing.get_args(kind):
            raise ValueError(f"choose from {', '.join(map(str, typing.get_args(kind)))}")
        return value
    if typing.get_origin(kind) is tuple:
        words = value.replace(",", " ").split() if isinstance(value, str) else list(value)
        kinds = typing.get_args(kind)
        if len(words) != len(kinds):
            raise ValueError(f"give {len(kinds)} numbers")
        return tuple(make(word) for make, word in zip(kinds, words, strict=True))
    if kind is bool:
        return str(value).strip().lower() in {"1", "true", "yes", "on"}
    return kind(value.strip() if isinstance(value, str) else value)


def trust_ranges(text: str) -> tuple[Range, ...]:
    """What `CaptureOptions.trust` asks for. Raises AVFaceError when it can't be read."""
    ranges: list[Range] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        sense, _, span = part.partition(":")
        start, _, end = span.partition("-")
        try:
            begin, finish = float(start), float(end)
        except ValueError:
            begin, finish = 0.0, 0.0
        if sense not in ("sound", "picture") or not 0 <= begin < finish:
            raise AVFaceError(
                f'"{part}" doesn\'t say whom to trust when.',
                "Write sound:3.2-4.0 or picture:6-7.5, several with commas, times in seconds.",
            )
        ranges.append((sense, begin, finish))
    return tuple(ranges)
