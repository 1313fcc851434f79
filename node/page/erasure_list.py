"""What the node has of a person -> sentences of the page. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from node.page.texts import Sentence, say, say_count

_COUNTED = ("waiting", "refused")


def trace_sentences(traces: Sequence[Mapping[str, Any]]) -> list[Sentence]:
    """Return a sentence for each of the things that `people_traces` answers."""
    return [_sentence(each["kind"], each["path"], each["numbers"]) for each in traces]


def _sentence(kind: str, path: str | None, numbers: Mapping[str, int]) -> Sentence:
    if kind == "entry":
        faces = say_count("trace.faces", numbers["faces"] + numbers["rejected"])
        return say("trace.entry", path=path, faces=faces, crops=say_count("trace.crops", numbers["crops"]))
    if kind in _COUNTED:
        return say_count(f"trace.{kind}", numbers["messages"])
    return say(f"trace.{kind}", path=path)
