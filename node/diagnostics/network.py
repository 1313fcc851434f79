"""The network that a node would run -> a finding: which one it is, or why it cannot be loaded."""

from collections.abc import Callable

from node.diagnostics.finding import Finding
from node.errors import FacenodeError
from node.people.scoring import Scoring
from node.vision.sidecar import Sidecar
from node.vision.tflite import Network


def network_finding(load: Callable[[], Network], load_scoring: Callable[[Sidecar], Scoring] | None) -> Finding:
    """Load the network, and what its embeddings are compared with.

    Args:
        load: loads the network; may raise FacenodeError.
        load_scoring: returns how its embeddings are compared; may raise FacenodeError; None if they are not.
    """
    try:
        network = load()
        sidecar = network.sidecar
        scoring = None if load_scoring is None else load_scoring(sidecar)
    except FacenodeError as error:
        return Finding("network", ok=False, text=str(error))
    text = f"{sidecar.name} {sidecar.version} ({sidecar.short_hash}) on {network.runtime}"
    if scoring is not None and scoring.cohort is None:
        text += ", without a cohort: strangers of some groups are named more often than people.max_fpir says"
    return Finding("network", ok=True, text=text)
