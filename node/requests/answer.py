"""What became of a request -> the payload of `response/<verb>`, sent to whoever made the request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from node.contract.payloads import dump
from node.errors import Reason
from node.system.text import valid


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that a request gets.

    Attributes:
        transaction: of the request; the answer carries it.
        send: sends the payload to whoever made the request.
    """

    transaction: str
    send: Callable[[bytes], None]

    def ok(self, data: object = None) -> None:
        """Answer that it is done, with data if there is any."""
        self.send(success(self.transaction, data))

    def error(self, sentence: str, reason: Reason | None = None, about: Mapping[str, object] | None = None) -> None:
        """Answer that it was not done, and why: in a sentence, and for programs."""
        self.send(failure(self.transaction, sentence, reason, about))


def success(transaction: str, data: object = None) -> bytes:
    """Return the payload of an answer to a request that was done."""
    return dump({"transaction": transaction, "status": "ok"} | ({} if data is None else {"data": data}))


def failure(
    transaction: str, error: str, reason: Reason | None = None, about: Mapping[str, object] | None = None
) -> bytes:
    """Return the payload of an answer that says why a request was not done.

    Args:
        transaction: of the request.
        error: the sentence.
        reason: the kind of it, if there is one.
        about: ids and numbers that the sentence names.
    """
    kind: dict[str, object] = {} if reason is None else {"reason": str(reason), "about": dict(about or {})}
    return dump({"transaction": transaction, "status": "error", "error": valid(error)} | kind)
