"""The step `camera`: what is there, tried, and what it sees in words."""

from collections.abc import Sequence

from node.errors import CameraError, SetupError
from node.setup.dialogue import Ask, Dialogue, Say, ask_until, ask_yes, choose
from node.setup.schema import CameraAnswer, parse_camera
from node.setup.sight import in_words, turn_needed
from node.setup.world import Cameras, FoundCamera

NO_CAMERA = (
    "No camera was found: plug one in, or check the ribbon cable of a Pi camera (`rpicam-hello --list-cameras`), and "
    "try again. A network camera has an address, such as video:rtsp://192.168.1.20/stream."
)
HELD = "The running node uses it, and frames come."
_AGAIN = "again"


def camera_step(cameras: Cameras, current: CameraAnswer | None) -> Dialogue[CameraAnswer]:
    """Choose a camera, try it, and say what it sees.

    Args:
        cameras: of this machine.
        current: what is set; None on the first run.
    """
    yield Say("Camera", heading=True)
    while True:
        chosen = yield from _choose(cameras.find(), current)
        if chosen is None:
            continue
        tried = yield from _try(cameras, chosen)
        if tried is not None:
            return tried
        current = None


def _choose(found: Sequence[FoundCamera], current: CameraAnswer | None) -> Dialogue[CameraAnswer | None]:
    """Return the camera to try; None to look again."""
    known = [each.source for each in found]
    if current is not None:
        yield Say(f"The settings name {current.source}.")
        if (yield from ask_yes("Keep this camera?", default=True)):
            return current
    if not found:
        yield Say(NO_CAMERA, problem=True)
        return (yield from ask_until(Ask("Address of a camera, or Enter to look again", _AGAIN), _typed))
    if len(found) == 1:
        yield Say(f"Found {found[0].name} ({known[0]}).")
        if (yield from ask_yes("Use this camera?", default=True)):
            return CameraAnswer(source=known[0])
        return (yield from ask_until(Ask("Address of a camera, or Enter to look again", _AGAIN), _typed))
    yield Say(f"Found {len(found)} cameras.")
    names = [f"{each.name} ({each.source})" for each in found]
    picked = yield from choose("Which one", [*names, "another, by its address"])
    if picked < len(found):
        return CameraAnswer(source=known[picked])
    return (yield from ask_until(Ask("Address of a camera, or Enter to look again", _AGAIN), _typed))


def _typed(answer: str) -> CameraAnswer | None:
    if answer == _AGAIN:
        return None
    if answer.startswith(("rtsp://", "rtsps://", "http://", "https://")):
        answer = f"video:{answer}"
    return parse_camera({"source": answer})


def _try(cameras: Cameras, chosen: CameraAnswer) -> Dialogue[CameraAnswer | None]:
    """Say what a camera sees; return it, turned if the owner wants that, or None to choose again."""
    if cameras.is_held(chosen):
        yield Say(HELD)
        return chosen
    yield Say("Trying it. Somebody in front of it makes a better test.")
    while True:
        try:
            sight = cameras.look(chosen)
        except CameraError as error:
            yield Say(f"{error}.", problem=True)
            return None
        yield Say(in_words(sight))
        turn = turn_needed(sight)
        if turn and (yield from ask_yes(f"The faces are not upright. Turn the picture by {turn}°?", default=True)):
            chosen = chosen.model_copy(update={"rotate": (chosen.rotate + turn) % 360})
            continue
        word = yield from ask_until(Ask("Enter to go on, t to try again, o for another camera", ""), _next)
        if word != "t":
            return chosen if word == "" else None


def _next(answer: str) -> str:
    word = answer.lower()
    if word not in ("", "t", "o"):
        raise SetupError("Press Enter, or type t or o.")
    return word


def check_camera(cameras: Cameras, camera: CameraAnswer) -> str:
    """Return what the camera of given answers sees, in words.

    Raises:
        SetupError: it shows nothing.
    """
    if cameras.is_held(camera):
        return HELD
    try:
        return in_words(cameras.look(camera))
    except CameraError as error:
        raise SetupError(f"camera.source: {error}") from error
