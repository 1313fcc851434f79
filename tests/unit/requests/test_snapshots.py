"""Which pictures leave the node: with which event, when asked, and when none may."""

import json
from dataclasses import replace
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
from node.requests.inbox import Request, Verb
from node.requests.snapshots import Snapshots

TOPICS = Topics("pi-1")
IMAGE = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
ASK = Request(Verb.SNAPSHOT, "t")


class Booth:
    """Snapshots, what they sent and what they answered."""

    def __init__(self, kind: Literal["off", "face", "frame"] = "face") -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.answers: list[dict[str, Any]] = []
        self.connected = True
        self.snapshots = Snapshots(kind, TOPICS, self._send_now, self._answer, lambda _wall: "made-up")

    def _send_now(self, message: Message) -> bool:
        if self.connected:
            self.sent.append((message.topic, message.payload))
        return self.connected

    def _answer(self, request: Request, payload: bytes) -> None:
        del request
        fields = json.loads(payload)
        Draft202012Validator(schema("response")).validate(fields)
        self.answers.append(fields)

    def happen(
        self, *events: Event, at_s: float = 0, tracks: tuple[Track, ...] = (), image: Image | None = IMAGE
    ) -> None:
        """Let a tick pass in which something happens."""
        messages = payloads.encode(events, (), TOPICS, "3f9a1c02", lambda _wall: f"event-{len(self.sent)}")
        self.snapshots.tell(tick(at_s, image), events, messages, tracks)

    def ask(
        self, *requests: Request, at_s: float = 0, tracks: tuple[Track, ...] = (), image: Image | None = IMAGE,
        camera: CameraState = CameraState.OK,
    ) -> None:  # fmt: skip
        """Let a tick pass in which somebody asks."""
        self.snapshots.apply(requests, tick(at_s, image), tracks, camera)


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
    booth = Booth(kind)
    booth.happen(event(), tracks=(track(),))
    ((topic, picture),) = booth.sent
    assert topic == "facenode/pi-1/snapshot/event-0"
    assert shape(picture) == pytest.approx(size, abs=2)


def test_nobody_asked_for_pictures_and_none_is_made() -> None:
    """Off is off: not with an event, and not by a request, whose answer says how it is turned on."""
    booth = Booth("off")
    booth.happen(event(), tracks=(track(),))
    booth.ask(ASK, tracks=(track(),))
    assert booth.sent == []
    assert "publish.snapshots" in booth.answers[0]["error"]


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
    booth = Booth(kind)
    booth.happen(event(), tracks=tracks, image=image)
    assert booth.sent == []


def test_a_request_gets_what_is_in_view_now_and_its_answer_says_where() -> None:
    """The id in the answer is that of the topic; of two faces it is the larger (to 2 px), so the nearer."""
    booth = Booth()
    booth.ask(ASK, tracks=(track(1, size=0.1), track(2, size=0.3)))
    ((topic, picture),) = booth.sent
    assert topic == "facenode/pi-1/snapshot/made-up"
    assert shape(picture) == pytest.approx((144, 192), abs=2)
    assert booth.answers == [{"transaction": "t", "status": "ok", "data": {"id": "made-up", "bytes": len(picture)}}]


def test_a_request_waits_for_a_frame() -> None:
    """Between two frames there is nothing to show: the next one is, and once."""
    booth = Booth("frame")
    booth.ask(ASK, image=None)
    assert (booth.sent, booth.answers) == ([], [])
    booth.ask()
    booth.ask()
    assert len(booth.sent) == len(booth.answers) == 1


def test_a_face_that_is_not_there_is_said() -> None:
    """With `face` an empty room has no picture; with `frame` it has."""
    for kind, sent in (("face", 0), ("frame", 1)):
        booth = Booth(kind)  # type: ignore[arg-type]  # the literals stand in the line above
        booth.ask(ASK, tracks=(track(seen_s=-1),))
        assert len(booth.sent) == sent
        assert booth.answers[0].get("error") == (None if sent else "nobody is in view")


@pytest.mark.parametrize(
    ("camera", "sentence"),
    [(CameraState.PRIVATE, "privacy mode is on"), (CameraState.LOST, "the camera is lost")],
)
@pytest.mark.parametrize("image", [IMAGE, None])
def test_nothing_is_sent_while_the_camera_is_private_or_lost(
    camera: CameraState, sentence: str, image: Image | None
) -> None:
    """Neither what is in view nor what was; a request that waited for a frame is answered, too."""
    booth = Booth("frame")
    booth.happen(event(), tracks=(track(),))
    booth.sent.clear()
    booth.ask(ASK, image=None)
    booth.ask(replace(ASK, event="event-0"), image=image, camera=camera)
    assert booth.sent == []
    assert [answer["error"] for answer in booth.answers] == [sentence, sentence]


def test_the_picture_of_an_event_is_sent_again_to_whoever_missed_it() -> None:
    """Only the latest sixteen are remembered; which is not, is said."""
    booth = Booth()
    for _ in range(17):
        booth.happen(event(), tracks=(track(),))
    booth.ask(replace(ASK, event="event-0"), replace(ASK, event="event-16"))
    assert booth.sent[-1] == booth.sent[16]
    assert len(booth.sent) == 18
    assert "only the latest 16" in booth.answers[0]["error"]
    assert booth.answers[1]["data"]["id"] == "event-16"


@pytest.mark.parametrize("how", ["privacy", "erasure"])
def test_what_is_to_be_forgotten_is_forgotten(how: str) -> None:
    """Privacy mode keeps no picture for later, and any picture may show somebody who was erased."""
    booth = Booth()
    booth.happen(event(EventType.RECOGNIZED, person="ada"), tracks=(track(),))
    if how == "privacy":
        booth.ask(camera=CameraState.PRIVATE)
    else:
        booth.snapshots.forget()
    booth.ask(replace(ASK, event="event-0"))
    assert "there is no picture" in booth.answers[0]["error"]


def test_without_a_broker_nothing_waits_and_it_is_said() -> None:
    """A picture that comes an hour later would look like one of now."""
    booth = Booth()
    booth.connected = False
    booth.happen(event(), tracks=(track(),))
    booth.ask(ASK, tracks=(track(),))
    assert booth.answers[0]["error"] == "the broker cannot be reached"
