"""`picamera` or `picamera:NUMBER` -> a live camera by picamera2: full images, and small ones to search for faces."""

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
from node.camera.frame_check import size_flaw
from node.camera.live import LiveCamera
from node.camera.picamera.device import Device, Package, Request
from node.camera.picamera.pixels import FORMATS, MAIN_FORMAT, SMALL_FORMAT, to_rgb
from node.camera.picamera.streams import (
    Size,
    controls,
    frame_timeout_s,
    main_size,
    part_of_sensor,
    small_size,
    unturned,
)
from node.clock import Clock
from node.domain import Frame, Image
from node.errors import CameraError
from node.settings import CameraSettings
from node.settings.camera import Crop

_BUFFERS = 4  # one being filled, one waiting, one being read, one spare: a Pi has little contiguous memory
_HINT = "`rpicam-hello --list-cameras` shows what the system sees"


def load(importer: Callable[[str], Any] = import_module) -> Package:
    """Load picamera2, which only a node with a Pi camera needs: it comes with the system, not by pip.

    Its libraries print errors only, unless the environment asks for more. The log of picamera2 is turned off, since it
    also raises what it logs.

    Args:
        importer: imports a module by its name.

    Raises:
        CameraError: it is not installed, or does not work with the other packages.
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

    def open_device(number: int) -> Device:
        device: Device = picamera2.Picamera2(number)
        # It would close itself at exit, and a camera that hangs would then keep the process from ending.
        atexit.unregister(device.close)
        return device

    return Package(
        cameras=picamera2.Picamera2.global_camera_info,
        open=open_device,
        mapped=picamera2.MappedArray,
        transform=libcamera.Transform,
        colour_space=libcamera.ColorSpace.Smpte170m,
    )


def open_picamera(  # noqa: PLR0913 - tests give the last two in place of a Pi
    number: int,
    settings: CameraSettings,
    clock: Clock,
    small_px: int | None = None,
    *,
    package: Package | None = None,
    opener: Opener | None = None,
) -> Camera:
    """Open a Pi camera; wait for it when it is not there, and reopen it when it fails while it runs.

    Args:
        number: of the camera, as `rpicam-hello --list-cameras` counts them.
        settings: of the camera.
        clock: gives every moment.
        small_px: pixels of the longer side of each frame's small image; None: no small image.
        package: stands in for picamera2.
        opener: opens the camera in place of the package.

    Raises:
        CameraError: picamera2 is not installed.
    """
    package = package or load()
    opener = opener or partial(connect, package, number, settings, small_px)
    return LiveCamera(f"picamera:{number}", opener, clock, settings, keeps_state=True)


def connect(package: Package, number: int, settings: CameraSettings, small_px: int | None = None) -> Source:
    """Open and start a Pi camera.

    Raises:
        CameraError: it does not exist, is busy, cannot be opened, or cannot do what the settings ask for.
    """
    _check_number(package, number)
    name = f"picamera:{number}"
    try:
        device = package.open(number)
    except (RuntimeError, OSError, IndexError) as error:
        raise CameraError(f"{name}: {reason(error)}") from error
    try:
        _configure(package, device, settings, small_px)
        device.start()
    except (RuntimeError, OSError) as error:
        _close_quietly(device)
        raise CameraError(
            f"{name}: cannot be set up: {_innermost(error)}: try another camera.width and camera.height"
        ) from error
    except CameraError as error:
        _close_quietly(device)
        raise CameraError(f"{name}: {error}") from error
    return PiSource(name, package, device, frame_timeout_s(settings))


class PiSource:
    """A running Pi camera.

    Args:
        name: the source as it may be printed.
        package: gives access to its memory.
        device: the camera, started.
        frame_timeout_s: seconds to wait for a frame.
    """

    def __init__(self, name: str, package: Package, device: Device, frame_timeout_s: float) -> None:
        self._name = name
        self._package = package
        self._device = device
        self._frame_timeout_s = frame_timeout_s
        self._streams = device.camera_configuration()

    def read(self) -> Frame:
        """Wait for the next frame.

        Raises:
            CameraError: no frame comes, or the camera fails.
        """
        try:
            request = self._device.capture_request(wait=self._frame_timeout_s)
        except TimeoutError as error:
            self._device.cancel_all_and_flush()  # else closing would wait behind this capture for ever
            raise CameraError(f"{self._name}: no frame for {self._frame_timeout_s:g} s: check its cable") from error
        except (RuntimeError, OSError) as error:
            raise CameraError(f"{self._name}: failed: {_innermost(error)}: check its cable") from error
        try:
            return Frame(self._image(request, "main"), self._small(request))
        finally:
            request.release()

    def close(self) -> None:
        """Release the camera; closing twice is fine.

        Raises:
            CameraError: it cannot be stopped.
        """
        try:
            self._device.close()
        except (RuntimeError, OSError) as error:
            raise CameraError(f"{self._name}: cannot be closed: {_innermost(error)}: restart the Pi") from error

    def _small(self, request: Request) -> Image | None:
        return self._image(request, "lores") if self._streams.get("lores") else None

    def _image(self, request: Request, stream: str) -> Image:
        configured = self._streams[stream]
        with self._package.mapped(request, stream) as buffer:
            return to_rgb(buffer.array, configured["format"], configured["size"])


def reason(error: BaseException) -> str:
    """Return why a camera cannot be opened, and what to do.

    picamera2 wraps libcamera's error in others that explain nothing, so the innermost one is reported.
    """
    if any("busy" in str(cause).lower() for cause in _causes(error)):
        return "is used by another program: stop it (`sudo fuser -v /dev/media*` names it)"
    return f"cannot be opened: {_innermost(error)}: check its cable; {_HINT}"


def _check_number(package: Package, number: int) -> None:
    """Refuse the number of a camera that libcamera does not see."""
    try:
        available = [f"{index} {camera.get('Model', 'unnamed')}" for index, camera in enumerate(package.cameras())]
    except (RuntimeError, OSError) as error:
        raise CameraError(f"picamera: libcamera does not start: {_innermost(error)}; {_HINT}") from error
    if not available:
        raise CameraError(
            f"picamera: no camera is found: check its cable and that the node's user is in the group video; {_HINT}"
        )
    if number >= len(available):
        raise CameraError(
            f"picamera:{number}: no such camera: correct camera.source (cameras here: {', '.join(available)})"
        )


def _close_quietly(device: Device) -> None:
    """Close a camera that could not be set up; an error in closing must not hide that one."""
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
        queue=False,  # a queued frame would carry the time of its delivery, not of its capture
    )
    device.configure(configuration)
    configured = device.camera_configuration()
    for stream in ("main", "lores") if small else ("main",):
        if configured[stream]["format"] not in FORMATS:
            raise CameraError(
                f"gives {configured[stream]['format']}, not {' or '.join(FORMATS)}: for a camera other than "
                "a Pi camera set camera.source to webcam:NUMBER"
            )
    if wrong := size_flaw(*configured["main"]["size"]):
        raise CameraError(f"gives {wrong}: set camera.width and camera.height to a size it supports")
    if settings.crop is not None:
        _crop(device, unturned(settings.crop, settings.rotate), size, streams=2 if small else 1)


def _crop(device: Device, crop: Crop, size: Size, *, streams: int) -> None:
    """Crop the view, the same in all streams."""
    offered = device.camera_controls
    if "ScalerCrop" not in offered:
        raise CameraError("cannot crop its view: remove camera.crop")
    rectangle = part_of_sensor(offered["ScalerCrop"][1], crop, size)
    # Where each stream can have its own crop, picamera2 sets those crops itself, and they win over ScalerCrop.
    per_stream = "ScalerCrops" in offered
    device.set_controls({"ScalerCrops": [rectangle] * streams} if per_stream else {"ScalerCrop": rectangle})
