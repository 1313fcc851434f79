"""Which face of a photo is enrolled, and which photos are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from makers import face, look, unit

from node.domain import Face, Flaw, Frame, Image, Look, Vector
from node.people.enrolment import Enrollee, Refusal, examine_image
from node.people.gallery import Sample
from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person

IMAGE = np.zeros((10, 10, 3), np.uint8)
ADA = Person("ada", "Ada", (Anchor(unit(1, 0, 0), "s", "p"),))
BOB = Person("bob", "Bob", (Anchor(unit(0, 1, 0), "s", "p"),))


class Photo:
    """Detector and recognizer of one photo: its faces by size, each with its embedding."""

    def __init__(self, faces: Mapping[float, Vector | None]) -> None:
        self._looks = {
            size: look(vector) if vector is not None else look(None, (Flaw.BLUR,)) for size, vector in faces.items()
        }

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, largest first."""
        del frame
        return tuple(face(size=size) for size in sorted(self._looks, reverse=True))

    def look(self, image: Image, face: Face) -> Look:
        """Return a look at one face."""
        del image
        return replace(self._looks[face.box.width], face=face, crop=IMAGE)


def examined(
    faces: Mapping[float, Vector | None], people: Sequence[Person] = (), *, force: bool = False
) -> Sample | Refusal:
    """Return the result for a photo of ada; the threshold is 0.6."""
    photo, enrollee = Photo(faces), Enrollee("ada", GalleryMatcher(people, "s", 0.6), force=force)
    return examine_image(IMAGE, "x/photo.jpg", photo, photo, keep_crop=True, enrollee=enrollee)


def taken(faces: Mapping[float, Vector | None], people: Sequence[Person] = (), *, force: bool = False) -> list[float]:
    """Return the embedding of the accepted face, to one decimal."""
    sample = examined(faces, people, force=force)
    assert isinstance(sample, Sample), sample
    assert (sample.source, sample.crop is IMAGE) == ("photo.jpg", True)
    return [round(float(number), 1) for number in sample.embedding]


def refused(faces: Mapping[float, Vector | None], people: Sequence[Person] = ()) -> str:
    """Return why the photo was refused."""
    refusal = examined(faces, people)
    assert isinstance(refusal, Refusal)
    return refusal.reason


def test_the_largest_face_is_taken() -> None:
    """People in the background are ignored."""
    assert taken({0.2: unit(1, 0, 0), 0.1: unit(0, 1, 0)}) == [1, 0, 0]


def test_an_ambiguous_photo_is_refused_with_its_reason() -> None:
    """No face, two of one size, or one that the gates refuse."""
    assert refused({}) == "no face found"
    assert refused({0.2: unit(1, 0, 0), 0.19: unit(0, 1, 0)}).startswith("two faces of about the same size")
    assert refused({0.2: None, 0.1: unit(1, 0, 0)}) == "the face is unusable: blur"


@pytest.mark.parametrize("other", [0.3, 0.21])
def test_of_several_faces_the_one_recognized_as_the_person_is_taken(other: float) -> None:
    """In a group ada is found by her anchors, however large the other faces are."""
    assert taken({other: unit(0, 0, 1), 0.2: unit(1, 0.2, 0)}, [ADA]) == [1, 0.2, 0]


def test_nobody_else_is_taken_from_a_group_without_a_recognized_face() -> None:
    """The largest face is refused if a smaller one is nearer to ada; if it is the nearest, it is taken."""
    assert "none of 2 faces is recognized as ada" in refused({0.3: unit(0, 0, 1), 0.1: unit(1, 0, 2)}, [ADA])
    assert taken({0.3: unit(1, 0, 2), 0.1: unit(0, 0, 1)}, [ADA]) == [0.4, 0, 0.9]


def test_a_single_face_is_taken_however_different_it_is() -> None:
    """A photo with glasses improves the gallery."""
    assert taken({0.3: unit(0, 0, 1)}, [ADA, BOB]) == [0, 0, 1]


class TurnedPhoto:
    """Detector and recognizer of one photo that is upright after a turn; its faces by size, each with its embedding."""

    def __init__(self, upright_by: int, faces: Mapping[float, Vector | None]) -> None:
        self.image = np.ascontiguousarray(np.rot90(MARKED, upright_by // 90))
        self.searches = 0
        self._photo = Photo(faces)

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces at any turn, since the detector finds a face that is upside down."""
        self.searches += 1
        return self._photo.detect(frame)

    def look(self, image: Image, face: Face) -> Look:
        """Return a look that is usable only in the upright image."""
        if not np.array_equal(image, MARKED):
            return look(None, (Flaw.TILT,))
        return self._photo.look(image, face)


MARKED = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_photo_that_is_not_upright_is_turned_and_the_sample_says_so(turn: int) -> None:
    """The turn is clockwise; an upright photo is searched once and left as it is."""
    photo = TurnedPhoto(turn, {0.2: unit(1, 0, 0)})
    sample = examine_image(photo.image, "x.jpg", photo, photo, keep_crop=True)
    assert isinstance(sample, Sample), sample
    assert sample.turn == turn
    assert (photo.searches == 1) == (turn == 0)


def test_a_photo_with_a_usable_face_is_never_turned() -> None:
    """A group photo is upright, also if the face to be enrolled is not usable or somebody else's."""
    for faces in ({0.3: None, 0.1: unit(1, 0, 0)}, {0.2: unit(1, 0, 0), 0.19: unit(0, 1, 0)}):
        photo = TurnedPhoto(0, faces)
        assert isinstance(examine_image(photo.image, "x.jpg", photo, photo, keep_crop=True), Refusal)
        assert photo.searches == 1


def test_a_turned_photo_is_refused_for_the_reason_that_it_has_upright() -> None:
    """Two faces of one size are ambiguous upside down, too; what no turn helps keeps its own reason."""
    photo = TurnedPhoto(180, {0.2: unit(1, 0, 0), 0.19: unit(0, 1, 0)})
    refusal = examine_image(photo.image, "x.jpg", photo, photo, keep_crop=True)
    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith("two faces of about the same size")
    blurred = TurnedPhoto(0, {0.2: None})
    assert examine_image(blurred.image, "x", blurred, blurred, keep_crop=True) == Refusal(
        "x", "the face is unusable: blur"
    )


def test_somebody_elses_face_is_refused_unless_forced() -> None:
    """Whether ada is known yet or not; the reason says whose face it is, by what margin, and what to do."""
    for people in ([BOB], [ADA, BOB]):
        reason = refused({0.3: unit(0.5, 1, 0)}, people)
        assert reason.startswith("the face is bob's (margin +0.29")
        assert "--force" in reason
        assert taken({0.3: unit(0.5, 1, 0)}, people, force=True) == [0.4, 0.9, 0]


def test_a_face_near_to_two_people_is_taken_for_the_nearer_one() -> None:
    """Sisters may look alike."""
    assert taken({0.3: unit(1, 0.9, 0)}, [ADA, BOB]) == [0.7, 0.7, 0]
