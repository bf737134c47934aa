"""The command `sound`: speech features of a clip, and the test of a user's graph."""

import argparse
from pathlib import Path

from ..exchange.protocol import DONE, AVFaceError
from ..exchange.saving import save_arrays
from .flags import add_command, add_group


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `sound features` and `sound check`."""
    what = add_group(commands, "sound", "what the engine hears in a clip")
    about = "speech features of a clip, 50 a second"
    features = add_command(what, "features", about, _features)
    features.add_argument("clip", type=Path, help="video or sound file")
    features.add_argument(
        "--kind", choices=["phones", "deepspeech", "mel", "wav2vec2"], default="phones",
        help="default phones, which needs no model of yours",
    )  # fmt: skip
    features.add_argument(
        "--model", type=Path, metavar="PATH", help="your DeepSpeech file or wav2vec 2.0 folder"
    )
    features.add_argument(
        "--out", type=Path, metavar="FILE", required=True, help="the .npz to write"
    )
    check = add_command(what, "check", "whether a DeepSpeech file spells words", _check)
    check.add_argument("file", type=Path, help="output_graph.pb (0.1.0), .pb or .pbmm (0.9)")
    check.add_argument("clip", type=Path, help="clear English speech")


def _features(options: argparse.Namespace) -> int:
    import numpy as np

    from ..audio import speech_features
    from ..audio.features import RATE, STEP_CENTRE_SECONDS

    features = speech_features(_hear(options.clip), options.kind, options.model)
    times = np.arange(len(features.values)) / RATE + STEP_CENTRE_SECONDS
    arrays = {"kind": np.array(features.kind), "values": features.values, "times": times}
    save_arrays(options.out, arrays)
    steps, channels = features.values.shape
    print(f"{options.out}: {features.kind}, {steps} steps of {channels} channels")
    return DONE


def _check(options: argparse.Namespace) -> int:
    from ..audio.deepspeech import load_deepspeech, self_test

    text = self_test(_hear(options.clip), options.file)
    model = load_deepspeech(options.file)
    width = model.lstm.hidden_size
    print(f"{options.file.name}: DeepSpeech {model.release}, {width} hidden units")
    print(f"{options.clip.name}: {text}")
    return DONE


def _hear(clip: Path):
    """The clip's sound, (N,) float32 at 16 kHz. Raises AVFaceError."""
    from ..media import open_clip, read_waveform

    waveform = read_waveform(open_clip(clip))
    if waveform is None:
        raise AVFaceError(f"{clip.name} has no sound.", "Choose a clip with speech.")
    return waveform
