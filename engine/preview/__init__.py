"""Pictures of a capture for a person to judge: a film and a contact sheet."""

from .film import write_preview
from .sheet import write_sheet

__all__ = ["write_preview", "write_sheet"]
