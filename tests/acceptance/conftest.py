"""Fixtures of this folder, by name."""

from homefixtures import broker, home

__all__ = ["broker", "home"]
