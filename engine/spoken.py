"""A head that speaks a sound file: nobody is seen, so the rest of the face is improvised."""

import numpy as np

from .exchange.protocol import AVFaceError
from .exchange.take import REGIONS, Take
from .fitting.landmark_track import landmark_track
from .geometry import focal_px
from .head.model import Head
from .head.tongue import with_clear_tongue
from .media import SOUND_RATE, Clip, read_waveform
from .options import CaptureOptions
from .progress import Report
from .speech.improvise import improvise
from .takes import common_fields

_FPS, _SIZE = 30.0, (1080, 1080)  # of a take that no film gives a rate and a size


def speak(
    clip: Clip, head: Head, person: Take | None, options: CaptureOptions, report: Report
) -> Take:
    """The take of a sound file, spoken by `person` or, where that is None, the default one.

    Raises AVFaceError when the file holds no sound.
    """
    from .audio import speech_features  # torch is slow to load
    from .audio.voice import listen

    waveform = read_waveform(clip)
    if waveform is None or not len(waveform):
        raise AVFaceError(f"{clip.path.name} holds no sound.", "Choose another file.")
    fps = options.fps or _FPS
    end = min(len(waveform) / SOUND_RATE, np.inf if options.end is None else options.end)
    times = np.arange(options.start, end, 1 / fps)
    if not len(times):
        raise AVFaceError(
            f"{clip.path.name} has no sound after {options.start:g} s.", "Choose another start."
        )
    report.part("voice", 0, 0.5)(0.2)
    voice = listen(speech_features(waveform), times)
    if voice.speaking.max() < 0.5:
        report.warn(f"No speech is heard in {clip.path.name}: the mouth stays at rest.")
    params = improvise(voice, times, head, focal_px(options.focal, _SIZE))
    if person is not None:
        params = params.replace(shape=person.shape, albedo=person.albedo)
    params = with_clear_tongue(params, head)
    everywhere = np.ones(len(times))
    return Take(
        times=times,
        landmarks_px=landmark_track(head, params, _SIZE).astype(np.float32),
        found=everywhere > 0,
        confidence=np.ones((len(times), len(REGIONS)), np.float32),
        trust_sound=everywhere.astype(np.float32),
        size=_SIZE,
        fps=float(fps),
        sound_offset=float(clip.sound_offset),
        **common_fields(clip, params, head.file, options),
    )
