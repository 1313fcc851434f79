"""The threads of detector and network: those of the settings, or what is safe on cores shared with other work."""

from collections.abc import Iterator

import cv2
import pytest

from node.vision.threads import chosen, limit_opencv


@pytest.mark.parametrize("runtime", ["litert", "tflite"])
def test_a_number_in_the_settings_is_taken(runtime: str) -> None:
    """What an owner sets, also the former default of 2, is not second-guessed."""
    assert [chosen(wanted, runtime, cores=1) for wanted in (1, 2, 4)] == [1, 2, 4]


@pytest.mark.parametrize("cores", [1, 2, 4, 16])
def test_tflite_runtime_gets_one_thread(cores: int) -> None:
    """A second one takes ten times as long as soon as another process is busy."""
    assert chosen(0, "tflite", cores) == 1


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 2)])
def test_litert_leaves_half_of_the_cores(cores: int, threads: int) -> None:
    """Two threads on a Raspberry Pi's four cores, and one where a second would share its core with other work."""
    assert chosen(0, "litert", cores) == threads


@pytest.fixture
def opencv_threads() -> Iterator[None]:
    """Restore OpenCV's threads."""
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("opencv_threads")
def test_opencv_is_limited_to_one_thread() -> None:
    """By itself it takes all cores, and a busy one among them holds up the frame."""
    cv2.setNumThreads(2)
    limit_opencv()
    assert cv2.getNumThreads() == 1
