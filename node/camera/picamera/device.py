"""picamera2 and libcamera -> the parts that the driver uses, so that a fake can take their place."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Request(Protocol):
    """A frame in the camera's own memory."""

    def release(self) -> None:
        """Return the memory to the camera."""
        ...


class Buffer(Protocol):
    """The memory of one stream of a request."""

    @property
    def array(self) -> npt.NDArray[np.uint8]:
        """The camera's own memory, valid until the request is released."""
        ...


class Device(Protocol):
    """An open camera: the part of picamera2.Picamera2 that the driver uses."""

    @property
    def camera_controls(self) -> Mapping[str, Any]:
        """Minimum, maximum and default of each control that the camera has, by name."""
        ...

    def create_video_configuration(self, **options: object) -> dict[str, Any]:
        """Return a configuration for `configure`."""
        ...

    def configure(self, configuration: dict[str, Any]) -> None:
        """Set the streams up."""
        ...

    def camera_configuration(self) -> Mapping[str, Any]:
        """Return the streams as configured: the camera may have changed sizes and formats."""
        ...

    def set_controls(self, values: dict[str, object]) -> None:
        """Set controls for the next frame."""
        ...

    def start(self) -> None:
        """Start to fill buffers."""
        ...

    def capture_request(self, *, wait: float) -> Request:
        """Wait at most so many seconds for the next frame; raise TimeoutError after that."""
        ...

    def cancel_all_and_flush(self) -> None:
        """Cancel all waits for frames."""
        ...

    def close(self) -> None:
        """Stop and release the camera."""
        ...


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of picamera2 and libcamera that the driver uses.

    Attributes:
        cameras: returns the properties of each camera, in the order of their numbers.
        open: opens the camera of a number; raises RuntimeError if it cannot.
        mapped: gives access to the memory of a request's stream, `main` or `lores`.
        transform: makes a transform of `hflip` and `vflip`.
        colour_space: makes the colour space that OpenCV assumes for YUV: BT.601, limited range.
    """

    cameras: Callable[[], Sequence[Mapping[str, Any]]]
    open: Callable[[int], Device]
    mapped: Callable[[Any, str], AbstractContextManager[Buffer]]
    transform: Callable[..., object]
    colour_space: Callable[[], object]
