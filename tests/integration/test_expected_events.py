"""Known scenes -> the exact events: one person, several, coming and going, and faces that are not usable."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from clocked_clip import ClockedClip
from facenode_command import facenode
from installed_runtimes import runtimes
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import events, load_settings, settings_for

from node.assembly import build_node
from node.camera.image_file import read_image
from node.camera.video import read_video
from node.clock import SystemClock
from node.domain import Image
from node.vision.tflite import Runtime

pytestmark = pytest.mark.broker
EMPTY = np.full((144, 176, 3), 96, np.uint8)
Events = list[tuple[str, str]]


class ReplayNode:
    """Run a node on frames, ten a second, and collect its events."""

    def __init__(self, broker: Mosquitto, storage: Path) -> None:
        self._broker = broker
        self.settings = settings_for(broker, Path("none"), storage)

    def enroll(self, person: str, *photos: Path) -> None:
        """Enroll a person."""
        assert facenode("people", "add", person, *photos, settings=self.settings).code == 0

    def replay(self, frames: Sequence[Image], **more: object) -> tuple[Events, dict[str, int]]:
        """Play frames; return type and person of each event, and how many looks failed each quality gate."""
        clock = SystemClock()
        clip = ClockedClip(frames, clock)
        given = self.settings | {key.replace("__", "."): value for key, value in more.items()}
        with closing(Subscriber(self._broker.settings(), "facenode/hall/#")) as subscriber:
            node = build_node(load_settings(given), clip, clock)
            node.run()
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
            found = [(e["event_type"], e.get("person", {}).get("id", "unknown")) for e in events(subscriber.messages)]
        return found, {str(flaw): count for flaw, count in node.tracker.flaws.items() if count}


@pytest.fixture
def node(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> ReplayNode:
    """Return a node with its own storage."""
    return ReplayNode(mosquitto(), tmp_path / "storage")


@pytest.fixture(scope="module")
def carl(media_dir: Path) -> list[Image]:
    """Return the frames of the man in the clip."""
    return list(read_video(media_dir / "carphone.mp4"))


@pytest.fixture
def stills(carl: list[Image], tmp_path: Path) -> Path:
    """Return a folder of stills of the man in the clip."""
    folder = tmp_path / "carl"
    folder.mkdir()
    for number in (0, 10, 20, 30, 40):
        cv2.imwrite(str(folder / f"{number}.png"), cv2.cvtColor(carl[number], cv2.COLOR_RGB2BGR))
    return folder


@pytest.mark.parametrize("runtime", runtimes())
def test_returning_within_the_cool_down_is_one_visit(
    node: ReplayNode, carl: list[Image], stills: Path, runtime: Runtime
) -> None:
    """A person who returns after five seconds gets one `recognized` and one `left`; a second run gives the same.

    So it is on either runtime.
    """
    node.enroll("carl", stills)
    frames = [*carl[:30], *[EMPTY] * 50, *carl[30:60], *[EMPTY] * 50]
    runs = [node.replay(frames, node__id="hall", model__runtime=runtime)[0] for _ in range(2)]
    assert runs[0] == [("recognized", "carl"), ("left", "carl")]
    assert runs[1] == runs[0]


def test_returning_after_the_cool_down_is_another_visit(node: ReplayNode, carl: list[Image], stills: Path) -> None:
    """Each visit is reported once."""
    node.enroll("carl", stills)
    frames = [*carl[:30], *[EMPTY] * 80, *carl[30:60], *[EMPTY] * 50]
    found, _ = node.replay(frames, events__cool_down_s=2)
    assert found == [("recognized", "carl"), ("left", "carl")] * 2


def test_several_people_in_view_are_each_reported_once(
    node: ReplayNode, carl: list[Image], stills: Path, media_dir: Path
) -> None:
    """Two known people and a stranger are each reported once, and each of them leaves at the end."""
    node.enroll("carl", stills)
    node.enroll("eileen", media_dir / "astronaut.jpg")
    still = [cv2.resize(read_image(media_dir / name), (360, 360)) for name in ("astronaut.jpg", "grace_hopper.jpg")]
    frames = [
        np.concatenate([cv2.resize(image, (440, 360)), *still], axis=1).astype(np.uint8, copy=False)
        for image in carl[:40]
    ]
    runs = [node.replay(frames)[0] for _ in range(2)]
    expected = {("recognized", "carl"), ("recognized", "eileen"), ("unknown", "unknown")}
    assert set(runs[0][:3]) == expected
    assert sorted(runs[0][3:]) == [("left", "carl"), ("left", "eileen"), ("left", "unknown")]
    assert runs[1] == runs[0]


def cut(image: Image) -> Image:
    """Return the picture cropped through the middle of the face."""
    return image[:, 220:].copy()


def blurred(image: Image) -> Image:
    """Return the picture out of focus."""
    return cv2.GaussianBlur(image, (0, 0), 9).astype(np.uint8, copy=False)


def dark(image: Image) -> Image:
    """Return the picture underexposed."""
    return (image // 9).astype(np.uint8)


def tiny(image: Image) -> Image:
    """Return the picture with a face of 24 pixels."""
    small = cv2.resize(image, None, fx=24 / 90, fy=24 / 90, interpolation=cv2.INTER_AREA)
    canvas = np.full((480, 640, 3), 96, np.uint8)
    canvas[100 : 100 + small.shape[0], 200 : 200 + small.shape[1]] = small
    return canvas


@pytest.mark.parametrize(("spoil", "flaw"), [(cut, "edge"), (blurred, "blur"), (dark, "light"), (tiny, "size")])
@pytest.mark.parametrize("enrolled", [False, True])
def test_an_unusable_face_makes_no_event_and_is_counted_by_flaw(
    node: ReplayNode, media_dir: Path, spoil: Callable[[Image], Image], flaw: str, *, enrolled: bool
) -> None:
    """An unusable face is neither `unknown` nor `recognized`, whether the person is enrolled or not."""
    if enrolled:
        node.enroll("eileen", media_dir / "astronaut.jpg")
    frames = [spoil(read_image(media_dir / "astronaut.jpg"))] * 20
    found, flaws = node.replay(frames)
    assert found == []
    assert flaws.get(flaw) == 20, json.dumps(flaws)
