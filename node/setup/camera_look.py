"""The cameras of this machine, tried: what each shows within some seconds."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from node.camera.connected import connected_cameras
from node.clock import Clock
from node.diagnostics.camera import LookAtAll, watch
from node.domain import Image, Look
from node.settings import CameraSettings, Settings
from node.setup.schema import CameraAnswer
from node.setup.world import FoundCamera, SeenFace, Sight

_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601: the luminance of R, G and B."""
_STEP = 8
"""Every eighth pixel is enough for a mean."""
_LEAST_AGREED = 3


class LocalCameras:
    """The cameras of this machine.

    Args:
        settings: of the node, as far as they are known; the source and its rotation are replaced.
        clock: measures the wait.
        look: looks at faces; None: no frame may be looked at, in privacy mode.
        running: returns what the node that runs here says of itself; None if none does.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        look: Callable[[], LookAtAll | None],
        running: Callable[[], Mapping[str, object] | None],
    ) -> None:
        self._settings, self._clock, self._look, self._running = settings, clock, look, running

    def find(self) -> Sequence[FoundCamera]:
        """Return the cameras that are connected."""
        return [FoundCamera(each.source, each.name) for each in connected_cameras()]

    def is_held(self, camera: CameraAnswer) -> bool:
        """Return whether the running node has this camera, and frames come."""
        own = self._settings.camera
        same = (camera.source, camera.rotate) == (own.source, own.rotate)
        return same and (self._running() or {}).get("camera") == "ok"

    def look(self, camera: CameraAnswer) -> Sight:
        """Open a camera, and return what it shows within some seconds.

        Raises:
            CameraError: it shows nothing.
        """
        return self.look_and_keep(camera)[0]

    def look_and_keep(self, camera: CameraAnswer) -> tuple[Sight, Image]:
        """Return what a camera shows, and its first frame, shape (height, width, 3), uint8, RGB; else as `look`."""
        given = {"source": camera.source, "rotate": camera.rotate}
        view = set() if camera.source.startswith("picamera") else {"hflip", "vflip", "crop"}
        kept = self._settings.camera.model_dump(exclude={"source", "rotate"} | view)
        settings = self._settings.model_copy(update={"camera": CameraSettings.model_validate(kept | given)})
        watched = watch(settings, self._clock, self._look())
        most = max(watched.looks, key=len, default=())
        rows, columns = watched.frame.image.shape[:2]
        turns = Counter(look.turn for found in watched.looks for look in found if look.turn is not None)
        faces = tuple(_seen(look, columns) for look in most)
        if turns and watched.live and turns.total() < _LEAST_AGREED:  # a single odd look decides nothing
            faces = tuple(replace(face, turn=None) for face in faces)
        return Sight(columns, rows, mean_luminance(watched.frame.image), faces), watched.frame.image


def _seen(look: Look, columns: int) -> SeenFace:
    return SeenFace(round(look.face.box.width * columns), look.flaws, look.turn)


def mean_luminance(image: Image) -> float:
    """Return the mean luminance of an image, 0..255.

    Args:
        image: shape (height, width, 3), uint8, RGB.
    """
    return float((image[::_STEP, ::_STEP].reshape(-1, 3).mean(axis=0) * _LUMA).sum())
