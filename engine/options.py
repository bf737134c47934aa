"""What to ask of a capture: light to import, so that the command line is quick."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class CaptureOptions:
    """What to capture and how. Each field is a flag of `python -m engine capture`."""

    start: float = field(default=0.0, metadata={"help": "begin here, seconds"})
    end: float | None = field(default=None, metadata={"help": "stop here, seconds"})
    face: int | None = field(
        default=None, metadata={"help": "which face, from 0; default the largest and most central"}
    )
    region: tuple[float, float, float, float] | None = field(
        default=None, metadata={"help": "look for the face in X Y WIDTH HEIGHT, pixels"}
    )
    fps: float | None = field(
        default=None, metadata={"help": "rate of a picture sequence, frames per second"}
    )
    focal: float | None = field(
        default=None, metadata={"help": "focal length, pixels; default twice the longer side"}
    )
    detail: Literal["off", "fast", "standard", "fine"] = field(
        default="standard", metadata={"help": "wrinkles as normal maps"}
    )
    smoothing: float = field(
        default=1.0, metadata={"help": "how much jitter is taken out; 0.5 less, 2 more"}
    )
    actor: str = field(default="actor", metadata={"help": "the person's name, for the action"})
    consent: str = field(
        default="", metadata={"help": "the actor's consent, in your words: kept with the take"}
    )
