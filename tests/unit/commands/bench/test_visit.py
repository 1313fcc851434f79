"""The pictures and the visit that `facenode bench` measures with."""

from pathlib import Path

import pytest
from makers import instant

from node.assembly import Vision, build_vision
from node.commands.bench.visit import SIZE, Visit, group, portrait
from node.domain import Frame, Image
from node.settings import Settings
from node.settings.loader import load


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Return the default settings."""
    return load(None, {}, {}, Path("/nonexistent"))


@pytest.fixture(scope="module")
def vision(settings: Settings) -> Vision:
    """Return detector and network."""
    return build_vision(settings, ())


@pytest.mark.parametrize(("image", "count"), [(portrait(), 1), (group(), 4)])
def test_each_face_is_found_and_looked_at(vision: Vision, image: Image, count: int) -> None:
    """Every face is usable: one that failed a gate would cost no run of the network."""
    assert image.shape == (*SIZE, 3)
    faces = vision.detector.detect(Frame(image))
    assert len(faces) == count
    assert all(vision.recognizer.look(image, face).usable for face in faces)


def test_a_visit_looks_at_a_face_until_it_has_decided(settings: Settings, vision: Vision) -> None:
    """Six looks, and from then on one a second."""
    visit = Visit(settings, vision, portrait(), instant(0))
    looks = []
    for _ in range(18):
        visit.step()
        looks.append(visit.looks)
    assert looks == [1, 2, 3, 4, 5, *[6] * 10, *[7] * 3]
