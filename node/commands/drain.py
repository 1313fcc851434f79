"""A session that the broker keeps -> the messages that wait in it, after which the broker keeps nothing for it."""

import queue
from collections.abc import Callable, Iterable

from node.errors import BrokerError
from node.mqtt.link import Link, Lost, Received, Report
from node.mqtt.takeover import describe_end

_QUIET_S = 2.0
"""Seconds in which nothing must come: a broker sends what waits without a pause."""


def drain(
    open_session: Callable[[], Link],
    end_session: Callable[[], Link],
    inbox: "queue.SimpleQueue[Report | None]",
    filters: Iterable[str],
    handle: Callable[[Received], None],
) -> int | None:
    """Pass on what waits in a session until nothing has come for a while; then end the session.

    The subscriptions of the session end first: on a busy broker new messages would never cease.

    Args:
        open_session: connects to the session; its reports go to the inbox.
        end_session: connects and leaves no session behind.
        inbox: reports of the connections; None: stop, and leave the rest in the session.
        filters: everything that the session may be subscribed to.
        handle: receives each message.

    Returns:
        The number of messages; None if it was stopped.

    Raises:
        BrokerError: the broker cannot be reached, or the connection ended.
    """
    count = 0
    link = open_session()
    try:
        for each in filters:
            link.unsubscribe(each)
        while True:
            try:
                report = inbox.get(timeout=_QUIET_S)
            except queue.Empty:
                break
            match report:
                case None:
                    return None
                case Received():
                    count += 1
                    handle(report)
                case Lost():
                    raise BrokerError(describe_end(report))
                case _:
                    pass
    finally:
        link.close()
    end_session().close()
    return count
