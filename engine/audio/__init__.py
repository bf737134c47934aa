"""What the face should know of the sound: 50 Hz features of a waveform, and windows of them."""

from .features import SpeechFeatures
from .kinds import speech_features
from .windows import WINDOW, windows

__all__ = ["WINDOW", "SpeechFeatures", "speech_features", "windows"]
