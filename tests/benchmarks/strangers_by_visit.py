"""Strangers who pass in front of a running node -> how many are called by a name, counted by visit.

    PYTHONPATH=.:tests/integration python tests/benchmarks/strangers_by_visit.py [--model FILE] [--cosine]

`facenode run` sees one visit after the other, each some frames of one picture with a sensor's noise and a hand's shake,
and publishes to a real broker. A visit counts as named if any of its events names somebody.

- Adults: twelve people of LFW are enrolled from five photos each; 300 strangers of LFW pass, and the twelve themselves,
  with further photos. Half of the strangers are of `lfw9/unknown` test, which no threshold was measured with.
- Children under 12 of UTKFace's validation part: ten are enrolled from one photo each, 200 others pass. UTKFace has no
  identities, so this tests confusion alone; the ten themselves pass with the photo that they were enrolled from.

`--cosine` takes the cohort away from the network, so that the cosine decides, as in version 0.1.0. The face data are in
$FACENODE_DATA.
"""

import argparse
import csv
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from facenode_command import facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import events
from running_node import running_facenode

from node.camera.image_file import read_image
from node.domain import Image
from node.system import bundled

DATA = Path(os.environ.get("FACENODE_DATA", "../shared/data"))
STRANGERS, CHILDREN, MOST = 300, 200, 4
PHOTOS, PROBES, TEN = 5, 5, 10
CHILD_YEARS = 12
FPS, SHOWN, EMPTY = 2, 8, 2
"""Frames a second, those of a visit, and those of the empty room after it, in which the visitor has left."""
SIZE, VIEW_PX, GRAY = (480, 640), 400, 118
SHAKE_PX, NOISE = 3.0, 3.0
PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who passes.

    Attributes:
        photo: what the camera sees of them.
        person: the id under which they are enrolled; None for a stranger.
    """

    photo: Path
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """People to enroll by id, each with their photos, and the visits."""

    name: str
    enrolled: dict[str, list[Path]]
    visits: list[Visit]


def main() -> int:
    """Print the table; return 1 if more strangers are named than may be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="network file (default: the one that ships with the program)")
    parser.add_argument("--cosine", action="store_true", help="decide by the cosine, without the network's cohort")
    args = parser.parse_args()
    print("| scene | enrolled | strangers | unknown | named | at most | no event | themselves | right | wrong name |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    worst = 0
    for scene in (adults(), children()):
        with tempfile.TemporaryDirectory() as folder:
            network = args.model or bundled.path(bundled.NETWORK)
            names = run(scene, Path(folder), without_cohort(network, Path(folder)) if args.cosine else network)
        strangers = [found for visit, found in zip(scene.visits, names, strict=True) if visit.person is None]
        known = [(visit.person, found) for visit, found in zip(scene.visits, names, strict=True) if visit.person]
        named = sum(bool(found) for found in strangers if found is not None)
        silent = sum(found is None for found in strangers)
        right = sum(found == {person} for person, found in known)
        wrong = sum(bool(found and found - {person}) for person, found in known)
        unknown = len(strangers) - named - silent
        print(
            f"| {scene.name} | {len(scene.enrolled)} | {len(strangers)} | {unknown} | {named} | {MOST} | {silent} "
            f"| {len(known)} | {right} | {wrong} |",
            flush=True,
        )
        worst = max(worst, named)
    return int(worst > MOST)


def adults() -> Scene:
    """Return the twelve people of LFW with the most pictures, and 300 strangers."""
    known = by_person("lfw_people/manifest.csv", "val")
    twelve = sorted(known, key=lambda person: (-len(known[person]), person))[:12]
    unseen = [photos[0] for photos in by_person("lfw9/unknown.csv", "test").values()]
    rest = [known[person][0] for person in sorted(known) if person not in twelve]
    ids = {f"p{number:02}": known[person] for number, person in enumerate(twelve)}
    themselves = [Visit(photo, person) for person, photos in ids.items() for photo in photos[PHOTOS : PHOTOS + PROBES]]
    strangers = [Visit(photo) for photo in [*unseen, *rest][:STRANGERS]]
    return Scene("adults", {person: photos[:PHOTOS] for person, photos in ids.items()}, [*themselves, *strangers])


def children() -> Scene:
    """Return ten children under 12, and 200 others."""
    rows = read_rows("utkface/manifest.csv", "val")
    young = [DATA / "utkface" / row["path"] for row in rows if int(row["age"]) < CHILD_YEARS]
    order = np.random.default_rng(0).permutation(len(young))
    photos = [young[number] for number in order[: TEN + CHILDREN]]
    ten = {f"c{number:02}": [photo] for number, photo in enumerate(photos[:TEN])}
    themselves = [Visit(own[0], person) for person, own in ten.items()]
    return Scene("children", ten, [*themselves, *(Visit(photo) for photo in photos[TEN:])])


def by_person(manifest: str, split: str) -> dict[str, list[Path]]:
    """Return the pictures of a split by person, in the order of the manifest."""
    found: dict[str, list[Path]] = {}
    for row in read_rows(manifest, split):
        found.setdefault(row["identity"], []).append((DATA / manifest).parent / row["path"])
    return found


def read_rows(manifest: str, split: str) -> list[dict[str, str]]:
    """Return the rows of a split."""
    with (DATA / manifest).open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["split"] == split]


def without_cohort(network: Path, folder: Path) -> Path:
    """Return a copy of a network whose sidecar names no cohort."""
    copied = folder / "cosine.tflite"
    shutil.copy(network, copied)
    sidecar = json.loads(network.with_suffix(".json").read_text(encoding="utf-8"))
    sidecar.pop("cohort", None)
    copied.with_suffix(".json").write_text(json.dumps(sidecar), encoding="utf-8")
    return copied


def run(scene: Scene, folder: Path, network: Path) -> list[set[str] | None]:
    """Return for each visit the names in its events; None for a visit without any event."""
    film(scene.visits, folder / "frames")
    broker = Mosquitto(folder / "broker").start()
    settings = {
        "node.id": "hall",
        "mqtt.host": broker.host,
        "mqtt.port": broker.port,
        "storage.dir": folder / "hall",
        "model.threads": 1,
        "model.path": network,
    }
    enroll(scene, settings, folder)
    source = {"camera.source": f"images:{folder / 'frames'}", "camera.fps": FPS}
    given = settings | source | {"events.leave_after_s": 0.5, "events.cool_down_s": 0}
    try:
        with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running_facenode(given) as node:
            if not eventually(lambda: node.poll() is not None, PATIENCE_S) or node.returncode:
                raise SystemExit(f"facenode run: exit code {node.returncode}")
            published = events(subscriber.messages)
    finally:
        broker.end()
    return by_visit(scene, published)


def enroll(scene: Scene, settings: dict[str, object], folder: Path) -> None:
    """Enroll everybody of a scene as their owner does, from pictures with some room around the face."""
    for person, photos in scene.enrolled.items():
        views = []
        for number, photo in enumerate(photos):
            views.append(folder / f"{person}-{number}.png")
            cv2.imwrite(str(views[-1]), cv2.cvtColor(frame(photo), cv2.COLOR_RGB2BGR))
        result = facenode("people", "add", person, "--force", *views, settings=settings)
        if result.code:
            raise SystemExit(result.err)


def by_visit(scene: Scene, published: Sequence[dict[str, object]]) -> list[set[str] | None]:
    """Return the names in the events of each visit, told by the moments of the events.

    The first visitor is enrolled, and recognized with the third look: that gives the moment of the first frame.
    """
    moments = [datetime.fromisoformat(str(event["at"])).timestamp() for event in published]
    if not published or published[0]["event_type"] != "recognized":
        raise SystemExit("the first visitor was not recognized")
    start_s = moments[0] - 2 / FPS
    found: list[set[str] | None] = [None] * len(scene.visits)
    for event, at_s in zip(published, moments, strict=True):
        if event["event_type"] == "left":
            continue
        visit = int((at_s - start_s) * FPS + 0.5) // (SHOWN + EMPTY)
        person = event.get("person")
        found[visit] = (found[visit] or set()) | ({str(person["id"])} if isinstance(person, dict) else set())
    return found


def film(visits: Sequence[Visit], folder: Path) -> None:
    """Write the frames of all visits, one file each."""
    folder.mkdir()
    random = np.random.default_rng(0)
    number = 0
    for visit in visits:
        seen = frame(visit.photo)
        for shown in range(SHOWN + EMPTY):
            image = shaken(seen, random) if shown < SHOWN else np.full((*SIZE, 3), GRAY, np.uint8)
            path = str(folder / f"{number:06}.jpg")
            cv2.imwrite(path, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
            number += 1


def frame(photo: Path) -> Image:
    """Return a frame with a photo in the middle, shape (480, 640, 3), uint8, RGB."""
    picture = read_image(photo)
    scale = VIEW_PX / max(picture.shape[:2])
    fitted = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    view = np.full((*SIZE, 3), GRAY, np.uint8)
    top, left = (SIZE[0] - fitted.shape[0]) // 2, (SIZE[1] - fitted.shape[1]) // 2
    view[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return view


def shaken(image: Image, random: np.random.Generator) -> Image:
    """Return a frame as a camera gives it again: moved a little, darker or lighter, with noise."""
    move = np.array([[1, 0, random.normal(0, SHAKE_PX)], [0, 1, random.normal(0, SHAKE_PX)]], np.float32)
    moved = cv2.warpAffine(image, move, SIZE[::-1], borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    light = moved * np.float32(random.uniform(0.9, 1.1))
    noise = random.standard_normal(image.shape, dtype=np.float32) * np.float32(NOISE)
    return (light + noise).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    raise SystemExit(main())
