"""Ids of people -> the names that their owner gave them."""

from collections.abc import Mapping
from contextlib import suppress

from node.errors import PeopleError
from node.page.backend import Backend


class PeopleNames:
    """The display names of everybody, by id.

    Args:
        backend: asks the node.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self) -> Mapping[str, str]:
        """Return the names, in the order of the alphabet.

        Raises:
            PeopleError: nobody can tell.
        """
        people = self._backend.ask("people_list")
        return {
            each["id"]: each["name"] for each in sorted(people, key=lambda each: (each["name"].lower(), each["id"]))
        }

    def known(self) -> Mapping[str, str]:
        """Return the names, and none if nobody can tell: for a sentence that is about something else."""
        with suppress(PeopleError):
            return self()
        return {}
