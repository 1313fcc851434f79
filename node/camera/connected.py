"""The devices of this machine -> the cameras that are connected, each with the source that opens it."""

import fcntl
import os
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.camera.picamera import driver
from node.errors import CameraError

_QUERYCAP = 0x80685600
"""VIDIOC_QUERYCAP, <linux/videodev2.h>: `struct v4l2_capability`, 104 bytes, is filled in."""
_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_CAPTURE, _DEVICE_CAPS = 0x1, 0x80000000
_MEMORY_TO_MEMORY = 0x00008000 | 0x00004000
_PI_DRIVERS = re.compile(r"bcm2835|unicam|rp1|pispbe|rpi|hevc")
"""Drivers of a Pi's own pipeline: its cameras are opened by picamera2, and the rest are no cameras."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What a video device says of itself.

    Attributes:
        driver: its driver in the kernel.
        card: the name that its maker gave it.
        flags: what it can do.
    """

    driver: str
    card: str
    flags: int


@dataclass(frozen=True, slots=True)
class ConnectedCamera:
    """A camera.

    Attributes:
        source: as `camera.source` has it.
        name: what its maker calls it.
    """

    source: str
    name: str


def connected_cameras(
    devices: Path = Path("/dev"),
    query: Callable[[Path], Capability | None] | None = None,
    pi_cameras: Callable[[], Sequence[str]] | None = None,
) -> list[ConnectedCamera]:
    """Return the cameras that are connected: those of a Pi first, then webcams.

    Args:
        devices: the folder of device files.
        query: asks a device what it is; the kernel unless given.
        pi_cameras: returns the models of a Pi's cameras; picamera2 unless given.
    """
    models = (pi_cameras or _pi_cameras)()
    found = [
        ConnectedCamera("picamera" if number == 0 else f"picamera:{number}", f"Pi camera {model}")
        for number, model in enumerate(models)
    ]
    return found + list(_webcams(devices, query or _query))


def _webcams(devices: Path, query: Callable[[Path], Capability | None]) -> Iterator[ConnectedCamera]:
    names = {path.resolve(): path for path in sorted((devices / "v4l" / "by-id").glob("*"), reverse=True)}
    paths = [path for path in devices.glob("video*") if path.name.removeprefix("video").isdecimal()]
    for path in sorted(paths, key=lambda each: int(each.name.removeprefix("video"))):
        found = query(path)
        if found is None or not found.flags & _CAPTURE or found.flags & _MEMORY_TO_MEMORY:
            continue
        if not _PI_DRIVERS.search(found.driver):
            lasting = names.get(path.resolve())  # the same after the camera was plugged in elsewhere
            yield ConnectedCamera(f"webcam:{lasting or path.name.removeprefix('video')}", found.card or path.name)


def _query(path: Path) -> Capability | None:
    try:
        device = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        answer = fcntl.ioctl(device, _QUERYCAP, bytes(_CAPABILITY.size))
    except OSError:
        return None
    finally:
        os.close(device)
    name, card, _, _, all_flags, own_flags = _CAPABILITY.unpack(answer)
    flags = own_flags if all_flags & _DEVICE_CAPS else all_flags
    return Capability(_text(name), _text(card), flags)


def _text(field: bytes) -> str:
    text = field.split(b"\0")[0].decode("utf-8", "replace")
    return "".join(each for each in text if each.isprintable()).strip()


def _pi_cameras() -> list[str]:
    try:
        package = driver.load()
    except CameraError:  # picamera2 is not installed, so there is nothing that could open one
        return []
    return [str(each.get("Model", "")) for each in package.cameras() if "usb" not in str(each.get("Id", "")).lower()]
