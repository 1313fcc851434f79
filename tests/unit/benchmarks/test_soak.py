"""What a soak run prints and returns, for made-up results."""

import json
from dataclasses import replace

import pytest
from procfs import Sample
from soak import SoakResult, report

from node.mqtt.link import Received
from node.outbox.rows import Counters


def _event(number: int) -> Received:
    payload = json.dumps({"id": f"e{number}", "seq": number, "event_type": "unknown"}).encode()
    return Received("facenode/soak/event/unknown", payload, retained=False)


SAMPLES = [Sample(5.0 * n, 130 + 0.1 * (n % 2), 80, 10, 8, 0.001 * n, 0.5 * n) for n in range(720)]
GOOD = SoakResult(SAMPLES, SAMPLES[0], Counters(seq=3), [_event(n) for n in (1, 2, 3)], 9000, 0, "")
BAD = {
    "memory grows": replace(GOOD, samples=[replace(s, rss_mb=s.rss_mb + 2 * s.at_s / 3600) for s in SAMPLES]),
    "file descriptors grow": replace(GOOD, samples=[*SAMPLES, replace(SAMPLES[-1], files=11)]),
    "threads grow": replace(GOOD, samples=[*SAMPLES, replace(SAMPLES[-1], threads=9)]),
    "1 event was lost": replace(GOOD, messages=[_event(1), _event(3)]),
    "2 events were lost": replace(GOOD, counters=Counters(seq=3, dropped=2)),
    "there was no event": replace(GOOD, counters=Counters(), messages=[]),
    "the exit code is 1": replace(GOOD, code=1),
}


def test_a_run_without_faults_returns_0(capsys: pytest.CaptureFixture[str]) -> None:
    """An hour with memory noise of 0.1 MB and every event received, one of them twice."""
    assert report(replace(GOOD, messages=[*GOOD.messages, _event(2)])) == 0
    printed = capsys.readouterr().out
    assert "3 made, 3 received, 0 lost, 1 repeated" in printed
    assert "may or may not" not in printed


@pytest.mark.parametrize("fault", BAD)
def test_each_fault_is_printed_and_returns_1(fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Growth of 2 MB an hour, of descriptors or of threads, a lost event, and an early exit are each found."""
    assert report(BAD[fault]) == 1
    assert fault in capsys.readouterr().out
