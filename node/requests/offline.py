"""A request, carried out on the files by this process while no node runs -> the data of its answer."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from node.domain import Instant
from node.errors import PeopleError
from node.requests.answer import Answer
from node.requests.request import Request, parse
from node.requests.verb import Verb

Handler = Callable[[Any, Instant, Answer], None]


class OfflineRequests:
    """Carry out requests that need no running node, with the handlers of one.

    Args:
        table: the handler of each type of request.
        now: returns the present moment.
    """

    def __init__(self, table: Mapping[type[Request], Handler], now: Callable[[], Instant]) -> None:
        self._table, self._now = table, now
        self._offered = tuple(Verb(kind.verb) for kind in table)

    def ask(self, verb: str, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what a node would answer
        """Return the data of the answer.

        Raises:
            PeopleError: the request makes no sense, or cannot be carried out.
        """
        answers: list[bytes] = []
        try:
            request = parse(verb, fields, self._offered)
        except ValueError as error:
            raise PeopleError(str(error)) from error
        self._table[type(request)](request, self._now(), Answer("local", answers.append))
        return json.loads(answers[0]).get("data")
