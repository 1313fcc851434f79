"""Check whether the network can be loaded."""

from node.diagnostics.finding import Finding
from node.diagnostics.network import network_finding
from node.errors import ModelError
from node.vision.tflite import Network


def damaged() -> Network:
    """Fail as a network does whose file is damaged."""
    raise ModelError("a.tflite: sha256 is 1, its sidecar says 2")


def test_a_network_that_cannot_be_loaded_is_a_fault() -> None:
    """The error becomes a line of the check rather than its end."""
    assert network_finding(damaged) == Finding("network", ok=False, text="a.tflite: sha256 is 1, its sidecar says 2")
