"""Fixtures of the acceptance tests."""

from home_assistant_fixtures import broker, home
from uncaptured_output import print_line

__all__ = ["broker", "home", "print_line"]
