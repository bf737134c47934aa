"""Clips: which pictures there are and when, the pictures by range, the sound on the same clock.

The clock: seconds, 0 at the first picture that a player would show (pictures that an edit list cuts
away don't count); `times` are the files' own, never a rate's. Sound is put on the same clock:
sample 0 belongs to time 0 however the streams of the file start. Pictures are (H, W, 3) uint8 sRGB,
upright (a rotation tag is obeyed), with square pixels. Frames are counted from 0 within the clip as
it was opened.
"""

from .clip import Clip
from .frames import read_frames, read_some
from .opening import open_clip
from .sound import SOUND_RATE, read_waveform

__all__ = ["SOUND_RATE", "Clip", "open_clip", "read_frames", "read_some", "read_waveform"]
