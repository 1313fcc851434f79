"""Frames, and what happened in them -> pictures on their topics, with each event and when asked; never on disk.

- A picture goes out before its event, so that whoever is told by the event finds the picture.
- It shows the face, or the frame, of the very tick in which the event happened; who was not in sight then has none.
- What the broker could not take at once is not sent: an old picture must not look like a new one.
- The latest few are remembered, in memory only, for whoever asks by an event's id; privacy mode forgets them.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal

from node.contract.payloads import Draft, MakeId, uuid7
from node.contract.topics import Topics
from node.domain import CameraState, Event, Face, Frame, Tick, Track
from node.requests.inbox import Request, Verb, failure, success
from node.vision.jpeg import face_jpeg, frame_jpeg

_REMEMBERED = 16


class Snapshots:
    """Take pictures, on the main loop's thread only.

    Args:
        kind: what a picture shows; `off`: there are none.
        topics: the node's.
        flash: sends a payload over the connection that there is; returns whether there is one.
        answer: sends a payload to whoever made a request.
        make_id: makes the id of a picture that was asked for and belongs to no event.
    """

    def __init__(
        self,
        kind: Literal["off", "face", "frame"],
        topics: Topics,
        flash: Callable[[str, bytes], bool],
        answer: Callable[[Request, bytes], None],
        make_id: MakeId = uuid7,
    ) -> None:
        self._kind, self._topics, self._flash, self._answer, self._make_id = kind, topics, flash, answer, make_id
        self._album: OrderedDict[str, bytes] = OrderedDict()
        self._waiting: list[Request] = []

    def tell(self, tick: Tick, happened: Sequence[Event], drafts: Sequence[Draft], tracks: Sequence[Track]) -> None:
        """Send a picture of each event whose face is in this tick's frame.

        Args:
            tick: the moment and its frame.
            happened: the events.
            drafts: their messages, in the same order; what follows them is left alone.
            tracks: everybody in view.
        """
        if self._kind == "off" or tick.frame is None:
            return
        seen = {track.number: track.face for track in _in_sight(tick, tracks)}
        for event, draft in zip(happened, drafts, strict=False):
            if event.track in seen:
                picture = self._take(tick.frame, seen[event.track])
                self._flash(self._topics.snapshot(draft.id), picture)
                self._remember(draft.id, picture)

    def apply(self, requests: Sequence[Request], tick: Tick, tracks: Sequence[Track], camera: CameraState) -> None:
        """Send what was asked for, with the first frame that there is, and answer.

        Args:
            requests: only those for a snapshot count.
            tick: the moment and its frame.
            tracks: everybody in view.
            camera: what it does; nothing is sent while it is private or lost.
        """
        if camera is CameraState.PRIVATE:
            self.forget()
        waiting = [*self._waiting, *(each for each in requests if each.verb is Verb.SNAPSHOT)]
        self._waiting = []
        for request in waiting:
            refusal = self._refusal(camera)
            if refusal is not None:
                self._answer(request, failure(request.transaction, refusal))
            elif request.event is not None:
                self._again(request, request.event)
            elif tick.frame is not None:
                self._view(request, tick, tick.frame, tracks)
            else:
                self._waiting.append(request)

    def forget(self) -> None:
        """Forget all pictures: any of them may show somebody who was erased."""
        self._album.clear()

    def _refusal(self, camera: CameraState) -> str | None:
        if self._kind == "off":
            return 'snapshots are off: the owner turns them on by publish.snapshots = "face" or "frame"'
        return {CameraState.PRIVATE: "privacy mode is on", CameraState.LOST: "the camera is lost"}.get(camera)

    def _again(self, request: Request, event_id: str) -> None:
        picture = self._album.get(event_id)
        if picture is None:
            sentence = f"there is no picture of event {event_id}: only the latest {_REMEMBERED} are remembered"
            self._answer(request, failure(request.transaction, sentence))
        else:
            self._send(request, event_id, picture)

    def _view(self, request: Request, tick: Tick, frame: Frame, tracks: Sequence[Track]) -> None:
        faces = [track.face for track in _in_sight(tick, tracks)]
        if self._kind == "face" and not faces:
            self._answer(request, failure(request.transaction, "nobody is in view"))
            return
        nearest = max(faces, key=lambda face: face.box.width, default=None)
        self._send(request, self._make_id(tick.at.wall), self._take(frame, nearest))

    def _send(self, request: Request, picture_id: str, picture: bytes) -> None:
        if self._flash(self._topics.snapshot(picture_id), picture):
            answer = success(request.transaction, {"id": picture_id, "bytes": len(picture)})
        else:
            answer = failure(request.transaction, "the broker cannot be reached")
        self._answer(request, answer)

    def _take(self, frame: Frame, face: Face | None) -> bytes:
        if self._kind == "face" and face is not None:
            return face_jpeg(frame.image, face.box)
        return frame_jpeg(frame.image)

    def _remember(self, event_id: str, picture: bytes) -> None:
        self._album[event_id] = picture
        while len(self._album) > _REMEMBERED:
            self._album.popitem(last=False)


def _in_sight(tick: Tick, tracks: Sequence[Track]) -> list[Track]:
    return [track for track in tracks if track.seen == tick.at]
