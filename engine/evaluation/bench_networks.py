"""How fast AVFace's networks are on this machine, in each of their sizes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..device import compute_device, device_name
from ..faces import FaceOptions, FaceTrack, track_face
from ..head.model import Head
from ..media import Clip, open_clip
from ..methods.coarse import CoarseModels, Sounding, estimate_coarse, unpack_models
from ..models.config import LITE, PUBLISHED, Config
from ..models.fine import FineNetwork
from ..options import CaptureOptions
from ..progress import Report
from ..speech.hearing import hear_clip
from ..training.system import CoarseStage
from ..weights import load_head, load_network, locate

_SECONDS = 2.0  # of the demo clip


@dataclass(frozen=True)
class _Filmed:
    """A clip with what every configuration begins with."""

    clip: Clip
    track: FaceTrack
    sound: Sounding | None
    head: Head


def bench_networks() -> str:
    """Milliseconds a frame of the networks alone, as published and small; a table.

    Pictures, sound, windows of 16 frames with a step of 1, and apart the fine stage, on a part of
    the demo clip. Weights don't change the time: where none are carried they are random.
    Processor time is that of one core, whatever else the machine is doing.
    """
    clip = open_clip(locate("demo_clip"), end=_SECONDS)
    track = track_face(clip, FaceOptions(), Report())
    heard = hear_clip(clip, track, CaptureOptions())
    sound = Sounding(heard.features, heard.offset_seconds) if heard else None
    filmed = _Filmed(clip, track, sound, Head(load_head()))
    frames = len(track.times)
    lines = [
        f"{frames} frames of the demo clip on {device_name()}, {torch.get_num_threads()} threads",
        f"{'':24}{'wall ms':>10}{'core ms':>10}{'wall fps':>10}{'core fps':>10}",
    ]

    def add(name: str, work: Callable[[], object], count: int) -> None:
        wall, cpu = _seconds(work, count)
        fast = f"{1 / wall:10.1f}{1 / max(cpu, 1e-9):10.1f}"
        lines.append(f"{name:24}{1e3 * wall:10.1f}{1e3 * cpu:10.1f}{fast}")

    add("faces", lambda: track_face(clip, FaceOptions(), Report()), frames)
    sizes = (
        ("shipped", unpack_models(*load_network("avface"))),
        ("small", _untrained(LITE)),
        ("full (as published)", _untrained(PUBLISHED)),
    )
    for name, models in sizes:
        add(name, lambda models=models: _coarse(models, filmed), frames)
    for name, config in (("fine, small", LITE), ("fine, full", PUBLISHED)):
        add(name, _fine(config), 1)
    return "\n".join(lines)


def _untrained(config: Config) -> CoarseModels:
    torch.manual_seed(0)
    return unpack_models(CoarseStage(config).state_dict(), {"config": config.to_json()})


def _coarse(models: CoarseModels, filmed: _Filmed) -> object:
    return estimate_coarse(filmed.clip, filmed.track, filmed.sound, models, filmed.head)


def _fine(config: Config) -> Callable[[], object]:
    """The fine stage on one sheet of the configuration's size."""
    device = compute_device()
    network = FineNetwork(config).eval().to(device)
    sheet = torch.rand(1, config.fine_channels, config.uv, config.uv, device=device)
    sound = network.silence(1).to(device)

    def run() -> object:
        with torch.no_grad():
            return network(sheet, sound).cpu()  # a card has finished then

    return run


def _seconds(work: Callable[[], object], count: int) -> tuple[float, float]:
    """Wall and processor seconds of each of `count` frames, the second time: the first warms up."""
    work()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) / count, (time.process_time() - cpu) / count
