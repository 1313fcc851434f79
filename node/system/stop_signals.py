"""The signals that ask a command to end cleanly -> one handler."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def on_stop(handler: Callable[[], object]) -> Iterator[None]:
    """Call a handler on SIGINT, SIGTERM and SIGHUP for as long as the context lasts.

    A shell starts background commands with SIGINT ignored: it is handled all the same. SIGHUP stays ignored where it
    is, as under nohup.
    """
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    before = [signal.signal(each, lambda *_: handler()) for each in signals]
    try:
        yield
    finally:
        for each, former in zip(signals, before, strict=True):
            signal.signal(each, former)
