"""A still for this machine: the next frame with its masks, or the reason why there is none."""

import base64
import json
from typing import Any

import cv2
import numpy as np
from makers import face, instant

from node.domain import Box, CameraState, Flaw, Frame, Image, Match, Tick
from node.people.inspection import InspectedFace
from node.requests.answer import Answer
from node.requests.local_request import TakeStill
from node.requests.stills import Stills
from node.requests.view import View
from node.vision.masks import Masks
from node.vision.quality import Shortfall

WHITE = np.full((60, 80, 3), 255, np.uint8)


ADA = InspectedFace(face(), match=Match("ada", 0.617))
SMALL = InspectedFace(face(), shortfalls=(Shortfall(Flaw.SIZE, "width", 28.04, 36),))


def inspect(frame: Frame) -> list[InspectedFace]:
    """Find Ada, and a face that is too small."""
    del frame
    return [ADA, SMALL]


class Fixture:
    """Stills, and what they answered."""

    def __init__(self) -> None:
        self.recognizing = True
        self.stills = Stills(Masks([Box(0, 0, 0.5, 1)]), inspect, lambda: self.recognizing)
        self.answers: list[dict[str, Any]] = []

    def ask(self, at_s: float = 0) -> None:
        """Ask for a still."""
        answer = Answer("t", lambda payload: self.answers.append(json.loads(payload)))
        self.stills.request(TakeStill(), instant(at_s), answer)

    def tick(self, image: Image | None, at_s: float = 0, camera: CameraState | None = CameraState.OK) -> None:
        """Let a tick pass."""
        self.stills.update(View(Tick(instant(at_s), None if image is None else Frame(image)), (), camera))


def test_a_still_is_the_next_frame_with_its_masks() -> None:
    """Whoever asks twice gets two; a frame that nobody asked for is not encoded."""
    fixture = Fixture()
    fixture.tick(WHITE)
    assert fixture.answers == []
    fixture.ask()
    fixture.ask()
    fixture.tick(None)
    assert fixture.answers == []
    fixture.tick(WHITE, 0.1)
    assert [answer["data"]["masks"] for answer in fixture.answers] == [1, 1]
    assert fixture.answers[0]["data"]["aspect"] == round(80 / 60, 4)
    content = base64.b64decode(fixture.answers[0]["data"]["jpeg"])
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture[:, 45:].mean() > 250
    assert picture[:, :35].mean() < 150


def test_each_face_says_who_it_is_or_by_how_much_it_is_no_evidence() -> None:
    """While recognition is off, no face is looked at."""
    fixture = Fixture()
    fixture.ask()
    fixture.tick(WHITE)
    first, second = fixture.answers[0]["data"]["faces"]
    box = [0.4, 0.3, 0.2, 0.2]
    assert first == {"box": box, "masked": False, "person": "ada", "score": 0.62, "shortfalls": []}
    assert second["person"] is None
    assert second["shortfalls"] == [{"flaw": "size", "what": "width", "measured": 28.04, "needed": 36}]
    fixture.recognizing = False
    fixture.ask()
    fixture.tick(WHITE)
    assert (fixture.answers[1]["data"]["faces"], fixture.answers[1]["data"]["recognition"]) == ([], "off")


def test_privacy_shows_no_frame_and_a_lost_camera_has_none() -> None:
    """The answer says which, at once."""
    for camera, words in ((CameraState.PRIVATE, "privacy mode is on"), (CameraState.LOST, "the camera is lost")):
        fixture = Fixture()
        fixture.ask()
        fixture.tick(WHITE if camera is CameraState.PRIVATE else None, camera=camera)
        assert [answer["error"] for answer in fixture.answers] == [words]


def test_a_camera_that_gives_no_frame_for_a_while_is_an_error() -> None:
    """Nobody waits for ever."""
    fixture = Fixture()
    fixture.ask(10)
    fixture.tick(None, 12.9, None)
    assert fixture.answers == []
    fixture.tick(None, 13.0, None)
    assert fixture.answers[0]["error"] == "the camera gives no frame within 3 s: try again"
