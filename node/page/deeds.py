"""The node's actions that can be undone -> sentences of the page. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from node.page.texts import Sentence, say, say_count

_COUNTED = {"added": "faces", "enrolled": "faces", "imported": "people", "replaced": "people", "dropped": "entries"}
_PEOPLE = ("person", "into", "to")
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class DoneAction:
    """An action that can be undone.

    Attributes:
        id: of the action.
        what: was done.
        ago: how long ago.
        obstacle: why it cannot be undone; None if it can.
    """

    id: str
    what: Sentence
    ago: Sentence
    obstacle: Sentence | None


def done_actions(listed: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[DoneAction]:
    """Return the actions that `people_undo_list` answers.

    Args:
        listed: the latest first.
        names: the display name of each person, by id.
    """
    return [
        DoneAction(each["action"], deed(each, names), _ago(each["age_s"]), None if not each["obstacle"] else _why(each))
        for each in listed
    ]


def deed(action: Mapping[str, Any], names: Mapping[str, str]) -> Sentence:
    """Return what an action did."""
    kind, given = action["deed"], action["values"]
    values = {key: names.get(value, value) if key in _PEOPLE else value for key, value in given.items()}
    if kind in _COUNTED:
        return say_count(f"deed.{kind}", int(values.pop(_COUNTED[kind])), **values)
    return say(f"deed.{kind}", **values)


def _ago(age_s: float) -> Sentence:
    minutes = int(age_s // _MINUTE_S)
    return say_count("undo.ago", minutes) if minutes else say("undo.now")


def _why(action: Mapping[str, Any]) -> Sentence:
    return say("error.too_large_undo" if action.get("state") == "too_large" else "error.changed")
