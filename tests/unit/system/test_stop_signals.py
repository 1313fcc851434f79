"""SIGINT, SIGTERM and SIGHUP ask for the same: to end cleanly."""

import signal
from collections.abc import Iterator

import pytest

from node.system.stop_signals import on_stop

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the handlers of the test runner."""
    before = [signal.getsignal(each) for each in SIGNALS]
    yield
    for each, handler in zip(SIGNALS, before, strict=True):
        signal.signal(each, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_calls_the_handler_while_the_context_lasts(number: signal.Signals) -> None:
    """Afterwards the former handlers are back."""
    former, calls = signal.getsignal(number), []
    with on_stop(lambda: calls.append(number)):
        signal.raise_signal(number)
    assert calls == [number]
    assert signal.getsignal(number) is former


def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    """Whoever starts the node by nohup wants it to outlive the terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    calls: list[int] = []
    with on_stop(lambda: calls.append(1)):
        signal.raise_signal(signal.SIGHUP)
    assert calls == []
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
