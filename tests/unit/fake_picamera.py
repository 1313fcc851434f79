"""Pictures -> a Pi camera as picamera2 shows it, with its rules, for tests on machines that have none.

It behaves as picamera2 0.3.38 does on a Pi before the Pi 5: sizes must be even, the second output is YUV420 and no
larger than the first, rows of memory are padded, a camera is had by one at a time, and memory is used again once its
request is released. `tests/acceptance/test_real_picamera.py` has the real one.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from node.camera.picamera.device import Package
from node.domain import Image

SENSOR = (0, 0, 3280, 2464)
_ROW = 64  # bytes to which rows are padded

Pixels = npt.NDArray[np.uint8]


@dataclass
class Sensor:
    """What is behind the ribbon cable; a test turns its knobs.

    Attributes:
        show: gives the next picture; None: nothing comes, as from a cable that has come off.
        controls: what it offers, by name: least, greatest and usual value.
        formats: which formats it gives in place of others.
        broken: what goes wrong where, by the name of the method.
        configurations: all that it was set up with, in order.
        set: controls that were set after it was set up.
        openings: how often it was opened.
        flushes: how often those who wait were sent away.
        owner: who has it.
        held: requests that were not given back.
    """

    show: Callable[[], Image | None]
    controls: dict[str, Any] = field(
        default_factory=lambda: {
            "FrameDurationLimits": (8333, 11_767_556, 33_333),
            "ScalerCrop": ((0, 0, 64, 64), SENSOR, (0, 310, 3280, 1845)),
        }
    )
    formats: dict[str, str] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    set: dict[str, Any] = field(default_factory=dict)
    openings: int = 0
    flushes: int = 0
    owner: "FakePicamera2 | None" = None
    held: int = 0


class FakeRequest:
    """A frame in memory of the camera's."""

    def __init__(self, sensor: Sensor, buffers: dict[str, Pixels]) -> None:
        self._sensor = sensor
        self.buffers = buffers
        sensor.held += 1

    def release(self) -> None:
        """Give the memory back: the camera writes over it."""
        for buffer in self.buffers.values():
            buffer.fill(0x5A)
        self._sensor.held -= 1


class FakePicamera2:
    """An opened camera."""

    def __init__(self, sensor: Sensor) -> None:
        sensor.openings += 1
        if sensor.owner is not None:
            cause = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from cause
        self._sensor = sensor
        self._breaks("open")
        sensor.owner = self
        self._streams: dict[str, Any] = {}
        self._started = False
        self._gone = threading.Event()

    @property
    def camera_controls(self) -> Mapping[str, Any]:
        """What the sensor offers."""
        return self._sensor.controls

    def create_video_configuration(self, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - as picamera2's
        """Return the options beside picamera2's own choice for the rest."""
        self._breaks("create_video_configuration")
        return {"queue": True, "buffer_count": 6, **options}

    def configure(self, configuration: dict[str, Any]) -> None:
        """Take a configuration, unless picamera2 would refuse it."""
        self._breaks("configure")
        main, lores = configuration["main"], configuration["lores"]
        for stream in filter(None, (main, lores)):
            if any(side % 2 for side in stream["size"]):
                raise RuntimeError("width and height should be even")
        if lores and (lores["size"][0] > main["size"][0] or lores["size"][1] > main["size"][1]):
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        if lores and lores["format"] != "YUV420":
            raise RuntimeError("lores stream must be YUV")
        for name in configuration["controls"]:
            self._knows(name)
        self._sensor.configurations.append(configuration)
        formats = self._sensor.formats
        self._streams = {
            name: {**stream, "format": formats.get(stream["format"], stream["format"])} if stream else None
            for name, stream in (("main", main), ("lores", lores))
        }

    def camera_configuration(self) -> Mapping[str, Any]:
        """Return what the streams have become."""
        return self._streams

    def set_controls(self, values: dict[str, object]) -> None:
        """Set controls that the sensor offers."""
        for name, value in values.items():
            self._knows(name)
            self._sensor.set[name] = value

    def start(self) -> None:
        """Begin."""
        self._breaks("start")
        self._started = True

    def capture_request(self, *, wait: float) -> FakeRequest:
        """Return the next frame; nothing comes of a sensor that shows nothing."""
        self._breaks("capture_request")
        if not self._started:
            raise RuntimeError("Camera has not been started")
        picture = self._sensor.show()
        if picture is None:
            self._gone.wait(wait)
            raise TimeoutError
        return FakeRequest(
            self._sensor,
            {name: fill(picture, stream) for name, stream in self._streams.items() if stream},
        )

    def cancel_all_and_flush(self) -> None:
        """Send those who wait away."""
        self._sensor.flushes += 1

    def close(self) -> None:
        """Let others have it; twice is fine."""
        self._breaks("close")
        self._gone.set()
        self._started = False
        if self._sensor.owner is self:
            self._sensor.owner = None

    def _breaks(self, where: str) -> None:
        if where in self._sensor.broken:
            raise self._sensor.broken[where]

    def _knows(self, control: str) -> None:
        if control not in self._sensor.controls:
            raise RuntimeError(f"Control {control} is not advertised by libcamera")


def fill(picture: Image, stream: Mapping[str, Any]) -> Pixels:
    """Return the memory of a stream that shows a picture, in the shape that picamera2's MappedArray gives it."""
    width, height = stream["size"]
    if (width, height) != picture.shape[1::-1]:
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    made = stream["format"]
    if made in {"RGB888", "BGR888"}:
        stride = _padded(width * 3)
        memory = np.zeros((height, stride), np.uint8)
        pixels = picture if made == "BGR888" else picture[:, :, ::-1]
        memory[:, : width * 3] = pixels.reshape(height, width * 3)
        return np.lib.stride_tricks.as_strided(memory, (height, width, 3), (stride, 3, 1))
    planar: Pixels = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), np.uint8).reshape(-1)
    luma, chroma = planar[: width * height], planar[width * height :].reshape(2, height // 2, width // 2)
    stride = _padded(width)
    memory = np.zeros((height * 3 // 2, stride), np.uint8)
    memory[:height, :width] = luma.reshape(height, width)
    if made == "NV12":
        memory[height:, :width:2], memory[height:, 1:width:2] = chroma
        return memory[:, :width]
    memory[height:].reshape(2, height // 2, stride // 2)[:, :, : width // 2] = chroma
    return memory


def package(sensor: Sensor, cameras: int = 1) -> Package:
    """Return picamera2 and libcamera with this sensor behind each camera."""

    @contextmanager
    def mapped(request: FakeRequest, stream: str) -> Iterator[Any]:
        @dataclass
        class _Mapped:
            array: Pixels

        yield _Mapped(request.buffers[stream])

    def listed() -> list[dict[str, Any]]:
        if "list" in sensor.broken:
            raise sensor.broken["list"]
        return [{"Model": "imx219", "Num": number} for number in range(cameras)]

    return Package(
        cameras=listed,
        open=lambda _: FakePicamera2(sensor),
        mapped=mapped,
        transform=lambda **flips: flips,
        colour_space=lambda: "Smpte170m",
    )


def _padded(row: int) -> int:
    return -(-row // _ROW) * _ROW
