"""Fixtures of the acceptance tests."""

from home_assistant_fixtures import broker, home
from node_fixtures import mosquitto, portrait_folder
from uncaptured_output import print_line

__all__ = ["broker", "home", "mosquitto", "portrait_folder", "print_line"]
