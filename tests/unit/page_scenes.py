"""What a node answers about its inbox, its people and its view, for tests of the page."""

import base64
from typing import Any

from node.requests.verb import Verb

JPEG = b"\xff\xd8picture"
PEOPLE = [{"id": "ada", "name": "Ada <b>"}, {"id": "bob", "name": "Bob"}]


def entry(number: int, **more: object) -> dict[str, Any]:
    """Return a visit of a stranger, as `inbox_list` has it."""
    return {
        "entry": f"{number:08x}", "began": "2026-01-02T03:04:05.678Z", "seen": f"2026-01-02T03:{number:02}:05.678Z",
        "person": None, "nearest": None, "score": None, "margin": None, "looks": 3, "flaws": {}, "events": [],
        "picture": True, **more,
    }  # fmt: skip


def inbox(*groups: tuple[str, list[dict[str, Any]]], keep_days: int = 0) -> dict[str, Any]:
    """Return what `inbox_list` answers: for each group its use and its visits."""
    listed = [{"use": use, "entries": entries} for use, entries in groups]
    return {"groups": listed, "keep_days": keep_days, "most": 100}


def person(id_: str, name: str, **more: object) -> dict[str, Any]:
    """Return somebody who is recognized surely, as `people_overview` has it."""
    return {
        "id": id_, "name": name, "faces": 3, "rejected": 0, "ignored": False, "last_seen": "2026-01-02T03:04:05.678Z",
        "photo": "0" * 16, "recognized": 3, "comparable": 3, "other": None, "more": 0, "childlike": False, **more,
    }  # fmt: skip


def photo(id_: str, **more: object) -> dict[str, Any]:
    """Return a photo that agrees with the others, as `people_photos` has it."""
    return {
        "photo": id_, "source": "a.jpg", "added": "2026-01-02T03:04:05.678Z", "agreement": 0.8, "rejected": False,
        "face": True, "weak": False, "alike": False, "own": {"id": "ada", "score": 0.8, "margin": 0.3}, "other": None,
        **more,
    }  # fmt: skip


def found_face(**more: object) -> dict[str, Any]:
    """Return a good face in an uploaded picture, as `photos_look` has it."""
    return {
        "box": [0, 0, 1, 1], "file": "0" * 16 + ".png", "png": base64.b64encode(b"png").decode(),
        "preview": base64.b64encode(JPEG).decode(), "shortfalls": [], "nearer": None, **more,
    }  # fmt: skip


SMALL = {"flaw": "size", "what": "width", "measured": 28.04, "needed": 36}
VERBS = frozenset(str(verb) for verb in Verb)
