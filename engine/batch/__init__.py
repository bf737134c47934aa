"""Many clips: a folder or a manifest in; takes, sheets and one report out."""

from .manifest import Wanted, read_manifest
from .run import BatchOptions, run_batch
from .summary import write_summary

__all__ = ["BatchOptions", "Wanted", "read_manifest", "run_batch", "write_summary"]
