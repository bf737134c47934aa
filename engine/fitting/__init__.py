"""The per-clip fit: a track in, a head's parameters out."""

from .recipe import FitOptions, FitResult, fit_clip

__all__ = ["FitOptions", "FitResult", "fit_clip"]
