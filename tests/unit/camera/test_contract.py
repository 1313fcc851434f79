"""The rules of `node/camera/camera.py`, applied to every driver; a new driver is one entry in DRIVERS."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_cameras import LoopedClip, ScriptedSource, picture
from fake_picamera import Sensor, package
from manual_clock import ManualClock

from node.camera import Camera, open_camera
from node.camera.capture_thread import Opener
from node.camera.image_file import read_image
from node.camera.live import LiveCamera
from node.camera.picamera.driver import open_picamera
from node.camera.video import open_video, read_video
from node.camera.webcam import open_webcam
from node.clock import Clock, SystemClock
from node.domain import CameraState, Image, Tick
from node.settings import CameraSettings

SETTINGS = CameraSettings(fps=2.0)


def _file(source: str, clock: Clock) -> Camera:
    return open_camera(SETTINGS.model_copy(update={"source": source}), clock)


def _webcam(opener: Opener, clock: Clock, folder: Path) -> Camera:
    del folder
    return open_webcam("0", SETTINGS, clock, opener)


def _stream(opener: Opener, clock: Clock, folder: Path) -> Camera:
    del folder
    return open_video("rtsp://admin:secret@camera.example/main", SETTINGS, clock, opener)


def _fake(opener: Opener, clock: Clock, folder: Path) -> Camera:
    del folder
    return LiveCamera("fake", opener, clock, SETTINGS)


def _picamera(opener: Opener, clock: Clock, folder: Path) -> Camera:
    del folder
    return open_picamera(0, SETTINGS, clock, package=package(Sensor(lambda: None)), opener=opener)


LIVE: dict[str, Callable[[Opener, Clock, Path], Camera]] = {
    "webcam": _webcam,
    "stream": _stream,
    "picamera": _picamera,
    "fake": _fake,
}
"""Live drivers, each with its source opener as an argument."""


@dataclass(frozen=True)
class Driver:
    """A driver under test.

    Attributes:
        open: opens it on the media of the tests, given a clock and an empty folder.
        images: what it must show, in this order if it is finite.
        live: what `live` must be.
        small: the shape of the small picture of each frame; None where the driver has none.
    """

    open: Callable[[Clock, Path], Camera]
    images: list[Image]
    live: bool
    small: tuple[int, int, int] | None = None


def _drivers(media: Path) -> dict[str, Driver]:
    clip = media / "carphone.mp4"
    frames = list(read_video(clip))
    image_folder = [read_image(media / name) for name in ("astronaut.jpg", "grace_hopper.jpg")]
    finite = {
        "video": Driver(lambda clock, _: _file(f"video:{clip}", clock), frames, live=False),
        "images": Driver(lambda clock, _: _file(f"images:{media}", clock), image_folder, live=False),
    }

    def live(make: Callable[[Opener, Clock, Path], Camera]) -> Driver:
        return Driver(lambda clock, folder: make(partial(LoopedClip, clip), clock, folder), frames, live=True)

    def pi(clock: Clock, folder: Path) -> Camera:
        """Open the fake of picamera2 with the real driver, which sets sizes and formats and makes copies."""
        del folder
        looped = LoopedClip(clip)

        def show() -> Image | None:
            frame = looped.read()
            return frame.image if frame else None

        rows, columns = frames[0].shape[:2]
        settings = SETTINGS.model_copy(update={"source": "picamera", "width": columns, "height": rows})
        return open_picamera(0, settings, clock, columns // 2, package=package(Sensor(show)))

    rows, columns = frames[0].shape[:2]
    picamera = Driver(pi, frames, live=True, small=(rows // 2, columns // 2, 3))
    return finite | {name: live(make) for name, make in LIVE.items()} | {"picamera": picamera}


DRIVERS = ("video", "images", *LIVE)
FINITE = ("video", "images")


@pytest.fixture(scope="module")
def drivers(media_dir: Path) -> dict[str, Driver]:
    """Return every driver with the images that it must show."""
    return _drivers(media_dir)


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest, drivers: dict[str, Driver]) -> Driver:
    """Return each driver in turn."""
    return drivers[request.param]


@pytest.fixture
def camera(driver: Driver, tmp_path: Path) -> Iterator[Camera]:
    """Open the camera of the driver with the system clock."""
    with driver.open(SystemClock(), tmp_path) as camera:
        yield camera


def _capture_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("capture ")]


def _shown(camera: Camera, count: int) -> list[Tick]:
    """Return the first ticks with a frame."""
    return list(islice((tick for tick in camera if tick.frame), count))


def _owns_memory(image: Image) -> bool:
    """Return whether an image is uint8 and owns contiguous memory."""
    return image.dtype == np.uint8 and image.flags.c_contiguous and image.flags.owndata


def test_frames_are_full_resolution_rgb_and_own_their_memory(camera: Camera, driver: Driver) -> None:
    """Rule 5: each frame is one of the source's images, byte for byte in RGB, and stays valid."""
    known = {(image.shape, image.tobytes()) for image in driver.images}
    for tick in _shown(camera, 2):
        assert tick.frame is not None
        assert _owns_memory(tick.frame.image)
        assert (tick.frame.image.shape, tick.frame.image.tobytes()) in known


def test_a_small_image_shows_the_same_view(camera: Camera, driver: Driver) -> None:
    """Rule 5: where a driver has one, it is the frame at fewer pixels, within 8 gray levels on average after YUV."""
    for tick in _shown(camera, 2):
        assert tick.frame is not None
        small = tick.frame.small
        if driver.small is None:
            assert small is None
            continue
        assert small is not None
        assert _owns_memory(small)
        assert small.shape == driver.small
        shrunk = cv2.resize(tick.frame.image, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk.astype(int) - small).mean() < 8


def test_time_never_runs_backwards_and_passes_at_least_every_second(camera: Camera) -> None:
    """Rules 1 and 2; with half a second of tolerance for a busy machine."""
    ticks = list(islice(camera, 50))
    steps = [after.at.mono_s - before.at.mono_s for before, after in pairwise(ticks)]
    assert all(0 <= step <= 1.5 for step in steps)
    wall = (ticks[-1].at.wall - ticks[0].at.wall).total_seconds()
    assert wall == pytest.approx(ticks[-1].at.mono_s - ticks[0].at.mono_s, abs=0.05)


def test_a_working_camera_is_ok_and_names_itself(camera: Camera, driver: Driver) -> None:
    """`live`, `state`, `problem` and `name` are what health and log show; a name contains no password."""
    _shown(camera, 1)
    assert camera.live is driver.live
    assert camera.state is CameraState.OK
    assert camera.outage is False
    assert camera.problem is None
    assert camera.name
    assert "secret" not in camera.name


def test_closing_ends_the_iteration_and_the_thread_and_closing_twice_is_fine(camera: Camera) -> None:
    """Rule 6: after `close` no tick comes and no capture thread remains."""
    ticks = iter(camera)
    next(ticks)
    camera.close()
    camera.close()
    assert next(ticks, None) is None
    assert _capture_threads() == []


def test_a_closed_camera_has_no_ticks(camera: Camera) -> None:
    """Rule 6: a camera closed before it was used opens nothing."""
    camera.close()
    assert list(camera) == []
    assert _capture_threads() == []


def test_the_context_manager_closes(driver: Driver, tmp_path: Path) -> None:
    """Leaving `with` releases the source."""
    camera = driver.open(SystemClock(), tmp_path)
    ticks = iter(camera)
    with camera:
        next(ticks)
    assert next(ticks, None) is None
    assert _capture_threads() == []


@pytest.mark.parametrize("name", FINITE)
def test_a_finite_source_shows_everything_in_order_and_ends(
    name: str, drivers: dict[str, Driver], tmp_path: Path
) -> None:
    """Rule 4: nothing is dropped."""
    with drivers[name].open(ManualClock(), tmp_path) as camera:
        shown = [tick.frame.image.tobytes() for tick in camera if tick.frame]
    assert shown == [image.tobytes() for image in drivers[name].images]


@pytest.mark.parametrize("name", FINITE)
def test_two_replays_have_the_same_times_bit_for_bit(name: str, drivers: dict[str, Driver], tmp_path: Path) -> None:
    """Rule 4: the start of a replay changes no difference between two moments, not even by rounding."""
    runs = []
    for began_s in (0.1, 123_456.789):
        with drivers[name].open(ManualClock(began_s), tmp_path) as camera:
            moments = [tick.at.mono_s for tick in camera]
        runs.append([moment - moments[0] for moment in moments])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("name", LIVE)
def test_time_passes_while_a_live_camera_hangs(name: str, tmp_path: Path) -> None:
    """Rule 1: a driver that never returns still gives a frameless tick each second; 0.5 s of tolerance."""
    source, clock = ScriptedSource(), SystemClock()
    with LIVE[name](source, clock, tmp_path) as camera:
        before = clock.now()
        tick = next(iter(camera))
        assert tick.frame is None
        assert 0 < tick.at.mono_s - before.mono_s < 1.5
        source.add(None)


@pytest.mark.parametrize("name", LIVE)
def test_a_live_camera_is_lost_until_a_frame_comes(name: str, tmp_path: Path) -> None:
    """Rule 3: neither health nor a rule may call it well before; it is not known yet whether it is an outage."""
    source = ScriptedSource()
    with LIVE[name](source, ManualClock(), tmp_path) as camera:
        ticks = iter(camera)
        assert next(ticks).frame is None
        assert (camera.state, camera.outage) == (CameraState.LOST, None)
        source.add(picture())
        while next(ticks).frame is None:
            pass
        assert (camera.state, camera.outage) == (CameraState.OK, False)
        source.add(None)


@pytest.mark.parametrize("name", LIVE)
def test_a_slow_reader_of_a_live_camera_gets_the_latest_frame(
    name: str, drivers: dict[str, Driver], tmp_path: Path
) -> None:
    """Rule 3: frames not read in time are dropped, and a tick carries the moment of its own frame."""
    frames = drivers["video"].images[:4]
    source, clock = ScriptedSource(frames[0]), ManualClock()
    with LIVE[name](source, clock, tmp_path) as camera:
        ticks = iter(camera)
        next(ticks)
        for number, frame in enumerate(frames[1:], start=3):
            clock.advance(0.25)
            source.add(frame)
            source.wait_reads(number)
        clock.advance(5)
        tick = next(ticks)
        assert tick.frame is not None
        assert tick.frame.image is frames[3]
        assert tick.at.mono_s == 1000.75
        source.add(None)
