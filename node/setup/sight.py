"""What a camera shows -> words for the owner, and by how much its picture should be turned."""

from collections import Counter

from node.domain import Flaw, counted
from node.setup.world import SeenFace, Sight

_DARK, _BRIGHT = 30.0, 235.0
"""Mean luminance, 0..255, below and above which hardly anything can be seen."""

WORDS = {
    Flaw.SIZE: "too small: step nearer",
    Flaw.EDGE: "cut off by the edge of the picture: step into the middle",
    Flaw.BLUR: "blurred: hold still, or focus the camera",
    Flaw.LIGHT: "badly lit: switch a light on, or turn the camera away from the window",
    Flaw.KEYPOINTS: "turned away: look at the camera",
    Flaw.TILT: "tilted: hold the head upright",
}
"""What is wrong with a face, and what to do."""


def in_words(sight: Sight) -> str:
    """Return what a camera shows, one sentence or two."""
    size = f"It delivers {sight.width}x{sight.height}."
    if sight.light < _DARK:
        return f"{size} The picture is dark: switch a light on, or take the cover off the lens."
    if sight.light > _BRIGHT:
        return f"{size} The picture is too bright: turn the camera away from the light."
    if not sight.faces:
        return f"{size} Nobody is in view."
    face = sight.faces[0]
    many = "It sees one face" if len(sight.faces) == 1 else f"It sees {counted(len(sight.faces), 'face')}, the largest"
    return f"{size} {many}, {face.width_px} pixels wide: {_quality(face)}."


def turn_needed(sight: Sight) -> int:
    """Return by how many degrees clockwise the picture should be turned for all its faces to be upright; 0 for none."""
    turns = Counter(face.turn for face in sight.faces)
    if len(turns) != 1:
        return 0
    (turn,) = turns
    return turn if turn in (90, 180, 270) else 0


def _quality(face: SeenFace) -> str:
    return WORDS[face.flaws[0]] if face.flaws else "good"
