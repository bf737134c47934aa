"""Train what AVFace carries for "what sound says about the face".

    .venv/engine/bin/python scripts/recipes/train_voice.py SCRATCH [--seconds 400] [--minutes 90]

Speaks its own corpus (Debian packages: see train_phones.py), hears it with the acoustic network of
weights/, moves random speakers' mouths along, trains, and leaves SCRATCH/voice.safetensors with a
table of voices that no training heard. Called again, it goes on where it stopped; train it anew
whenever the acoustic network changes. `--measure` trains nothing: the table of the weights that
AVFace carries.
"""

import argparse
import json
import sys
from pathlib import Path

from recipe import say

TESTED, CALIBRATED = ("flite:awb", "festival:ked"), ("espeak:gmw/en+m7", "espeak:en-us+f4")


def read_options(about: str, minutes: float, measures: bool = False) -> argparse.Namespace:
    """The command line of a training on spoken clips; `minutes` of speech by default."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("scratch", type=Path, help="folder of the run")
    parser.add_argument("--seconds", type=float, default=400, help="of training")
    parser.add_argument("--minutes", type=float, default=minutes, help="of speech to make")
    parser.add_argument("--neural", type=float, default=0.0, help="minutes by neural voices too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start-from", type=Path, help="weights to begin with")
    if measures:
        parser.add_argument("--measure", action="store_true", help="the carried weights alone")
    return parser.parse_args()


def main() -> int:
    """Clips, training, calibration, weights, tables."""
    options = read_options(__doc__, 90, measures=True)
    if options.measure:
        return measure_carried(options.seed)

    import torch

    from engine.models.voice import describe
    from engine.training.checkpoint import last_weights, save_weights
    from engine.training.loop import LoopOptions, train
    from engine.training.voice import VoiceTask, calibrate, settle
    from engine.weights import registry

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    clips = speak_clips(options.minutes, options.seed, options.neural)
    judges = speak_judges(options.seed)
    task = VoiceTask(clips, judges["calibrated"])
    loop = LoopOptions(
        options.scratch / "voice", seconds=options.seconds, lr=3e-3, warmup=60, optimizer="adamw",
        weight_decay=1e-3, clip=2.0, ema=0.99, evaluate_every=500, seed=options.seed,
        device="cpu", start_from=options.start_from,
    )  # fmt: skip
    done = train(task, loop, say)

    net = task.model.cpu()
    net.load_state_dict(last_weights(loop.folder))
    settle(net.eval(), clips, options.seed)
    calibrate(net, judges["calibrated"])
    about = describe(net, "phones", registry()["phones"]["sha256"]) | {"steps": done["step"]}
    path = options.scratch / "voice.safetensors"
    save_weights(net, path, about)
    say(f"{path}: {path.stat().st_size} bytes")
    say(json.dumps(_figures(net, judges), indent=1))
    return 0


def measure_carried(seed: int) -> int:
    """Print the table of the weights that AVFace carries."""
    import torch

    from engine.exchange.protocol import AVFaceError
    from engine.models.voice import restore
    from engine.training.speech import require_speakers
    from engine.weights import load_network

    try:
        require_speakers()
    except AVFaceError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    net = restore(*load_network("voice")).eval()
    say(json.dumps(_figures(net, speak_judges(seed)), indent=1))
    return 0


def _lips():
    from engine.head.mouth import lip_marks_of
    from engine.weights import load_head

    head = load_head()
    return lip_marks_of(head), head.expression_names


def _hear(waveform):
    from engine.audio import speech_features

    return speech_features(waveform, "phones")


def speak_clips(minutes: float, seed: int, neural: float) -> list:
    from engine.training.voice_clips import heard_clips, read_aloud, unheard_clips

    lips, names = _lips()
    said = read_aloud(minutes, seed, say, neural)
    clips = list(heard_clips(said, _hear, lips, names, seed))
    clips += unheard_clips(max(len(clips) // 8, 1), _hear, lips, names, seed)
    say(f"{len(clips)} clips, {sum(len(c.truth) for c in clips) / 180_000:.2f} h")
    return clips


def speak_judges(seed: int) -> dict[str, list]:
    """Clips of voices that no training hears: random speakers to calibrate, a plain one to test."""
    import random

    import numpy as np
    import torch

    from engine.training.speech import speak_all
    from engine.training.speech.augment import spoil
    from engine.training.speech.noises import noise_pool
    from engine.training.speech.texts import texts
    from engine.training.trajectories import Style
    from engine.training.voice_clips import heard_clips, spoken_clip, unheard_clips

    lips, names = _lips()
    source = texts("en", random.Random(7_001 + seed))
    generator = np.random.default_rng(7_002 + seed)
    pool = noise_pool(35, 6.0, generator)
    judges: dict[str, list] = {"calibrated": [], "random speakers": [], "unspoken": []}
    for voice in CALIBRATED:
        said = speak_all([next(source) for _ in range(10)], voice)
        judges["calibrated"] += heard_clips(said, _hear, lips, names, 7_003, takes=1)
    for voice in TESTED:
        said = speak_all([next(source) for _ in range(12)], voice)
        judges["random speakers"] += heard_clips(said, _hear, lips, names, 7_004, takes=1)
        for strength in (0.0, 1.0):
            kind = f"{voice} {'spoilt' if strength else 'clean'}"
            judges[kind] = []
            for one in said:
                sound = torch.from_numpy(one.waveform)[None]
                sound = spoil(sound, pool, generator) if strength else sound
                features = _hear(sound[0].numpy())
                judges[kind].append(
                    spoken_clip(features, one.phones, lips, names, voice, generator, Style())
                )
    judges["unspoken"] += unheard_clips(24, _hear, lips, names, 7_005)
    return judges


def _figures(net, judges: dict[str, list]) -> dict[str, dict[str, float]]:
    from engine.training.voice import measure

    return {
        name: {key: round(value, 3) for key, value in measure(net, clips).items()}
        for name, clips in judges.items()
    }


if __name__ == "__main__":
    sys.exit(main())
