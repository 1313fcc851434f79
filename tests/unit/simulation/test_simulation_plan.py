"""How the nodes of a simulation are called and divided."""

import re

import pytest

from node.settings.section import ID_PATTERN
from node.simulation.plan import MAX_NODES, Plan, is_simulated, node_id


@pytest.mark.parametrize("number", [0, 42, MAX_NODES - 1])
def test_a_simulated_node_is_known_by_its_id(number: int) -> None:
    """Its id is one that a node may have, and says what it is."""
    assert re.fullmatch(ID_PATTERN, node_id(number))
    assert is_simulated(node_id(number))


@pytest.mark.parametrize("node", ["pi-0a1b2c", "sim-1", "sim-000001", "sim-0000a", "xsim-00001", "sim-00001x"])
def test_a_real_node_is_never_taken_for_a_simulated_one(node: str) -> None:
    """What is retained of simulated nodes is taken away."""
    assert not is_simulated(node)


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_each_node_is_played_by_exactly_one_process(processes: int) -> None:
    """Whatever the remainder."""
    plan = Plan(nodes=20, processes=processes)
    shares = [number for process in range(processes) for number in plan.share(process)]
    assert sorted(shares) == list(range(20))


def test_nodes_connect_at_the_rate_of_the_plan() -> None:
    """All processes together: node 200 begins a second after node 0."""
    assert Plan(nodes=400, connects_per_s=200).starts_at_s(200) == 1.0
