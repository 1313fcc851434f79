"""Which pictures leave the node: with which event, when asked, and when none may."""

import json
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from makers import face, instant

from node.contract import payloads, schema
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import Box, CameraState, Event, EventType, Frame, Image, Match, Tick, Track
from node.requests.answer import Answer
from node.requests.request import TakeSnapshot
from node.requests.snapshots import Snapshots
from node.requests.view import View

TOPICS = Topics("pi-1")
IMAGE = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
NOW = TakeSnapshot()


class Fixture:
    """Snapshots, what they sent and what they answered."""

    def __init__(self, kind: Literal["off", "face", "frame"] = "face") -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.messages: list[Message] = []
        self.answers: list[dict[str, Any]] = []
        self.connected = True
        self.snapshots = Snapshots(kind, TOPICS, self._send_now, expire_s=60, make_id=lambda _wall: "made-up")

    def _send_now(self, message: Message) -> bool:
        if self.connected:
            self.sent.append((message.topic, message.payload))
            self.messages.append(message)
        return self.connected

    def _answer(self, payload: bytes) -> None:
        fields = json.loads(payload)
        Draft202012Validator(schema("response")).validate(fields)
        self.answers.append(fields)

    def happen(
        self, *events: Event, at_s: float = 0, tracks: tuple[Track, ...] = (), image: Image | None = IMAGE
    ) -> None:
        """Let a tick pass in which something happens."""
        messages = payloads.encode(events, (), TOPICS, "3f9a1c02", lambda _wall: f"event-{len(self.sent)}")
        self.snapshots.publish(tick(at_s, image), events, messages, tracks)

    def ask(
        self, *requests: TakeSnapshot, at_s: float = 0, tracks: tuple[Track, ...] = (), image: Image | None = IMAGE,
        camera: CameraState = CameraState.OK,
    ) -> None:  # fmt: skip
        """Let a tick pass in which somebody asks."""
        for request in requests:
            self.snapshots.request(request, instant(at_s), Answer("t", self._answer))
        self.snapshots.update(View(tick(at_s, image), tracks, camera))


def tick(at_s: float, image: Image | None) -> Tick:
    """Return a tick with a frame, or without one."""
    return Tick(instant(at_s), None if image is None else Frame(image))


def track(number: int = 1, seen_s: float = 0, size: float = 0.2) -> Track:
    """Return somebody in view."""
    return Track(number, face(size=size), instant(0), instant(seen_s))


def event(kind: EventType = EventType.UNKNOWN, number: int = 1, person: str | None = None) -> Event:
    """Return something that happened to a track."""
    return Event(kind, instant(0), number, Box(0, 0, 1, 1), Match(person, 0.9) if person else None)


def shape(content: bytes) -> tuple[int, ...]:
    """Return height and width of a JPEG."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.shape[:2]


@pytest.mark.parametrize(("kind", "size"), [("face", (96, 128)), ("frame", (240, 320))])
def test_an_event_has_its_picture(kind: Literal["face", "frame"], size: tuple[int, int]) -> None:
    """The face with its margin (to 2 px), or the frame, on the topic that the event's id names."""
    fixture = Fixture(kind)
    fixture.happen(event(), tracks=(track(),))
    ((topic, picture),) = fixture.sent
    assert topic == "facenode/pi-1/snapshot/event-0"
    assert shape(picture) == pytest.approx(size, abs=2)


def test_a_picture_says_of_which_event_it_is_and_when_it_was_taken() -> None:
    """A JPEG has no fields for that. It expires at the broker; a picture that belongs to no event names none."""
    fixture = Fixture()
    fixture.happen(event(), at_s=7, tracks=(track(seen_s=7),))
    fixture.ask(TakeSnapshot("event-0"), at_s=9)
    fixture.ask(NOW, at_s=9, tracks=(track(seen_s=9),))
    first, again, asked = fixture.messages
    taken = (("at", payloads.timestamp(instant(7).wall)), ("expire_s", "60"))
    assert first.user_properties == again.user_properties == (("event", "event-0"), *taken)
    assert asked.user_properties == (("at", payloads.timestamp(instant(9).wall)), ("expire_s", "60"))
    assert {(each.content_type, each.expiry_s, each.retain) for each in fixture.messages} == {("image/jpeg", 60, False)}


def test_nobody_asked_for_pictures_and_none_is_made() -> None:
    """Off is off: not with an event, and not by a request, whose answer says how it is turned on."""
    fixture = Fixture("off")
    fixture.happen(event(), tracks=(track(),))
    fixture.ask(NOW, tracks=(track(),))
    assert fixture.sent == []
    assert "publish.snapshots" in fixture.answers[0]["error"]


@pytest.mark.parametrize(
    ("tracks", "image"),
    [((), IMAGE), ((track(seen_s=-1),), IMAGE), ((track(2),), IMAGE), ((track(),), None)],
    ids=["left", "hidden", "somebody else", "no frame"],
)
@pytest.mark.parametrize("kind", ["face", "frame"])
def test_who_is_not_in_sight_has_no_picture(
    kind: Literal["face", "frame"], tracks: tuple[Track, ...], image: Image | None
) -> None:
    """A picture of an empty room, or of somebody else, is not that of the event."""
    fixture = Fixture(kind)
    fixture.happen(event(), tracks=tracks, image=image)
    assert fixture.sent == []


def test_a_request_gets_what_is_in_view_now_and_its_answer_says_where() -> None:
    """The id in the answer is that of the topic; of two faces it is the larger (to 2 px), so the nearer."""
    fixture = Fixture()
    fixture.ask(NOW, tracks=(track(1, size=0.1), track(2, size=0.3)))
    ((topic, picture),) = fixture.sent
    assert topic == "facenode/pi-1/snapshot/made-up"
    assert shape(picture) == pytest.approx((144, 192), abs=2)
    assert fixture.answers == [{"transaction": "t", "status": "ok", "data": {"id": "made-up", "bytes": len(picture)}}]


def test_a_request_waits_for_a_frame() -> None:
    """Between two frames there is nothing to show: the next one is, and once."""
    fixture = Fixture("frame")
    fixture.ask(NOW, image=None)
    assert (fixture.sent, fixture.answers) == ([], [])
    fixture.ask()
    fixture.ask()
    assert len(fixture.sent) == len(fixture.answers) == 1


def test_a_face_is_waited_for_a_while_and_then_its_absence_is_answered() -> None:
    """A frame may not be searched, and a detector may miss a face: nobody is in view only after three seconds."""
    fixture = Fixture("face")
    fixture.ask(NOW, tracks=(track(seen_s=-1),))
    fixture.ask(at_s=2.9, tracks=(track(seen_s=-1),))
    assert (fixture.sent, fixture.answers) == ([], [])
    fixture.ask(at_s=3, tracks=(track(seen_s=-1),))
    assert (fixture.sent, fixture.answers[0]["error"]) == ([], "nobody is in view")


@pytest.mark.parametrize("image", [IMAGE, None], ids=["not searched", "no frame"])
def test_a_face_that_is_found_in_a_later_frame_is_sent(image: Image | None) -> None:
    """The throttle skips frames and a tick may have none: the next frame with a face in it counts."""
    fixture = Fixture("face")
    fixture.ask(NOW, image=image, tracks=(track(seen_s=-1),))
    fixture.ask(at_s=1, tracks=(track(seen_s=1),))
    assert len(fixture.sent) == 1
    assert fixture.answers[0]["status"] == "ok"


def test_an_empty_room_is_a_picture_where_the_frame_is_shown() -> None:
    """With `frame` nobody needs to be in view."""
    fixture = Fixture("frame")
    fixture.ask(NOW, tracks=(track(seen_s=-1),))
    assert len(fixture.sent) == 1


@pytest.mark.parametrize(
    ("camera", "sentence"),
    [(CameraState.PRIVATE, "privacy mode is on"), (CameraState.LOST, "the camera is lost")],
)
@pytest.mark.parametrize("image", [IMAGE, None])
def test_nothing_is_sent_while_the_camera_is_private_or_lost(
    camera: CameraState, sentence: str, image: Image | None
) -> None:
    """Neither what is in view nor what was; a request that waited for a frame is answered, too."""
    fixture = Fixture("frame")
    fixture.happen(event(), tracks=(track(),))
    fixture.sent.clear()
    fixture.ask(NOW, image=None)
    fixture.ask(TakeSnapshot("event-0"), image=image, camera=camera)
    assert fixture.sent == []
    assert [answer["error"] for answer in fixture.answers] == [sentence, sentence]


def test_the_picture_of_an_event_is_sent_again_to_whoever_missed_it() -> None:
    """Only the latest sixteen are remembered; which is not, is said."""
    fixture = Fixture()
    for _ in range(17):
        fixture.happen(event(), tracks=(track(),))
    fixture.ask(TakeSnapshot("event-0"), TakeSnapshot("event-16"))
    assert fixture.sent[-1] == fixture.sent[16]
    assert len(fixture.sent) == 18
    assert "only the latest 16" in fixture.answers[0]["error"]
    assert fixture.answers[1]["data"]["id"] == "event-16"


@pytest.mark.parametrize("how", ["privacy", "erasure"])
def test_what_is_to_be_forgotten_is_forgotten(how: str) -> None:
    """Privacy mode keeps no picture for later, and any picture may show somebody who was erased."""
    fixture = Fixture()
    fixture.happen(event(EventType.RECOGNIZED, person="ada"), tracks=(track(),))
    if how == "privacy":
        fixture.ask(camera=CameraState.PRIVATE)
    else:
        fixture.snapshots.forget()
    fixture.ask(TakeSnapshot("event-0"))
    assert "there is no picture" in fixture.answers[0]["error"]


def test_without_a_broker_nothing_waits_and_it_is_said() -> None:
    """A picture that comes an hour later would look like one of now."""
    fixture = Fixture()
    fixture.connected = False
    fixture.happen(event(), tracks=(track(),))
    fixture.ask(NOW, tracks=(track(),))
    assert fixture.answers[0]["error"] == "the broker cannot be reached"
