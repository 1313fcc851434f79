"""Fixtures of this folder, by name."""

from homefixtures import broker, home
from saying import say

__all__ = ["broker", "home", "say"]
