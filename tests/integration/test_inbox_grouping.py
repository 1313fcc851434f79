"""Strangers of the face data -> the groups of the inbox: hardly any mixes people, and few people are in several."""

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from node_messages import load_settings

from node.assembly import build_photo_detector, build_scoring, build_sidecar, build_vision
from node.camera.image_file import read_image
from node.domain import Frame, Vector
from node.people.likeness import same_person
from node.review.grouping import linked

PEOPLE, LOOKS, ORDERS = 30, 4, 20

pytestmark = [pytest.mark.data, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def faces(data_dir: Path) -> Mapping[str, list[Vector]]:
    """Return the usable faces of everybody of the validation set who has enough of them, as the node embeds them."""
    settings = load_settings({})
    vision = build_vision(settings, ())
    detector = build_photo_detector(settings, vision)
    paths = defaultdict(list)
    with (data_dir / "lfw_people" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "val":
                paths[row["identity"]].append(data_dir / "lfw_people" / row["path"])
    found: dict[str, list[Vector]] = {}
    for person, pictures in paths.items():
        rows = []
        for picture in pictures if len(pictures) >= LOOKS else ():
            image = read_image(picture)
            for face in detector.detect(Frame(image))[:1]:
                look = vision.recognizer.look(image, face)
                if look.usable and look.embedding is not None:
                    rows.append(look.embedding)
        if len(rows) >= LOOKS:
            found[person] = rows
    return found


def test_strangers_in_random_order_are_grouped_by_person(
    faces: Mapping[str, list[Vector]], print_line: Callable[[str], None]
) -> None:
    """30 strangers with 4 looks each, 20 times: fewer than one group mixes people, and fewer than two are split."""
    settings = load_settings({})
    same = same_person(build_scoring(settings, build_sidecar(settings)))
    chance, mixed, split, groups = random.Random(0), [], [], []
    for _ in range(ORDERS):
        looks = [
            (person, row)
            for person in chance.sample(sorted(faces), PEOPLE)
            for row in chance.sample(range(len(faces[person])), LOOKS)
        ]
        chance.shuffle(looks)
        found = linked([faces[person][row] for person, row in looks], same)
        people = [{looks[number][0] for number in group} for group in found]
        groups.append(len(found))
        mixed.append(sum(len(each) > 1 for each in people))
        split.append(sum(sum(person in each for each in people) > 1 for person in {person for person, _ in looks}))
    print_line(
        f"{PEOPLE} strangers x {LOOKS} looks, {ORDERS} times, of {len(faces)} people, score {same.threshold:.3f}: "
        f"{sum(groups) / ORDERS:.1f} groups, {sum(mixed) / ORDERS:.2f} of them mix people (most {max(mixed)}), "
        f"{sum(split) / ORDERS:.2f} people are split (most {max(split)})"
    )
    assert sum(mixed) / ORDERS < 1
    assert sum(split) / ORDERS < 2
