"""What there is of a person anywhere on a node: a kind with its values, and a sentence of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from node.domain import counted


class TraceKind(StrEnum):
    """Where something of a person may be."""

    ENTRY = "entry"
    INTERRUPTED = "interrupted"
    DAMAGED = "damaged"
    DURATIONS = "durations"
    UNDO = "undo"
    INBOX = "inbox"
    WAITING = "waiting"
    REFUSED = "refused"
    DAMAGED_MESSAGES = "damaged_messages"
    MEMORY = "memory"
    DISCOVERY = "discovery"


_WORDS = MappingProxyType(
    {
        TraceKind.INTERRUPTED: "left by a removal that was interrupted",
        TraceKind.DAMAGED: "a damaged entry",
        TraceKind.DURATIONS: "a visit of theirs, or an alert about them",
        TraceKind.UNDO: "actions that can be undone",
        TraceKind.INBOX: "visits of theirs in the inbox, and faces that may be theirs",
        TraceKind.DAMAGED_MESSAGES: "a damaged file of messages",
        TraceKind.MEMORY: "what the running node holds: faces of recent events, who is in view",
        TraceKind.DISCOVERY: "name and id in Home Assistant's discovery at the broker",
    }
)


@dataclass(frozen=True, slots=True)
class Trace:
    """Something of a person.

    Attributes:
        kind: where it is.
        path: the file or folder; None if it is in no file of its own.
        numbers: how much it is, by what it is.
    """

    kind: TraceKind
    path: Path | None = None
    numbers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        """Return the sentence."""
        if self.kind is TraceKind.WAITING:
            return f"{counted(self.numbers['messages'], 'message')} waiting for the broker"
        if self.kind is TraceKind.REFUSED:
            return f"{counted(self.numbers['messages'], 'message')} that the broker refused"
        words = _WORDS[self.kind] if self.kind is not TraceKind.ENTRY else _entry(self.numbers)
        return words if self.path is None else f"{self.path}: {words}"


def _entry(numbers: Mapping[str, int]) -> str:
    faces, rejected = counted(numbers["faces"], "face"), numbers["rejected"]
    return ", ".join([faces, *([f"{rejected} rejected"] if rejected else []), counted(numbers["crops"], "crop")])
