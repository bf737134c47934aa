"""What sound says about the face."""

from .listen import VoiceFace, listen

__all__ = ["VoiceFace", "listen"]
