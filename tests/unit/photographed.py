"""People with faces from photos, for tests of what is said about a gallery."""

from makers import unit

from node.domain import Vector
from node.people.person import Anchor, Person


def person(name: str, *vectors: Vector, negatives: tuple[Vector, ...] = (), space: str = "s") -> Person:
    """Return a person with faces from 0.jpg, 1.jpg and so on."""
    faces = tuple(Anchor(vector, space, f"{number}.jpg") for number, vector in enumerate(vectors))
    return Person(name, name, faces, negatives=tuple(Anchor(vector, "s", "x") for vector in negatives))


ADA = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 0.1))
BOB = person("bob", unit(0, 1, 0), unit(0, 1, 0.1), unit(0, 1, 0.2))
