"""Pictures -> a fake picamera2 that enforces the real one's rules, for machines without a Pi camera.

It behaves like picamera2 0.3.38 on a Pi before the Pi 5: sizes must be even, the second output is YUV420 and no larger
than the first, rows of memory are padded, one process at a time may open a camera, and memory is reused once its
request is released. `tests/acceptance/test_real_picamera.py` uses the real one.
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
_ROW = 64  # bytes; rows are padded to a multiple

Pixels = npt.NDArray[np.uint8]


@dataclass
class Sensor:
    """The state of the fake sensor, which a test controls.

    Attributes:
        show: returns the next picture; None: no frame comes, as with a loose cable.
        controls: the offered controls by name: minimum, maximum and default.
        formats: formats that it delivers instead of requested ones.
        broken: errors to raise, by the name of the method.
        configurations: all configurations, in order.
        set: controls that were set after the configuration.
        openings: how often it was opened.
        flushes: how often waiting threads were released.
        owner: the open camera that has it.
        held: the number of requests that were not released.
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
    """A frame in the camera's memory."""

    def __init__(self, sensor: Sensor, buffers: dict[str, Pixels]) -> None:
        self._sensor = sensor
        self.buffers = buffers
        sensor.held += 1

    def release(self) -> None:
        """Return the memory to the camera, which overwrites it."""
        for buffer in self.buffers.values():
            buffer.fill(0x5A)
        self._sensor.held -= 1


class FakePicamera2:
    """An open camera."""

    def __init__(self, sensor: Sensor) -> None:
        sensor.openings += 1
        if sensor.owner is not None:
            cause = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from cause
        self._sensor = sensor
        self._raise_if_broken("open")
        sensor.owner = self
        self._streams: dict[str, Any] = {}
        self._started = False
        self._gone = threading.Event()

    @property
    def camera_controls(self) -> Mapping[str, Any]:
        """The controls that the sensor offers."""
        return self._sensor.controls

    def create_video_configuration(self, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - as picamera2's
        """Return the options with picamera2's defaults for the rest."""
        self._raise_if_broken("create_video_configuration")
        return {"queue": True, "buffer_count": 6, **options}

    def configure(self, configuration: dict[str, Any]) -> None:
        """Accept a configuration, unless picamera2 would refuse it."""
        self._raise_if_broken("configure")
        main, lores = configuration["main"], configuration["lores"]
        for stream in filter(None, (main, lores)):
            if any(side % 2 for side in stream["size"]):
                raise RuntimeError("width and height should be even")
        if lores and (lores["size"][0] > main["size"][0] or lores["size"][1] > main["size"][1]):
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        if lores and lores["format"] != "YUV420":
            raise RuntimeError("lores stream must be YUV")
        for name in configuration["controls"]:
            self._require_control(name)
        self._sensor.configurations.append(configuration)
        formats = self._sensor.formats
        self._streams = {
            name: {**stream, "format": formats.get(stream["format"], stream["format"])} if stream else None
            for name, stream in (("main", main), ("lores", lores))
        }

    def camera_configuration(self) -> Mapping[str, Any]:
        """Return the streams as configured."""
        return self._streams

    def set_controls(self, values: dict[str, object]) -> None:
        """Set controls that the sensor offers."""
        for name, value in values.items():
            self._require_control(name)
            self._sensor.set[name] = value

    def start(self) -> None:
        """Start capturing."""
        self._raise_if_broken("start")
        self._started = True

    def capture_request(self, *, wait: float) -> FakeRequest:
        """Return the next frame; time out if the sensor has no picture."""
        self._raise_if_broken("capture_request")
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
        """Release waiting threads."""
        self._sensor.flushes += 1

    def close(self) -> None:
        """Release the camera; closing it twice is fine."""
        self._raise_if_broken("close")
        self._gone.set()
        self._started = False
        if self._sensor.owner is self:
            self._sensor.owner = None

    def _raise_if_broken(self, where: str) -> None:
        if where in self._sensor.broken:
            raise self._sensor.broken[where]

    def _require_control(self, control: str) -> None:
        if control not in self._sensor.controls:
            raise RuntimeError(f"Control {control} is not advertised by libcamera")


def fill(picture: Image, stream: Mapping[str, Any]) -> Pixels:
    """Return the memory of a stream that shows a picture, in the shape of picamera2's MappedArray."""
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
