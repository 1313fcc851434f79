"""What a tick says to the requests that need somebody in view."""

import pytest
from makers import instant

from node.domain import CameraState, Tick
from node.requests.view import View


@pytest.mark.parametrize(
    ("camera", "problem"),
    [
        (CameraState.OK, None),
        (None, None),
        (CameraState.LOST, "the camera is lost"),
        (CameraState.PRIVATE, "privacy mode is on"),
    ],
)
def test_a_request_is_refused_only_where_waiting_cannot_help(camera: CameraState | None, problem: str | None) -> None:
    """A camera that is only starting will show somebody in a moment."""
    assert View(Tick(instant(0), None), (), camera).problem == problem
