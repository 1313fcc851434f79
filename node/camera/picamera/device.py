"""picamera2 and libcamera -> what the driver uses of them, so that something else may stand in their place."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Request(Protocol):
    """A frame in the camera's own memory."""

    def release(self) -> None:
        """Give the memory back to the camera."""
        ...


class Buffer(Protocol):
    """The memory of one stream of a request."""

    @property
    def array(self) -> npt.NDArray[np.uint8]:
        """The camera's own memory, valid until the request is released."""
        ...


class Device(Protocol):
    """An opened camera: of picamera2.Picamera2 what is used here."""

    @property
    def camera_controls(self) -> Mapping[str, Any]:
        """Least, greatest and usual value of each control that the camera has, by name."""
        ...

    def create_video_configuration(self, **options: object) -> dict[str, Any]:
        """Return a configuration for `configure`."""
        ...

    def configure(self, configuration: dict[str, Any]) -> None:
        """Set the streams up."""
        ...

    def camera_configuration(self) -> Mapping[str, Any]:
        """Return what the streams have become: the camera may have changed sizes and formats."""
        ...

    def set_controls(self, values: dict[str, object]) -> None:
        """Set controls for the next frame."""
        ...

    def start(self) -> None:
        """Begin to fill buffers."""
        ...

    def capture_request(self, *, wait: float) -> Request:
        """Wait for the next frame, at most so many seconds; raises TimeoutError."""
        ...

    def cancel_all_and_flush(self) -> None:
        """Forget who waits for frames."""
        ...

    def close(self) -> None:
        """Stop, and let others have the camera."""
        ...


@dataclass(frozen=True, slots=True)
class Package:
    """Of picamera2 and libcamera what is used here.

    Attributes:
        cameras: returns what is known of each camera, in the order of their numbers.
        open: opens the camera of a number; RuntimeError where it cannot.
        mapped: gives access to the memory of a request's stream, `main` or `lores`.
        transform: makes a transform of `hflip` and `vflip`.
        colour_space: makes the one whose YUV is what OpenCV takes YUV for: BT.601 in the limited range.
    """

    cameras: Callable[[], Sequence[Mapping[str, Any]]]
    open: Callable[[int], Device]
    mapped: Callable[[Any, str], AbstractContextManager[Buffer]]
    transform: Callable[..., object]
    colour_space: Callable[[], object]
