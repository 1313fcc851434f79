"""Looks at faces -> whether the camera hangs upside down or on its side. Pure.

Somebody may stand on their head or lie on a sofa, so one face decides nothing:

- A face has a vote every two seconds, so that whoever stays outweighs nobody by the frame rate.
- The latest 120 votes count. At least 15 are needed, and four in five must agree.
- The finding is over when more than half of the votes say that the faces are upright.
"""

import logging
from collections import Counter, deque
from collections.abc import Mapping

from node.domain import Instant, Look

_log = logging.getLogger(__name__)

_VOTE_EVERY_S = 2.0
_FORGET_S = 60.0  # a track that had no vote for so long is over, or as good as new
_VOTES = 120
_ENOUGH = 15
_AGREED = 0.8

HALF_TURN = 180
QUARTERS = (90, HALF_TURN, 270)
"""Turns that a camera can make, degrees clockwise; a face that is turned by 135 degrees says nothing about it."""


def advice(turn: int, rotate: int) -> str:
    """Return what the faces show, and the setting that makes them upright.

    Args:
        turn: by how much the image must be turned for the faces to be upright, one of QUARTERS.
        rotate: `camera.rotate` as it is now.
    """
    what = "the faces are upside down" if turn == HALF_TURN else "the faces lie on their side"
    return f"{what}: set camera.rotate = {(rotate + turn) % 360}"


class Mounting:
    """Collects how the faces in view are turned, and logs once that the camera is mounted wrongly, and once when not.

    Args:
        rotate: `camera.rotate`.
    """

    def __init__(self, rotate: int) -> None:
        self._rotate = rotate
        self._votes: deque[int] = deque(maxlen=_VOTES)
        self._voted_s: dict[int, float] = {}
        self._turn: int | None = None

    @property
    def turn(self) -> int | None:
        """By how much the image must be turned for the faces to be upright, degrees clockwise; None if unknown."""
        return self._turn

    @property
    def upside_down(self) -> bool | None:
        """Whether the faces are upside down; None as long as too few were seen."""
        return None if self._turn is None else self._turn == HALF_TURN

    def update(self, at: Instant, looks: Mapping[int, Look]) -> None:
        """Count the looks of one tick, by track number."""
        for number, look in looks.items():
            if look.turn is not None and at.mono_s - self._voted_s.get(number, float("-inf")) >= _VOTE_EVERY_S:
                self._votes.append(look.turn)
                self._voted_s[number] = at.mono_s
                self._decide()
        self._voted_s = {track: voted_s for track, voted_s in self._voted_s.items() if at.mono_s - voted_s < _FORGET_S}

    def _decide(self) -> None:
        count = len(self._votes)
        if count < _ENOUGH:
            return
        votes = Counter(self._votes)
        turn, most = max(((turn, votes[turn]) for turn in (0, *QUARTERS)), key=lambda pair: pair[1])
        if most >= _AGREED * count or (turn == 0 and self._turn and most > count / 2):
            self._become(turn)

    def _become(self, turn: int) -> None:
        before, self._turn = self._turn, turn
        if turn == before:
            return
        if turn:
            _log.warning("camera: %s", advice(turn, self._rotate))
        elif before:
            _log.info("camera: the faces are upright again")
