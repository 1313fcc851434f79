"""How often a stranger is called by a name, measured as a node does: the promise behind `people.max_fpir`."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from models.evaluation.metrics import Share, wilson
from node.assembly import Vision, build_scoring, build_vision
from node.camera.decoder_process import DecoderProcess
from node.camera.image_file import read_image
from node.domain import Frame, Vector
from node.people.enrolment import examine
from node.people.gallery import Gallery, Sample
from node.people.person import Person
from node.settings.loader import load

pytestmark = pytest.mark.data
_PHOTOS, _PROBES, _STRANGERS = 5, 5, 300
SETTINGS = load(
    None, {"model": {"threads": 1}}, {}, Path("/nonexistent")
)  # two threads wait for each other on a busy machine


@dataclass(frozen=True)
class Faces:
    """The test's data: people to enroll, further looks at twelve of them, and strangers."""

    twelve: tuple[Person, ...]
    fifty: tuple[Person, ...]
    probes: tuple[tuple[str, Vector], ...]
    strangers: tuple[Vector, ...]


def _rows(file: Path, split: str) -> dict[str, list[Path]]:
    """Return the pictures of a split by person, in the order of the manifest."""
    found: dict[str, list[Path]] = {}
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["split"] == split:
                found.setdefault(row["identity"], []).append(file.parent / row["path"])
    return found


def _enrolled(photos: Iterable[Sequence[Path]], gallery: Gallery, vision: Vision) -> tuple[Person, ...]:
    """Enroll people from five photos each, as `facenode people add` does."""
    space = vision.network.sidecar.heads.embedding.space
    with DecoderProcess() as decoder:
        for number, own in enumerate(photos):
            looks = [
                examine(photo, vision.detector, vision.recognizer, decoder=decoder, keep_crop=False)
                for photo in own[:_PHOTOS]
            ]
            gallery.add(f"p{number:02}", None, space, [sample for sample in looks if isinstance(sample, Sample)])
    return gallery.load()


def _seen(photo: Path, vision: Vision) -> Vector | None:
    """Return the embedding of the largest face as a node computes it from a frame; None if the face is unusable."""
    image = read_image(photo)
    faces = vision.detector.detect(Frame(image))
    return vision.recognizer.look(image, faces[0]).embedding if faces else None


@pytest.fixture(scope="module")
def vision() -> Vision:
    """Return detector and network with the default settings."""
    return build_vision(SETTINGS, ())


@pytest.fixture(scope="module")
def faces(vision: Vision, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Faces:
    """Embed everybody once; half of the strangers come from pictures that no threshold was measured with."""
    known = _rows(data_dir / "lfw_people" / "manifest.csv", "val")
    twelve = sorted(known, key=lambda person: (-len(known[person]), person))[:12]
    train = _rows(data_dir / "lfw_people" / "manifest.csv", "train")
    fifty = [person for person in sorted(train) if len(train[person]) >= _PHOTOS][:50]
    unseen = [photos[0] for photos in _rows(data_dir / "lfw9" / "unknown.csv", "test").values()]
    rest = [known[person][0] for person in sorted(known) if person not in twelve]
    folder = tmp_path_factory.mktemp("galleries")
    probes = [
        (f"p{n:02}", _seen(photo, vision)) for n, p in enumerate(twelve) for photo in known[p][_PHOTOS:][:_PROBES]
    ]
    strangers = [_seen(photo, vision) for photo in [*unseen, *rest][:_STRANGERS]]
    return Faces(
        _enrolled((known[person] for person in twelve), Gallery(folder / "twelve"), vision),
        _enrolled((train[person] for person in fifty), Gallery(folder / "fifty"), vision),
        tuple((person, look) for person, look in probes if look is not None),
        tuple(look for look in strangers if look is not None),
    )


def _named(people: Sequence[Person], looks: Iterable[Vector], vision: Vision) -> list[str | None]:
    """Return the name of each look by the node's matcher, with the threshold for this many people."""
    matcher = build_scoring(SETTINGS, vision.network.sidecar).matcher(people, SETTINGS.people.max_fpir)
    return [matcher.match(look, {}).person for look in looks]


def _share(galleries: Sequence[Sequence[Person]], faces: Faces, vision: Vision) -> tuple[float, Share]:
    """Return the share of strangers named, averaged over galleries, and its confidence interval.

    The same stranger against another gallery is no new case: more galleries steady the mean but narrow no interval.
    """
    named = [sum(name is not None for name in _named(gallery, faces.strangers, vision)) for gallery in galleries]
    mean = float(np.mean(named))
    return mean / len(faces.strangers), wilson(round(mean), len(faces.strangers))


def test_strangers_are_named_at_most_as_often_as_promised(
    faces: Faces, vision: Vision, print_line: Callable[[str], None]
) -> None:
    """For every gallery size the share is at or below `people.max_fpir`, within its 95 % interval."""
    galleries: dict[str, Sequence[Sequence[Person]]] = {
        "1": [[person] for person in faces.twelve],
        "10": [faces.twelve[:10], faces.twelve[2:], *(faces.fifty[start : start + 10] for start in range(0, 50, 10))],
        "12": [faces.twelve],
        "50": [faces.fifty],
    }
    assert len(faces.twelve) == 12
    assert len(faces.fifty) == 50
    assert len(faces.strangers) > 0.9 * _STRANGERS
    shares = {size: _share(some, faces, vision) for size, some in galleries.items()}
    limit = SETTINGS.people.max_fpir
    lines = [
        f"strangers called by a name, at most {limit:.1%} asked; mean over galleries, 95 % interval of the strangers"
    ]
    lines.append("enrolled  galleries  strangers  named    interval")
    for size, (mean, share) in shares.items():
        interval = f"{share.low:.2%} to {share.high:.2%}"
        lines.append(f"{size:>8}  {len(galleries[size]):>9}  {share.n:>9}  {mean:>6.2%}   {interval}")
    print_line("\n".join(lines))
    for size, (_, share) in shares.items():
        assert share.low <= limit, f"{size} enrolled: {share}"


def test_enrolled_people_are_still_named(faces: Faces, vision: Vision, print_line: Callable[[str], None]) -> None:
    """Naming nobody does not keep the promise: at least nine of ten looks at the twelve get the right name.

    At most one in fifty gets another's; a node asks for several looks that agree before it names anybody.
    """
    names = _named(faces.twelve, (look for _, look in faces.probes), vision)
    right = wilson(sum(name == person for name, (person, _) in zip(names, faces.probes, strict=True)), len(names))
    wrong = sum(name not in (None, person) for name, (person, _) in zip(names, faces.probes, strict=True))
    print_line(f"12 enrolled, {right.n} further looks: {right.value:.1%} ({right.low:.1%} to {right.high:.1%}) named")
    assert right.value >= 0.9
    assert wrong <= right.n / 50
