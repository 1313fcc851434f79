"""Fixtures of the integration tests."""

from node_fixtures import mosquitto, node_client, portrait_folder
from uncaptured_output import print_line

__all__ = ["mosquitto", "node_client", "portrait_folder", "print_line"]
