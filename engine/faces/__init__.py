"""Whose face is where in each picture, and how far each part of it can be believed."""

from .track import FaceOptions, FaceTrack, track_face

__all__ = ["FaceOptions", "FaceTrack", "track_face"]
