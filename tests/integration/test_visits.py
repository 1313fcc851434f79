"""One person, several, coming and going; and faces that are no evidence: the exact list of events."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import ClockedClip
from facenode import facenode
from realbroker import Mosquitto, Subscriber, eventually
from told import events, node_settings, settings_for

from node.assembly import build_node
from node.camera.image_file import read_image
from node.camera.video import read_video
from node.clock import SystemClock
from node.domain import Image

pytestmark = pytest.mark.broker
EMPTY = np.full((144, 176, 3), 96, np.uint8)
Told = list[tuple[str, str]]


class Stage:
    """A node before which pictures are shown, ten a second, and what it told."""

    def __init__(self, broker: Mosquitto, storage: Path) -> None:
        self._broker = broker
        self.settings = settings_for(broker, Path("none"), storage)

    def enrol(self, person: str, *photos: Path) -> None:
        """Enrol somebody."""
        assert facenode("people", "add", person, *photos, settings=self.settings).code == 0

    def play(self, frames: Sequence[Image], **more: object) -> tuple[Told, dict[str, int]]:
        """Show frames; return type and person of every event, and how many looks failed each gate."""
        clock = SystemClock()
        clip = ClockedClip(frames, clock)
        given = self.settings | {key.replace("__", "."): value for key, value in more.items()}
        with closing(Subscriber(self._broker.settings(), "facenode/hall/#")) as subscriber:
            node = build_node(node_settings(given), clip, clock)
            node.run()
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
            told = [(e["event_type"], e.get("person", {}).get("id", "unknown")) for e in events(subscriber.messages)]
        return told, {str(flaw): count for flaw, count in node.tracker.flaws.items() if count}


@pytest.fixture
def stage(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Stage:
    """Return a stage."""
    return Stage(mosquitto(), tmp_path / "storage")


@pytest.fixture(scope="module")
def carl(media_dir: Path) -> list[Image]:
    """Return the frames of the man in the clip."""
    return list(read_video(media_dir / "carphone.mp4"))


@pytest.fixture
def portrait(carl: list[Image], tmp_path: Path) -> Path:
    """Return a folder of stills of the man in the clip."""
    folder = tmp_path / "carl"
    folder.mkdir()
    for number in (0, 10, 20, 30, 40):
        cv2.imwrite(str(folder / f"{number}.png"), cv2.cvtColor(carl[number], cv2.COLOR_RGB2BGR))
    return folder


def test_somebody_who_comes_and_goes_within_the_cool_down_is_one_visit(
    stage: Stage, carl: list[Image], portrait: Path
) -> None:
    """In view, away for five seconds, in view again: one `recognized`, one `left`; twice the same."""
    stage.enrol("carl", portrait)
    frames = [*carl[:30], *[EMPTY] * 50, *carl[30:60], *[EMPTY] * 50]
    runs = [stage.play(frames, node__id="hall")[0] for _ in range(2)]
    assert runs[0] == [("recognized", "carl"), ("left", "carl")]
    assert runs[1] == runs[0]


def test_after_the_cool_down_it_is_another_visit(stage: Stage, carl: list[Image], portrait: Path) -> None:
    """Each visit is told once."""
    stage.enrol("carl", portrait)
    frames = [*carl[:30], *[EMPTY] * 80, *carl[30:60], *[EMPTY] * 50]
    told, _ = stage.play(frames, events__cool_down_s=2)
    assert told == [("recognized", "carl"), ("left", "carl")] * 2


def test_several_people_side_by_side_are_all_named(
    stage: Stage, carl: list[Image], portrait: Path, media_dir: Path
) -> None:
    """Two who are known and one who is not, at the same time: each is told, once, and all leave at the end."""
    stage.enrol("carl", portrait)
    stage.enrol("eileen", media_dir / "astronaut.jpg")
    still = [cv2.resize(read_image(media_dir / name), (360, 360)) for name in ("astronaut.jpg", "grace_hopper.jpg")]
    frames = [
        np.concatenate([cv2.resize(image, (440, 360)), *still], axis=1).astype(np.uint8, copy=False)
        for image in carl[:40]
    ]
    runs = [stage.play(frames)[0] for _ in range(2)]
    expected = {("recognized", "carl"), ("recognized", "eileen"), ("unknown", "unknown")}
    assert set(runs[0][:3]) == expected
    assert sorted(runs[0][3:]) == [("left", "carl"), ("left", "eileen"), ("left", "unknown")]
    assert runs[1] == runs[0]


def cut(image: Image) -> Image:
    """Return the picture without the part left of the middle of the face."""
    return image[:, 220:].copy()


def blurred(image: Image) -> Image:
    """Return the picture out of focus."""
    return cv2.GaussianBlur(image, (0, 0), 9).astype(np.uint8, copy=False)


def dark(image: Image) -> Image:
    """Return the picture in the dark."""
    return (image // 9).astype(np.uint8)


def tiny(image: Image) -> Image:
    """Return the picture with a face of 24 pixels."""
    small = cv2.resize(image, None, fx=24 / 90, fy=24 / 90, interpolation=cv2.INTER_AREA)
    canvas = np.full((480, 640, 3), 96, np.uint8)
    canvas[100 : 100 + small.shape[0], 200 : 200 + small.shape[1]] = small
    return canvas


@pytest.mark.parametrize(("spoil", "flaw"), [(cut, "edge"), (blurred, "blur"), (dark, "light"), (tiny, "size")])
@pytest.mark.parametrize("enrolled", [False, True])
def test_a_face_that_is_no_evidence_makes_no_event_and_is_counted_with_its_reason(
    stage: Stage, media_dir: Path, spoil: Callable[[Image], Image], flaw: str, *, enrolled: bool
) -> None:
    """Neither `unknown` nor `recognized`, whoever it is."""
    if enrolled:
        stage.enrol("eileen", media_dir / "astronaut.jpg")
    frames = [spoil(read_image(media_dir / "astronaut.jpg"))] * 20
    told, flaws = stage.play(frames)
    assert told == []
    assert flaws.get(flaw) == 20, json.dumps(flaws)
