"""Frames, and what happened in them -> pictures on their topics, with each event and on request; never on disk.

The rules:

1. A picture is sent before its event, so that whoever receives the event finds the picture.
2. It shows the face, or the frame, of the very tick in which the event happened, with gray masks. Somebody not in that
   frame has none.
3. What the broker cannot take at once is not sent: an old picture must not look like a new one.
4. The latest few are remembered, in memory only, for whoever asks by an event's id. Privacy mode forgets them.
5. Over MQTT 5 a picture says when it was taken and of which event it is, and a broker drops it after a while.
6. A request for what is in view waits for a frame, and for a face where only the face is shown, but not for long.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal

from node.contract.message import JPEG, Message, expiring
from node.contract.payloads import MakeId, message_id, timestamp, uuid7
from node.contract.topics import Topics
from node.domain import CameraState, Event, Face, Frame, Instant, Tick, Track
from node.requests.answer import Answer
from node.requests.request import TakeSnapshot
from node.requests.view import View
from node.vision.jpeg import face_jpeg, frame_jpeg
from node.vision.masks import NO_MASKS, Masks

_REMEMBERED = 16
_WAIT_S = 3.0
"""Seconds for which a request waits for a face: a frame may not be searched, and a detector may miss a face."""


class Snapshots:
    """Take pictures, on the main loop's thread only.

    Args:
        kind: what a picture shows; `off`: there are none.
        topics: the node's.
        send_now: sends a message over the present connection; returns whether there is one.
        expire_s: seconds after which a broker drops a picture that nobody has fetched.
        masks: what no picture shows.
        make_id: makes the id of a picture that was requested and belongs to no event.
    """

    def __init__(  # noqa: PLR0913 - the composition root names all it depends on
        self,
        kind: Literal["off", "face", "frame"],
        topics: Topics,
        send_now: Callable[[Message], bool],
        *,
        expire_s: int,
        masks: Masks = NO_MASKS,
        make_id: MakeId = uuid7,
    ) -> None:
        self._kind, self._topics, self._send_now, self._make_id = kind, topics, send_now, make_id
        self._expire_s, self._masks = expire_s, masks
        self._pictures: OrderedDict[str, Message] = OrderedDict()
        self._waiting: list[tuple[TakeSnapshot, Answer, float]] = []

    def publish(
        self, tick: Tick, happened: Sequence[Event], messages: Sequence[Message], tracks: Sequence[Track]
    ) -> None:
        """Send a picture of each event whose face is in this tick's frame.

        Args:
            tick: the moment and its frame.
            happened: the events.
            messages: their messages, in the same order; what follows them is left alone.
            tracks: everybody in view.
        """
        if self._kind == "off" or tick.frame is None:
            return
        visible = {track.number: track.face for track in tracks if track.seen == tick.at}
        for event, message in zip(happened, messages, strict=False):
            if event.track in visible:
                event_id = message_id(message)
                of_event = (("event", event_id),)
                picture = self._message(event_id, tick.at, self._encode(tick.frame, visible[event.track]), of_event)
                self._send_now(picture)
                self._remember(event_id, picture)

    def request(self, request: TakeSnapshot, at: Instant, answer: Answer) -> None:
        """Take a request; `update` carries it out as soon as there is something to see."""
        if self._kind == "off":
            answer.error('snapshots are off: the owner turns them on by publish.snapshots = "face" or "frame"')
        else:
            self._waiting.append((request, answer, at.mono_s + _WAIT_S))

    def update(self, view: View) -> None:
        """Send the pictures that were requested, if there is something to see."""
        if view.camera is CameraState.PRIVATE:
            self.forget()
        waiting, self._waiting = self._waiting, []
        for request, answer, until_s in waiting:
            if view.problem is not None:
                answer.error(view.problem)
            elif request.event is not None:
                self._repeat(request.event, answer)
            elif not self._take(view, answer, last=view.at.mono_s >= until_s):
                self._waiting.append((request, answer, until_s))

    def forget(self) -> None:
        """Forget all pictures: any of them may show somebody who was erased."""
        self._pictures.clear()

    def _repeat(self, event_id: str, answer: Answer) -> None:
        picture = self._pictures.get(event_id)
        if picture is None:
            answer.error(f"there is no picture of event {event_id}: only the latest {_REMEMBERED} are remembered")
        else:
            self._send(answer, event_id, picture)

    def _take(self, view: View, answer: Answer, *, last: bool) -> bool:
        """Take a picture if there is something to see; return whether the request was answered."""
        nearest = max((track.face for track in view.visible), key=lambda face: face.box.width, default=None)
        if view.tick.frame is not None and (nearest is not None or self._kind == "frame"):
            picture_id = self._make_id(view.at.wall)
            self._send(answer, picture_id, self._message(picture_id, view.at, self._encode(view.tick.frame, nearest)))
            return True
        if last and view.tick.frame is not None:
            answer.error("nobody is in view")
            return True
        return False

    def _send(self, answer: Answer, picture_id: str, picture: Message) -> None:
        if self._send_now(picture):
            answer.ok({"id": picture_id, "bytes": len(picture.payload)})
        else:
            answer.error("the broker cannot be reached")

    def _message(
        self, picture_id: str, at: Instant, picture: bytes, of_event: tuple[tuple[str, str], ...] = ()
    ) -> Message:
        said = (*of_event, ("at", timestamp(at.wall)))
        message = Message(self._topics.snapshot(picture_id), picture, content_type=JPEG, user_properties=said)
        return expiring(message, self._expire_s)

    def _encode(self, frame: Frame, face: Face | None) -> bytes:
        if self._kind == "face" and face is not None:
            return face_jpeg(frame.image, face.box, masks=self._masks)
        return frame_jpeg(frame.image, masks=self._masks)

    def _remember(self, event_id: str, picture: Message) -> None:
        self._pictures[event_id] = picture
        while len(self._pictures) > _REMEMBERED:
            self._pictures.popitem(last=False)
