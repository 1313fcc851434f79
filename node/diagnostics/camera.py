"""Camera settings -> a finding: the size of the first frame and how its faces are turned, or why no frame comes."""

from collections import Counter
from collections.abc import Callable, Iterable

from node.camera import Camera, open_camera
from node.camera.frame_check import CheckedCamera
from node.clock import Clock
from node.diagnostics.finding import Finding
from node.domain import Frame, Instant, Look, counted
from node.errors import FacenodeError
from node.events.mounting import HALF_TURN, QUARTERS, advice
from node.settings import CameraSettings, Settings

_FIRST_FRAME_S = 10.0

_LOOK_S = 2.0
"""Seconds for which faces are looked for in the frames after the first."""

_ENOUGH_LOOKS = 5
_LEAST_LOOKS = 3
"""Looks that a live camera must give, so that a single odd one decides nothing; of a file one picture may be all."""
_AGREED = 0.8

LookAtAll = Callable[[Frame], Iterable[Look]]
"""Returns a look at each face of a frame."""


def camera_finding(
    settings: Settings,
    clock: Clock,
    look: LookAtAll | None = None,
    keep: Callable[[Frame], None] = lambda _frame: None,
) -> Finding:
    """Open the camera, wait up to 10 seconds for its first frame, and look for faces for 2 seconds.

    Faces that are upside down are a fault. Faces that lie on their side are said, but are none: somebody may be in bed.

    Args:
        settings: of the node.
        clock: measures the wait.
        look: looks at faces; None: no frame may be looked at.
        keep: called with the first frame.
    """
    started_s = clock.now().mono_s
    try:
        with CheckedCamera(open_camera(settings.camera, clock, settings.detector.width)) as camera:
            looks: Counter[int] = Counter()
            first: tuple[Instant, Frame] | None = None
            for tick in camera:
                now_s = clock.now().mono_s
                if tick.frame is not None:
                    first = first or (clock.now(), tick.frame)
                    looks.update(each.turn for each in (look(tick.frame) if look else ()) if each.turn is not None)
                if first and (look is None or looks.total() >= _ENOUGH_LOOKS or now_s - first[0].mono_s > _LOOK_S):
                    break
                if first is None and now_s - started_s > _FIRST_FRAME_S:
                    break
            if first:
                keep(first[1])
                return _described(camera, first[1], looks, settings.camera)
            problem = camera.problem or f"{camera.name}: no frame within {_FIRST_FRAME_S:.0f} s"
            return Finding("camera", ok=False, text=problem)
    except FacenodeError as error:
        return Finding("camera", ok=False, text=str(error))


def _described(camera: Camera, frame: Frame, looks: Counter[int], settings: CameraSettings) -> Finding:
    rows, columns = frame.image.shape[:2]
    masked = f" with {counted(len(settings.masks), 'mask')}" if settings.masks else ""
    text = f"{camera.name} delivers {columns}x{rows}{masked}"
    turn = max(QUARTERS, key=lambda quarter: looks[quarter])
    if looks[turn] < max(_LEAST_LOOKS if camera.live else 1, _AGREED * looks.total()):
        return Finding("camera", ok=True, text=text)
    return Finding("camera", ok=turn != HALF_TURN, text=f"{text}, but {advice(turn, settings.rotate)}")
