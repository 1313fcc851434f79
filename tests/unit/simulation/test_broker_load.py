"""The processor time and memory of a broker's process."""

import os
import socket
from pathlib import Path

import pytest

from node.simulation.broker_load import BrokerLoad, find_listener, process_usage


def test_the_process_that_listens_is_found() -> None:
    """The port of its socket identifies it; here it is this process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert find_listener("127.0.0.1", server.getsockname()[1]) == os.getpid()


def test_no_process_is_found_for_a_broker_on_another_machine() -> None:
    """A process here may listen on the same port as a broker elsewhere (192.0.2.0/24 belongs to no machine)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert find_listener("192.0.2.1", server.getsockname()[1]) is None


def test_no_process_is_found_where_none_listens() -> None:
    """The port was just released."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert find_listener("127.0.0.1", port) is None


def test_the_name_of_a_program_may_contain_anything(tmp_path: Path) -> None:
    """`stat` does not escape spaces and parentheses."""
    folder = tmp_path / "7"
    folder.mkdir()
    fields = ["S", *"0" * 10, "300", "100", *"0" * 8, "2048", *"0" * 20]
    (folder / "stat").write_text(f"7 (a ) b) {' '.join(fields)}\n")
    usage = process_usage(7, tmp_path)
    assert usage is not None
    assert usage.name == "a ) b"
    assert usage.cpu_s == 400 / os.sysconf("SC_CLK_TCK")
    assert usage.rss_mb == 2048 * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_a_process_that_has_ended_has_no_usage(tmp_path: Path) -> None:
    """A broker that restarts has no process for a moment."""
    assert process_usage(7, tmp_path) is None


def test_only_usage_between_samples_counts() -> None:
    """The simulation did not cause the processor time from before the first sample."""
    load = BrokerLoad("127.0.0.1", 1, os.getpid())
    load.sample(100.0)
    before_s = load.cpu_s
    sum(number * number for number in range(2_000_000))
    load.sample(102.0)
    assert before_s == 0.0
    assert 0.0 < load.cpu_s < 60.0
    assert load.cpu_percent == pytest.approx(50 * load.cpu_s)
    assert load.peak_mb > 1.0


def test_without_a_process_nothing_is_measured() -> None:
    """The broker is on another machine."""
    load = BrokerLoad("192.0.2.1", 1883, None)
    load.sample(100.0)
    assert not load.measured
    assert load.cpu_percent == 0.0
