"""The sizes, crop and controls requested from a Pi camera."""

import pytest

from node.camera.picamera.streams import controls, frame_timeout_s, main_size, part_of_sensor, small_size
from node.settings import CameraSettings

SENSOR = (0, 0, 3280, 2464)


@pytest.mark.parametrize(
    ("main", "longer_px", "small"),
    [
        ((1280, 720), 640, (640, 360)),
        ((1920, 1080), 640, (640, 360)),
        ((1640, 1232), 640, (640, 480)),
        ((1232, 1640), 640, (480, 640)),
        ((1280, 720), 641, (640, 360)),
        ((1920, 1080), 333, (332, 188)),
        ((4608, 160), 160, (160, 6)),
        ((640, 480), 640, None),
        ((640, 480), 1280, None),
        ((1280, 720), None, None),
    ],
)
def test_the_small_image_is_even_and_has_the_aspect_ratio_of_the_main_one(
    main: tuple[int, int], longer_px: int | None, small: tuple[int, int] | None
) -> None:
    """YUV420 has no odd sizes; a box must fit both; there is no small image where it would save nothing."""
    assert small_size(main, longer_px) == small


def test_no_small_image_is_larger_than_requested_or_than_the_main_one() -> None:
    """No second stream may be larger than the first; the detector would shrink it again. Within 2 px."""
    for width in range(160, 2000, 74):
        for height in range(120, 1200, 62):
            for longer_px in (160, 321, 640, 1919):
                small = small_size((width, height), longer_px)
                if small is None:
                    continue
                assert small[0] <= width
                assert small[1] <= height
                assert longer_px - 2 < max(small) <= longer_px
                assert all(side % 2 == 0 for side in small)
                assert abs(small[0] * height / width - small[1]) <= 2 * max(1, height / width)


def test_the_main_image_is_even() -> None:
    """Odd sizes are refused by libcamera; one pixel less is better than an error."""
    assert main_size(CameraSettings(width=1281, height=721)) == (1280, 720)


def test_only_controls_that_the_camera_has_are_set() -> None:
    """picamera2 refuses unknown controls; a fixed lens has no AfMode, a USB camera no frame duration."""
    settings = CameraSettings(source="picamera", fps=8)
    assert controls(settings, {}) == {}
    assert controls(settings, {"FrameDurationLimits"}) == {"FrameDurationLimits": (125_000, 125_000)}
    assert controls(settings, {"AfMode", "ExposureTime", "AnalogueGain"}) == {"AfMode": 2}


@pytest.mark.parametrize(("fps", "stall_s", "expected_s"), [(10, 10, 5), (10, 1, 0.5), (1, 3, 2), (0.1, 10, 10)])
def test_a_read_times_out_before_the_camera_counts_as_stalled(fps: float, stall_s: float, expected_s: float) -> None:
    """Otherwise it would be reopened while still open; a slow camera gets the time of two frames."""
    assert frame_timeout_s(CameraSettings(source="picamera", fps=fps, stall_s=stall_s)) == expected_s


def test_the_whole_view_is_the_largest_part_with_the_aspect_ratio_of_the_image() -> None:
    """As libcamera does by default: the center of the sensor, undistorted."""
    assert part_of_sensor(SENSOR, (0, 0, 1, 1), (1280, 720)) == (0, 310, 3280, 1845)
    assert part_of_sensor((16, 0, 3280, 2464), (0, 0, 1, 1), (3280, 2464)) == (16, 0, 3280, 2464)


def test_a_crop_with_the_aspect_ratio_of_the_view_is_used_unchanged() -> None:
    """The lower right quarter."""
    assert part_of_sensor((0, 0, 3200, 2400), (0.5, 0.5, 0.5, 0.5), (1600, 1200)) == (1600, 1200, 1600, 1200)


def test_a_crop_with_another_aspect_ratio_distorts_no_face() -> None:
    """The largest part with the aspect ratio of the image is shown, around the center of the crop."""
    assert part_of_sensor((0, 0, 3200, 2400), (0, 0, 0.5, 1), (1600, 1200)) == (0, 600, 1600, 1200)
