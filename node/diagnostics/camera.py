"""Camera settings -> a finding: the size of the first frame, or why none comes."""

from node.camera import open_camera
from node.clock import Clock
from node.diagnostics.finding import Finding
from node.errors import FacenodeError
from node.settings import Settings

_FIRST_FRAME_S = 10.0


def camera_finding(settings: Settings, clock: Clock) -> Finding:
    """Open the camera and wait up to 10 seconds for its first frame.

    Args:
        settings: of the node.
        clock: measures the wait.
    """
    started_s = clock.now().mono_s
    try:
        with open_camera(settings.camera, clock, settings.detector.width) as camera:
            for tick in camera:
                if tick.frame is not None:
                    rows, columns = tick.frame.image.shape[:2]
                    return Finding("camera", ok=True, text=f"{camera.name} delivers {columns}x{rows}")
                if tick.at.mono_s - started_s > _FIRST_FRAME_S:
                    break
            problem = camera.problem or f"{camera.name}: no frame within {_FIRST_FRAME_S:.0f} s"
            return Finding("camera", ok=False, text=problem)
    except FacenodeError as error:
        return Finding("camera", ok=False, text=str(error))
