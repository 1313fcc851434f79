"""A Pi camera, behind a fake of picamera2."""

import os

import numpy as np
import pytest
from fake_cameras import DEADLINE_S
from fake_picamera import Sensor, package
from manual_clock import ManualClock

from node.camera.picamera.driver import connect, load, open_picamera
from node.clock import SystemClock
from node.domain import Image
from node.errors import CameraError
from node.settings import CameraSettings

SETTINGS = CameraSettings(source="picamera", width=640, height=480, fps=20, stall_s=1)
GREY = np.full((480, 640, 3), 90, np.uint8)


def _sensor() -> Sensor:
    return Sensor(lambda: GREY)


def _settings(**more: object) -> CameraSettings:
    return CameraSettings.model_validate(SETTINGS.model_dump() | more)


def test_full_and_small_frames_are_requested_at_the_configured_rate() -> None:
    """The main stream needs no conversion, the small one has the format of an older Pi; few buffers, no old frames."""
    sensor = _sensor()
    connect(package(sensor), 0, SETTINGS, 320).close()
    (made,) = sensor.configurations
    assert made["main"] == {"size": (640, 480), "format": "BGR888"}
    assert made["lores"] == {"size": (320, 240), "format": "YUV420"}
    assert made["controls"] == {"FrameDurationLimits": (50_000, 50_000)}
    assert made["transform"] == {"hflip": False, "vflip": False}
    assert made["buffer_count"] == 4
    assert made["queue"] is False
    assert sensor.set == {}


def test_a_lens_with_autofocus_focuses_continuously() -> None:
    """The camera itself controls exposure and gain."""
    sensor = _sensor()
    sensor.controls |= {"AfMode": (0, 2, 0), "ExposureTime": (1, 66_666, 20_000), "AnalogueGain": (1.0, 10.0, 1.0)}
    connect(package(sensor), 0, SETTINGS).close()
    assert sensor.configurations[0]["controls"] == {"FrameDurationLimits": (50_000, 50_000), "AfMode": 2}


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("vflip", [False, True])
def test_the_camera_flips_the_image(hflip: bool, vflip: bool) -> None:  # noqa: FBT001 - parameters
    """Each flip on its own; both together rotate by 180 degrees, for a camera mounted upside down."""
    sensor = _sensor()
    connect(package(sensor), 0, _settings(hflip=hflip, vflip=vflip)).close()
    assert sensor.configurations[0]["transform"] == {"hflip": hflip, "vflip": vflip}


def test_a_crop_fills_both_streams() -> None:
    """A box found in the small image is cropped from the full one: both show the same view."""
    sensor = _sensor()
    connect(package(sensor), 0, _settings(crop=(0.5, 0.5, 0.5, 0.5)), 320).close()
    ((left, top, width, height),) = sensor.set.values()
    assert list(sensor.set) == ["ScalerCrop"]
    assert (left, top) == (1640, 1232)
    assert width / height == pytest.approx(640 / 480, abs=0.01)

    sensor = _sensor()
    sensor.controls["ScalerCrops"] = sensor.controls["ScalerCrop"]
    connect(package(sensor), 0, _settings(crop=(0, 0, 0.5, 0.5)), 320).close()
    assert list(sensor.set) == ["ScalerCrops"]
    assert sensor.set["ScalerCrops"][0] == sensor.set["ScalerCrops"][1]


def test_a_camera_that_cannot_crop_is_an_error() -> None:
    """The node never silently shows another view than configured; and the camera is released."""
    sensor = _sensor()
    del sensor.controls["ScalerCrop"]
    with pytest.raises(CameraError, match=r"^picamera:0: cannot crop its view: remove camera.crop$"):
        connect(package(sensor), 0, _settings(crop=(0, 0, 0.5, 0.5)))
    assert sensor.owner is None


def test_every_request_is_released_also_when_reading_it_fails() -> None:
    """A camera without free buffers gives no more frames."""
    sensor = _sensor()
    source = connect(package(sensor), 0, SETTINGS, 320)
    for _ in range(10):
        assert source.read() is not None
    assert sensor.held == 0
    sensor.show = lambda: np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="reshape"):
        source.read()
    assert sensor.held == 0
    source.close()


def test_a_busy_camera_has_another_message_than_one_that_cannot_be_opened() -> None:
    """picamera2 raises the same error for both; libcamera's error is its cause."""
    sensor = _sensor()
    first = connect(package(sensor), 0, SETTINGS)
    with pytest.raises(CameraError, match=r"^picamera:0: is used by another program: .*fuser"):
        connect(package(sensor), 0, SETTINGS)
    first.close()
    connect(package(sensor), 0, SETTINGS).close()

    sensor.broken["open"] = RuntimeError("Failed to start: Input/output error")
    with pytest.raises(CameraError, match=r"^picamera:0: cannot be opened: .*Input/output error.*cable"):
        connect(package(sensor), 0, SETTINGS)


@pytest.mark.parametrize("step", ["create_video_configuration", "configure", "start"])
@pytest.mark.parametrize("error", [RuntimeError("no such size"), OSError(12, "Cannot allocate memory")])
def test_a_camera_that_cannot_be_set_up_is_released(step: str, error: Exception) -> None:
    """Otherwise it would be busy until the Pi restarts."""
    sensor = _sensor()
    sensor.broken[step] = error
    with pytest.raises(CameraError, match=r"^picamera:0: cannot be set up: .*(no such size|Cannot allocate memory)"):
        connect(package(sensor), 0, SETTINGS)
    assert sensor.owner is None


def test_an_error_in_closing_does_not_hide_the_error_in_setting_up() -> None:
    """The first error is the one to report."""
    sensor = _sensor()
    sensor.broken |= {"start": RuntimeError("no such size"), "close": RuntimeError("cannot stop")}
    with pytest.raises(CameraError, match="no such size"):
        connect(package(sensor), 0, SETTINGS)


def test_a_camera_that_gives_another_format_is_read_or_refused() -> None:
    """The format may differ from the requested one; an unreadable one is an error at once, not at the first frame."""
    sensor = _sensor()
    sensor.formats = {"BGR888": "NV12", "YUV420": "NV12"}
    source = connect(package(sensor), 0, SETTINGS, 320)
    frame = source.read()
    assert frame is not None
    assert frame.small is not None
    assert np.abs(frame.image.astype(int) - 90).max() <= 2  # the steps of YUV in its limited range
    source.close()

    sensor.formats = {"BGR888": "MJPEG"}
    with pytest.raises(CameraError, match=r"^picamera:0: gives MJPEG, not .*webcam:NUMBER"):
        connect(package(sensor), 0, SETTINGS)
    assert sensor.owner is None


def test_no_camera_and_a_wrong_number_have_different_messages() -> None:
    """Each has another remedy, and the message lists the numbers available."""
    with pytest.raises(CameraError, match=r"^picamera: no camera is found: .*cable.*group video"):
        connect(package(_sensor(), cameras=0), 0, SETTINGS)
    with pytest.raises(CameraError, match=r"^picamera:2: no such camera: .*here: 0 imx219, 1 imx219"):
        connect(package(_sensor(), cameras=2), 2, SETTINGS)


def test_a_libcamera_that_does_not_start_is_a_camera_error() -> None:
    """It fails before any camera is named; no traceback reaches the user."""
    sensor = _sensor()
    sensor.broken["list"] = RuntimeError("Failed to start the camera manager")
    with pytest.raises(CameraError, match="libcamera does not start: Failed to start the camera manager; "):
        connect(package(sensor), 0, SETTINGS)


def test_a_camera_that_is_not_found_is_waited_for() -> None:
    """A loose cable makes the camera lost, and the node says so; it does not end."""
    with open_picamera(0, SETTINGS, ManualClock(), package=package(_sensor(), cameras=0)) as camera:
        ticks = iter(camera)
        while not camera.problem:
            assert next(ticks).frame is None
        assert "no camera is found" in camera.problem


def test_a_capture_that_times_out_releases_the_camera() -> None:
    """Without a flush, picamera2 would wait in `close` for a capture that never ends."""
    sensor = Sensor(lambda: None)
    source = connect(package(sensor), 0, SETTINGS)
    with pytest.raises(CameraError, match=r"^picamera:0: no frame for 0.5 s: check its cable$"):
        source.read()
    assert sensor.flushes == 1
    source.close()
    source.close()
    assert sensor.owner is None


@pytest.mark.parametrize(("step", "words"), [("capture_request", "failed"), ("close", "cannot be closed")])
def test_an_error_while_it_runs_is_a_camera_error(step: str, words: str) -> None:
    """So the camera is reopened; any other error would end the process."""
    sensor = _sensor()
    source = connect(package(sensor), 0, SETTINGS)
    sensor.broken[step] = RuntimeError("camera frontend has timed out")
    with pytest.raises(CameraError, match=rf"^picamera:0: {words}: camera frontend has timed out: "):
        source.read() if step == "capture_request" else source.close()


def test_a_camera_that_stops_giving_frames_is_reopened_and_continues() -> None:
    """The whole driver, with a cable that came off and was put back."""
    sensor, shown = _sensor(), list[Image]()

    def show() -> Image | None:
        shown.append(GREY)
        return None if len(shown) == 3 else GREY

    sensor.show = show
    with open_picamera(0, SETTINGS, SystemClock(), 320, package=package(sensor)) as camera:
        until_s = SystemClock().now().mono_s + DEADLINE_S
        for tick in camera:
            if sensor.openings == 2 and tick.frame:
                break
            assert tick.at.mono_s < until_s
    assert sensor.owner is None
    assert sensor.held == 0


def _missing(name: str) -> object:
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _misfit(name: str) -> object:
    del name
    raise ValueError("numpy.dtype size changed, may indicate binary incompatibility")


def test_without_picamera2_the_error_names_the_package_and_the_venv_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It comes from apt, and a virtual environment sees it only with that option."""
    monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", "*:WARN")
    with pytest.raises(CameraError, match=r"apt install python3-picamera2.*--system-site-packages"):
        load(_missing)


def test_an_incompatible_picamera2_has_another_message_than_a_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With numpy 2 the import fails with a ValueError on Raspberry Pi OS 12."""
    monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", "*:WARN")
    with pytest.raises(CameraError, match=r"cannot be loaded \(numpy.dtype size changed.*numpy below 2"):
        load(_misfit)


@pytest.mark.parametrize(("asked", "kept"), [(None, "*:ERROR"), ("RPI:DEBUG", "RPI:DEBUG")])
def test_the_log_of_libcamera_is_off_unless_the_environment_sets_it(
    asked: str | None, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes to stderr past every logger, and reads the variable once, when it is loaded."""
    monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", asked or "")
    if asked is None:
        monkeypatch.delenv("LIBCAMERA_LOG_LEVELS")
    seen = []

    def importer(name: str) -> object:
        seen.append(os.environ["LIBCAMERA_LOG_LEVELS"])
        return _missing(name)

    with pytest.raises(CameraError):
        load(importer)
    assert seen == [kept]
