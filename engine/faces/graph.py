"""MediaPipe's graphs, run picture by picture in the caller's own thread.

Its packaged solutions make a class for every answer, start threads and hand pictures from one to
the other: that takes a third of the mesh network's own time on one core (docs/log.md).
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# Options of calculators that our graphs hold: Python's messages drop what they don't know.
_OPTIONS = (
    "core.constant_side_packet", "core.gate", "core.split_vector", "tensor.image_to_tensor",
    "tensor.inference", "tensor.tensors_to_detections", "tensor.tensors_to_landmarks",
    "tflite.ssd_anchors", "util.landmarks_refinement", "util.non_max_suppression",
    "util.thresholding",
)  # fmt: skip


@cache
def mediapipe_root() -> Path:
    """The folder of the mediapipe package, which from here on can be imported in parts.

    Its own `__init__` imports much that the engine hasn't (jax, matplotlib, ...).
    """
    os.environ.setdefault("GLOG_minloglevel", "3")
    spec = importlib.util.find_spec("mediapipe")
    assert spec and spec.origin, "mediapipe is not installed in the engine's environment"
    root = Path(spec.origin).parent
    package = types.ModuleType("mediapipe")
    package.__path__ = [str(root)]
    sys.modules.setdefault("mediapipe", package)
    return root


def mediapipe_module(name: str) -> Any:
    """A module of mediapipe without what its packages import besides."""
    mediapipe_root()
    return importlib.import_module(f"mediapipe.{name}")


class Graph:
    """One graph that stays loaded: a set of inputs in, a set of outputs out, without memory."""

    def __init__(
        self,
        source: Path | str,
        outputs: tuple[str, ...],
        side_inputs: dict[str, Any] | None = None,
        prepare: Callable[[Any], None] | None = None,
    ) -> None:
        """Load a graph.

        Args:
            source: A binary graph file, or a graph as text.
            outputs: Names of the streams that are read.
            side_inputs: Packets that hold for all pictures.
            prepare: Changes the graph's configuration, its subgraphs laid open, in place.
        """
        bindings = mediapipe_module("python._framework_bindings")
        bindings.resource_util.set_resource_dir(str(mediapipe_root().parent))
        configuration = _laid_open(source, bindings)
        if prepare:
            prepare(configuration)
        del configuration.executor[:]
        configuration.executor.add(name="", type="ApplicationThreadExecutor")
        self._graph = bindings.calculator_graph.CalculatorGraph(graph_config=configuration)
        self._answers: dict[str, Any] = {}
        self._time = 0
        for name in outputs:
            self._graph.observe_output_stream(name, self._answers.__setitem__, True)
        with _unheard():
            self._graph.start_run(side_inputs or {})
        atexit.register(self._close)

    def run(self, **packets: Any) -> dict[str, Any]:
        """The outputs' packets for the inputs' packets; an empty answer is left out."""
        self._answers.clear()
        self._time += 1
        for name, packet in packets.items():
            self._graph.add_packet_to_input_stream(stream=name, packet=packet.at(self._time))
        with _unheard() if self._time == 1 else nullcontext():
            self._graph.wait_until_idle()
        return {name: p for name, p in self._answers.items() if not p.is_empty()}

    def _close(self) -> None:
        with _unheard():  # one that never ran opens its networks now
            self._graph.close()


def picture_packet(picture: np.ndarray) -> Any:
    """A picture (H, W, 3) uint8 RGB, contiguous, as a graph takes it; from here on read-only."""
    picture.flags.writeable = False  # so it isn't copied
    rgb = mediapipe_module("python._framework_bindings").image_frame.ImageFormat.SRGB
    return packets().create_image_frame(picture, image_format=rgb)


@cache
def packets() -> Any:
    """What makes packets."""
    return mediapipe_module("python.packet_creator")


@cache
def contents() -> Any:
    """What reads packets."""
    return mediapipe_module("python.packet_getter")


@contextmanager
def _unheard() -> Iterator[None]:
    """Without what the library logs as a graph begins: five lines that no artist can use.

    They go past Python to the process's standard error; what fails raises besides.
    """
    try:
        kept = os.dup(2)
    except OSError:  # a process without one
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _laid_open(source: Path | str, bindings: Any) -> Any:
    """The graph's configuration with its subgraphs' nodes in their places."""
    for name in _OPTIONS:
        mediapipe_module(f"calculators.{name}_calculator_pb2")
    proto = mediapipe_module("framework.calculator_pb2").CalculatorGraphConfig
    graph = bindings.validated_graph_config.ValidatedGraphConfig()
    if isinstance(source, Path):
        graph.initialize(binary_graph_path=str(source))
    else:
        text_format = importlib.import_module("google.protobuf.text_format")
        graph.initialize(graph_config=text_format.Parse(source, proto()))
    return proto.FromString(graph.binary_config)
