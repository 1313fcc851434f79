"""The network that a node would run -> a finding: which one it is, or why it cannot be loaded."""

from collections.abc import Callable

from node.diagnostics.finding import Finding
from node.errors import FacenodeError
from node.vision.tflite import Network


def network_finding(load: Callable[[], Network]) -> Finding:
    """Load the network.

    Args:
        load: loads the network; may raise FacenodeError.
    """
    try:
        network = load()
    except FacenodeError as error:
        return Finding("network", ok=False, text=str(error))
    sidecar = network.sidecar
    return Finding(
        "network", ok=True, text=f"{sidecar.name} {sidecar.version} ({sidecar.short_hash}) on {network.runtime}"
    )
