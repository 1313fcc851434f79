"""A queue from a connection's thread to its reader's, with a bound on messages."""

import queue
import threading

import pytest

from node.mqtt.link import Acknowledged, Lost, Received, Report
from node.mqtt.report_queue import ReportQueue

MESSAGE = Received("a", b"", retained=False)


def full() -> ReportQueue[Report]:
    """Return a queue with as many messages as may wait."""
    reports = ReportQueue[Report]()
    for _ in range(64):
        reports.put(MESSAGE)
    return reports


def test_the_65th_message_waits_until_one_is_taken() -> None:
    """What comes faster than it is read stays at the broker."""
    reports, done = full(), threading.Event()

    def put_one_more() -> None:
        reports.put(MESSAGE)
        done.set()

    threading.Thread(target=put_one_more, daemon=True).start()
    assert not done.wait(0.2)
    assert reports.get(timeout=5) == MESSAGE
    assert done.wait(5)
    assert [reports.get_nowait() for _ in range(64)] == [MESSAGE] * 64
    with pytest.raises(queue.Empty):
        reports.get_nowait()


def test_nothing_but_a_message_ever_waits() -> None:
    """Paho holds a lock while it reports an acknowledgment; a signal may interrupt the reader and put None."""
    reports = full()
    others: list[Report | None] = [None, Acknowledged(1, 0), Lost("gone")] * 100
    for each in others:
        reports.put(each)
    assert [reports.get() for _ in range(364)][64:] == others
    reports.put(MESSAGE)
    assert reports.get() == MESSAGE


def test_an_entry_may_hold_a_report() -> None:
    """The publisher numbers its connections."""
    reports = ReportQueue[tuple[int, Report]](lambda entry: isinstance(entry[1], Received))
    for number in range(64):
        reports.put((number, MESSAGE))
    reports.put((64, Lost("gone")))
    assert reports.get() == (0, MESSAGE)
