"""Heads: what they are made of and how they move."""
