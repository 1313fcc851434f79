"""`picamera` or `picamera:NUMBER` -> a live camera by picamera2: full pictures, and small ones to search for faces."""

import atexit
import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from node.camera.camera import Camera
from node.camera.capture_thread import Opener, Source
from node.camera.live import LiveCamera
from node.camera.picamera.device import Device, Package, Request
from node.camera.picamera.pixels import FORMATS, MAIN_FORMAT, SMALL_FORMAT, to_rgb
from node.camera.picamera.streams import Size, controls, main_size, part_of_sensor, patience_s, small_size
from node.clock import Clock
from node.domain import Frame, Image
from node.errors import CameraError
from node.settings import CameraSettings
from node.settings.camera import Crop

_BUFFERS = 4  # one is filled, one waits, one is read, one to spare: a Pi has little contiguous memory
_TRY = "`rpicam-hello --list-cameras` shows what the system sees"


def load(importer: Callable[[str], Any] = import_module) -> Package:
    """Load picamera2, which no node without a Pi camera needs: it comes with the system, not by pip.

    What its libraries print by themselves is kept to errors, unless the environment asks for more; what picamera2
    logs comes as an exception, too.

    Args:
        importer: imports a module by its name.

    Raises:
        CameraError: it is not installed, or does not fit the other packages.
    """
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")
    logger = logging.getLogger("picamera2")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)
    try:
        libcamera, picamera2 = importer("libcamera"), importer("picamera2")
    except (ImportError, ValueError) as error:  # ValueError: a package built against another numpy
        if isinstance(error, ModuleNotFoundError) and error.name in {"picamera2", "libcamera"}:
            raise CameraError(
                f"picamera: {error.name} is not installed for this Python: `sudo apt install python3-picamera2`, and "
                "make the program's environment with `python3 -m venv --system-site-packages`"
            ) from error
        raise CameraError(
            f"picamera: picamera2 cannot be loaded ({error}): `sudo apt install --reinstall python3-picamera2`; on "
            "Raspberry Pi OS 12 the program's environment must hold numpy below 2"
        ) from error

    def opened(number: int) -> Device:
        device: Device = picamera2.Picamera2(number)
        # It would close itself at exit: one that hangs would keep a process that has given it up from ending.
        atexit.unregister(device.close)
        return device

    return Package(
        cameras=picamera2.Picamera2.global_camera_info,
        open=opened,
        mapped=picamera2.MappedArray,
        transform=libcamera.Transform,
        colour_space=libcamera.ColorSpace.Smpte170m,
    )


def open_picamera(  # noqa: PLR0913 - the last two are what tests give in place of a Pi
    number: int,
    settings: CameraSettings,
    clock: Clock,
    small_px: int | None = None,
    *,
    package: Package | None = None,
    opener: Opener | None = None,
) -> Camera:
    """Open a Pi camera; one that fails while it runs is opened again.

    Args:
        number: of the camera, as `rpicam-hello --list-cameras` counts.
        settings: of the camera.
        clock: gives every moment.
        small_px: pixels of the longer side of each frame's small picture; None: it is not wanted.
        package: stands in for picamera2.
        opener: opens the camera in place of the package.

    Raises:
        CameraError: picamera2 is not there, or there is no such camera now. That is a cable or a wrong number far
            more often than a late camera, so it is said at once.
    """
    package = package or load()
    try:
        there = [f"{place} {camera.get('Model', 'unnamed')}" for place, camera in enumerate(package.cameras())]
    except (RuntimeError, OSError) as error:
        raise CameraError(f"picamera: libcamera does not start: {_innermost(error)}; {_TRY}") from error
    if not there:
        raise CameraError(
            f"picamera: no camera is found: check its cable and that the node's user is in the group video; {_TRY}"
        )
    if number >= len(there):
        raise CameraError(f"picamera:{number}: there is none: correct camera.source (cameras here: {', '.join(there)})")
    opener = opener or partial(connect, package, number, settings, small_px)
    return LiveCamera(f"picamera:{number}", opener, clock, settings)


def connect(package: Package, number: int, settings: CameraSettings, small_px: int | None = None) -> Source:
    """Open a Pi camera and let it run.

    Raises:
        CameraError: it is busy, cannot be opened, or has not what the settings ask for.
    """
    name = f"picamera:{number}"
    try:
        device = package.open(number)
    except (RuntimeError, OSError, IndexError) as error:
        raise CameraError(f"{name}: {reason(error)}") from error
    try:
        _configure(package, device, settings, small_px)
        device.start()
    except (RuntimeError, OSError) as error:
        _let_go(device)
        raise CameraError(
            f"{name}: cannot be set up: {_innermost(error)}: try another camera.width and height"
        ) from error
    except CameraError as error:
        _let_go(device)
        raise CameraError(f"{name}: {error}") from error
    return PiSource(name, package, device, patience_s(settings))


class PiSource:
    """A Pi camera that runs.

    Args:
        name: the source as it may be printed.
        package: gives access to its memory.
        device: the camera, started.
        patience_s: seconds for which a frame is waited for.
    """

    def __init__(self, name: str, package: Package, device: Device, patience_s: float) -> None:
        self._name = name
        self._package = package
        self._device = device
        self._patience_s = patience_s
        self._streams = device.camera_configuration()

    def read(self) -> Frame:
        """Wait for the next frame.

        Raises:
            CameraError: none comes, or the camera fails.
        """
        try:
            request = self._device.capture_request(wait=self._patience_s)
        except TimeoutError as error:
            self._device.cancel_all_and_flush()  # closing would wait behind this capture for ever
            raise CameraError(f"{self._name}: no frame for {self._patience_s:g} s: check its cable") from error
        except (RuntimeError, OSError) as error:
            raise CameraError(f"{self._name}: failed: {_innermost(error)}: check its cable") from error
        try:
            return Frame(self._picture(request, "main"), self._small(request))
        finally:
            request.release()

    def close(self) -> None:
        """Let go of the camera; twice is fine.

        Raises:
            CameraError: it cannot be stopped.
        """
        try:
            self._device.close()
        except (RuntimeError, OSError) as error:
            raise CameraError(f"{self._name}: cannot be closed: {_innermost(error)}: start the Pi anew") from error

    def _small(self, request: Request) -> Image | None:
        return self._picture(request, "lores") if self._streams.get("lores") else None

    def _picture(self, request: Request, stream: str) -> Image:
        made = self._streams[stream]
        with self._package.mapped(request, stream) as buffer:
            return to_rgb(buffer.array, made["format"], made["size"])


def reason(error: BaseException) -> str:
    """Return why a camera cannot be opened, and what to do.

    picamera2 wraps what libcamera says into errors that say nothing: the innermost one tells.
    """
    if any("busy" in str(cause).lower() for cause in _causes(error)):
        return "is used by another program: end that one (`sudo fuser -v /dev/media*` names it)"
    return f"cannot be opened: {_innermost(error)}: check its cable; {_TRY}"


def _let_go(device: Device) -> None:
    """Close a camera that could not be set up: that is what is told, not that it closes badly, too."""
    with contextlib.suppress(RuntimeError, OSError):
        device.close()


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _innermost(error: BaseException) -> str:
    *_, last = _causes(error)
    return str(last) or type(last).__name__


def _configure(package: Package, device: Device, settings: CameraSettings, small_px: int | None) -> None:
    size = main_size(settings)
    small = small_size(size, small_px)
    configuration = device.create_video_configuration(
        main={"size": size, "format": MAIN_FORMAT},
        lores={"size": small, "format": SMALL_FORMAT} if small else None,
        transform=package.transform(hflip=settings.hflip, vflip=settings.vflip),
        colour_space=package.colour_space(),
        controls=controls(settings, device.camera_controls),
        buffer_count=_BUFFERS,
        queue=False,  # a frame that was kept for whoever comes late would carry a moment that is not its own
    )
    device.configure(configuration)
    made = device.camera_configuration()
    for stream in ("main", "lores") if small else ("main",):
        if made[stream]["format"] not in FORMATS:
            raise CameraError(
                f"gives {made[stream]['format']}, not {' or '.join(FORMATS)}: a camera that is none of a Pi's own is "
                "webcam:NUMBER"
            )
    if settings.crop is not None:
        _crop(device, settings.crop, size, streams=2 if small else 1)


def _crop(device: Device, crop: Crop, size: Size, *, streams: int) -> None:
    """Show a part of the view, in all streams the same."""
    offered = device.camera_controls
    if "ScalerCrop" not in offered:
        raise CameraError("cannot show a part of its view: remove camera.crop")
    rectangle = part_of_sensor(offered["ScalerCrop"][1], crop, size)
    # Where each stream may have a part of its own, picamera2 sets them itself, and those count.
    many = "ScalerCrops" in offered
    device.set_controls({"ScalerCrops": [rectangle] * streams} if many else {"ScalerCrop": rectangle})
