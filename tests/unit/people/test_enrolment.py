"""Which face of a photo is enrolled, and which photo is not."""

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

PICTURE = np.zeros((10, 10, 3), np.uint8)
ADA = Person("ada", "Ada", (Anchor(unit(1, 0, 0), "s", "p"),))
BOB = Person("bob", "Bob", (Anchor(unit(0, 1, 0), "s", "p"),))


class Photo:
    """FaceDetector and looker of one photo: its faces, by size, and what each looks like."""

    def __init__(self, faces: Mapping[float, Vector | None]) -> None:
        self._looks = {
            size: look(vector) if vector is not None else look(None, (Flaw.BLUR,)) for size, vector in faces.items()
        }

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, the largest first."""
        del frame
        return tuple(face(size=size) for size in sorted(self._looks, reverse=True))

    def look(self, image: Image, face: Face) -> Look:
        """Return what there is to see in one face."""
        del image
        return replace(self._looks[face.box.width], face=face, crop=PICTURE)


def take(
    faces: Mapping[float, Vector | None], people: Sequence[Person] = (), *, force: bool = False
) -> Sample | Refusal:
    """Return what becomes of a photo of ada; whoever is nearer than .6 is recognised."""
    photo, enrollee = Photo(faces), Enrollee("ada", GalleryMatcher(people, "s", 0.6), force=force)
    return examine_image(PICTURE, "x/photo.jpg", photo, photo, keep_crop=True, enrollee=enrollee)


def taken(faces: Mapping[float, Vector | None], people: Sequence[Person] = (), *, force: bool = False) -> list[float]:
    """Return the embedding that was taken, to one decimal."""
    sample = take(faces, people, force=force)
    assert isinstance(sample, Sample), sample
    assert (sample.source, sample.crop is PICTURE) == ("photo.jpg", True)
    return [round(float(number), 1) for number in sample.embedding]


def refused(faces: Mapping[float, Vector | None], people: Sequence[Person] = ()) -> str:
    """Return why nothing was taken."""
    refusal = take(faces, people)
    assert isinstance(refusal, Refusal)
    return refusal.reason


def test_the_largest_face_is_taken() -> None:
    """Passers-by in the background are nobody's portrait."""
    assert taken({0.2: unit(1, 0, 0), 0.1: unit(0, 1, 0)}) == [1, 0, 0]


def test_what_leaves_doubt_is_refused_with_its_reason() -> None:
    """No face, two of one size, one that the gates refuse."""
    assert refused({}) == "no face found"
    assert refused({0.2: unit(1, 0, 0), 0.19: unit(0, 1, 0)}).startswith("two faces of about the same size")
    assert refused({0.2: None, 0.1: unit(1, 0, 0)}) == "the face is unusable: blur"


@pytest.mark.parametrize("other", [0.3, 0.21])
def test_of_several_faces_the_one_recognised_as_the_person_is_taken(other: float) -> None:
    """In a group she is found by what is known of her, however large the others are."""
    assert taken({other: unit(0, 0, 1), 0.2: unit(1, 0.2, 0)}, [ADA]) == [1, 0.2, 0]


def test_nobody_else_is_taken_from_a_group_in_which_she_is_not_recognised() -> None:
    """The largest face is not hers if a smaller one is nearer; if it is the nearest, it is a new look of hers."""
    assert "none of 2 faces is recognized as ada" in refused({0.3: unit(0, 0, 1), 0.1: unit(1, 0, 2)}, [ADA])
    assert taken({0.3: unit(1, 0, 2), 0.1: unit(0, 0, 1)}, [ADA]) == [0.4, 0, 0.9]


def test_one_face_is_taken_however_unlike_the_others_it_is() -> None:
    """A photo with glasses is what makes the gallery better."""
    assert taken({0.3: unit(0, 0, 1)}, [ADA, BOB]) == [0, 0, 1]


def test_somebody_elses_face_is_refused_unless_forced() -> None:
    """Whether she is known yet or not; the reason says whose it is, how near, and the way out."""
    for people in ([BOB], [ADA, BOB]):
        reason = refused({0.3: unit(0.5, 1, 0)}, people)
        assert reason.startswith("the face is bob's (0.89")
        assert "--force" in reason
        assert taken({0.3: unit(0.5, 1, 0)}, people, force=True) == [0.4, 0.9, 0]


def test_a_face_as_near_to_another_but_nearer_to_her_is_taken() -> None:
    """Sisters may look alike: the nearer one counts."""
    assert taken({0.3: unit(1, 0.9, 0)}, [ADA, BOB]) == [0.7, 0.7, 0]
