"""A file of the page's first run -> settings, written by root: the one thing that the page cannot do itself.

The page, which runs as the user of the service, puts `answers.json` into its inbox. A path unit of systemd sees it and
starts this as root, once. The rules:

1. The file is a plain one of a bounded size, and is removed before anything else.
2. It holds exactly a code, a browser and answers. The code is checked against root's own copy: whoever has only become
   the user of the service does not know it. A wrong one counts as an attempt; a second browser is refused.
3. The answers keep to the schema, and more narrowly than those of a file: no path but that of a video device, one host.
   They name no file, no unit and no command; where the settings are and what is started is fixed.
4. What is refused writes nothing but the sentence that says so.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.errors import SetupError
from node.setup.code import Attempt, CodeState
from node.setup.schema import Answers, parse
from node.system.files import write_privately
from node.system.plain_files import read_regular

INBOX, ANSWERS, CODE, RESULT = "inbox", "answers.json", "code.json", "result.json"
KEEP = "keep-page"
"""Root's own note that the owner keeps the page: whoever opened the first run carries it out."""
MAX_BYTES = 96 << 10
_KEYS = {"code", "browser", "answers"}
_MAX_TEXT = 128
_SOURCE = re.compile(r"picamera(:\d)?|webcam:(\d{1,2}|/dev/(video\d{1,2}|v4l/by-(id|path)/[A-Za-z0-9_.:+-]{1,200}))")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45}")
_REFUSALS = {
    Attempt.WRONG: "the code is wrong",
    Attempt.EXPIRED: "the code is older than 30 minutes",
    Attempt.USED_UP: "there were five wrong codes",
    Attempt.OTHER_BROWSER: "another browser has begun",
}
_AGAIN = "run `sudo facenode setup --page` again"


@dataclass(frozen=True, slots=True)
class Handed:
    """What the page hands over.

    Attributes:
        code: that the owner typed.
        browser: the digest of what only the owner's browser knows.
        answers: by section, unchecked.
    """

    code: str
    browser: str
    answers: dict[str, Any]


def take_answers(folder: Path, now_s: float) -> Answers:
    """Return the answers that the page has handed over, and remove their file.

    Args:
        folder: of the first run, root's own.
        now_s: seconds of the monotonic clock.

    Raises:
        SetupError: they are refused.
    """
    handed = _handed(_content(folder / INBOX / ANSWERS))
    try:
        state = CodeState.from_fields(json.loads(read_regular(folder / CODE, MAX_BYTES)))
    except (OSError, ValueError) as error:
        raise SetupError(f"no first run is open: {_AGAIN}") from error
    after, attempt = state.attempt(handed.code, handed.browser, now_s)
    if after != state:
        write_privately(folder / CODE, json.dumps(after.fields()).encode())
    if attempt is not Attempt.ACCEPTED:
        raise SetupError(f"{_REFUSALS[attempt]}: {_AGAIN}")
    answers = parse(handed.answers)
    check_narrow(answers)
    return answers


def check_narrow(answers: Answers) -> None:
    """Refuse what a file of answers may say, but a page may not.

    Raises:
        SetupError: a source is no camera of this machine, or a host is not one name or address.
    """
    check_source(answers.camera.source)
    check_host(answers.broker.host)


def check_source(source: str) -> None:
    """Refuse a source that is no camera of this machine.

    Raises:
        SetupError: it is none.
    """
    if not _SOURCE.fullmatch(source):
        raise SetupError("camera.source: the page may name cameras of this machine alone")


def check_host(host: str) -> None:
    """Refuse what is not one name or address.

    Raises:
        SetupError: it is not.
    """
    if not _HOST.fullmatch(host):
        raise SetupError("broker.host: name one host")


def write_result(put: Callable[[bytes], None], sentence: str | None) -> None:
    """Tell the page what came of it.

    Args:
        put: writes a file that the page may read.
        sentence: why nothing was done, or what does not work; None if all is well.
    """
    put(json.dumps({"ok": sentence is None, "sentence": sentence or ""}).encode())


def _content(path: Path) -> bytes:
    try:
        return read_regular(path, MAX_BYTES)
    except OSError as error:
        raise SetupError(f"{path.name}: {error.strerror or error}") from error
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SetupError(f"{path.name}: {error.strerror or error}: remove it") from error


def _handed(content: bytes) -> Handed:
    try:
        fields = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SetupError("the answers are not JSON") from error
    if not isinstance(fields, dict) or set(fields) != _KEYS:
        raise SetupError("the answers have other fields than code, browser and answers")
    code, browser, answers = fields["code"], fields["browser"], fields["answers"]
    texts = all(isinstance(text, str) and 0 < len(text) <= _MAX_TEXT for text in (code, browser))
    if not texts or not isinstance(answers, dict):
        raise SetupError("the answers make no sense")
    return Handed(code, browser, answers)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice: two readers could take different ones."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
