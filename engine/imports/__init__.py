"""Other tools' parameters as takes, recognised by content; each file states its conventions."""

from .recognise import import_parameters

__all__ = ["import_parameters"]
