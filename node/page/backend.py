"""A request of the page -> the answer of the node; while none runs, that of a short-lived process of the page's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from node.errors import PeopleError, Reason
from node.requests.local_client import call

OFFLINE = frozenset(
    [
        "people_list", "people_overview", "people_rename", "people_ignore", "people_remove", "people_photos",
        "people_photo", "people_photo_remove", "people_photo_move", "people_merge", "people_traces",
        "people_undo_list", "people_undo",
    ]
)  # fmt: skip
"""The requests that need no node: they are about files."""


class Helper(Protocol):
    """The process that looks at photos, and at the files of people while no node runs."""

    def ask(self, verb: str, fields: dict[str, Any], files: tuple[BinaryIO, ...] = ()) -> Any:  # noqa: ANN401
        """Return the data of the answer.

        Args:
            verb: of the local socket, or one of the helper's own.
            fields: of the verb.
            files: that it is about.

        Raises:
            PeopleError: it cannot be carried out, or the process has ended.
        """
        ...


class Backend:
    """Ask whoever can answer. Call it from any thread.

    Args:
        storage: `storage.dir`, where the node's socket is.
        helper: the page's own process.
        ask_node: asks the node; raises PeopleError.
    """

    def __init__(self, storage: Path, helper: Helper, ask_node: Callable[..., Any] = call) -> None:
        self._storage, self._helper, self._ask_node = storage, helper, ask_node

    def ask(self, verb: str, **fields: object) -> Any:  # noqa: ANN401 - whatever the answer's data is
        """Return the data of the answer.

        Raises:
            PeopleError: it cannot be carried out; with the reason `away` it needs a node, and none runs.
        """
        try:
            return self._ask_node(self._storage, verb, **fields)
        except PeopleError as error:
            if error.reason is not Reason.AWAY or verb not in OFFLINE:
                raise
        return self._helper.ask(verb, fields)

    def help(self, verb: str, *files: BinaryIO, **fields: object) -> Any:  # noqa: ANN401 - as above
        """Return the data of the answer of the page's own process.

        Raises:
            PeopleError: it cannot be carried out, or the process has ended.
        """
        return self._helper.ask(verb, fields, files)

    @property
    def node_runs(self) -> bool:
        """Whether a node answers."""
        try:
            self._ask_node(self._storage, "hello")
        except PeopleError as error:
            return error.reason is not Reason.AWAY
        return True
