"""What the camera shows in one tick, for the requests that need somebody in view."""

from dataclasses import dataclass

from node.domain import CameraState, Instant, Tick, Track


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A tick, and who is in view.

    Attributes:
        tick: the moment, and its frame if there is one.
        tracks: everybody in view.
        camera: what the camera does; None until it has given its first frame, or is overdue.
    """

    tick: Tick
    tracks: tuple[Track, ...]
    camera: CameraState | None

    @property
    def at(self) -> Instant:
        """The moment."""
        return self.tick.at

    @property
    def visible(self) -> tuple[Track, ...]:
        """The tracks whose face was found in this very frame; none in a frame that was not searched."""
        return tuple(track for track in self.tracks if track.seen == self.tick.at)

    @property
    def problem(self) -> str | None:
        """Why nobody can be seen, whatever comes; None while the camera works."""
        if self.camera is None:
            return None
        return {CameraState.PRIVATE: "privacy mode is on", CameraState.LOST: "the camera is lost"}.get(self.camera)
