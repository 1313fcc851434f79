"""What is read of a broker's process."""

import os
import socket
from pathlib import Path

import pytest

from node.simulation.broker_load import Gauge, listener, use


def test_the_process_that_listens_is_found() -> None:
    """By the port of its socket; here it is this one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listener("127.0.0.1", server.getsockname()[1]) == os.getpid()


def test_nobody_is_found_for_a_broker_elsewhere() -> None:
    """PersonStub here may listen on the same port as a broker on another machine (192.0.2.0/24 is nobody's)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listener("192.0.2.1", server.getsockname()[1]) is None


def test_nobody_is_found_where_nobody_listens() -> None:
    """A port that was just given back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert listener("127.0.0.1", port) is None


def test_the_name_of_a_program_may_hold_anything(tmp_path: Path) -> None:
    """Spaces and parentheses stand in `stat` as they are."""
    folder = tmp_path / "7"
    folder.mkdir()
    fields = ["S", *"0" * 10, "300", "100", *"0" * 8, "2048", *"0" * 20]
    (folder / "stat").write_text(f"7 (a ) b) {' '.join(fields)}\n")
    found = use(7, tmp_path)
    assert found is not None
    assert found.name == "a ) b"
    assert found.cpu_s == 400 / os.sysconf("SC_CLK_TCK")
    assert found.rss_mb == 2048 * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_a_process_that_is_gone_uses_nothing(tmp_path: Path) -> None:
    """A broker that restarts is gone for a moment."""
    assert use(7, tmp_path) is None


def test_only_what_is_used_while_one_looks_counts() -> None:
    """Processor time from before the first look is not the simulation's doing."""
    gauge = Gauge("127.0.0.1", 1, os.getpid())
    gauge.sample(100.0)
    before_s = gauge.cpu_s
    sum(number * number for number in range(2_000_000))
    gauge.sample(102.0)
    assert before_s == 0.0
    assert 0.0 < gauge.cpu_s < 60.0
    assert gauge.cpu_percent == pytest.approx(50 * gauge.cpu_s)
    assert gauge.most_mb > 1.0


def test_a_gauge_without_a_process_knows_nothing() -> None:
    """And says so."""
    gauge = Gauge("192.0.2.1", 1883, None)
    gauge.sample(100.0)
    assert not gauge.known
    assert gauge.cpu_percent == 0.0
