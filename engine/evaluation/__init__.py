"""Measures of captures against what we did not write."""
