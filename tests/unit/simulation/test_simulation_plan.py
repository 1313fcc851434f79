"""The ids of simulated nodes, and how they are divided among the workers."""

import re

import pytest

from node.settings.section import ID_PATTERN
from node.simulation.plan import MAX_NODES, Plan, is_simulated, node_id


@pytest.mark.parametrize("number", [0, 42, MAX_NODES - 1])
def test_the_id_of_a_simulated_node_is_recognized(number: int) -> None:
    """It is a valid node id."""
    assert re.fullmatch(ID_PATTERN, node_id(number))
    assert is_simulated(node_id(number))


@pytest.mark.parametrize("node", ["pi-0a1b2c", "sim-1", "sim-000001", "sim-0000a", "xsim-00001", "sim-00001x"])
def test_a_real_node_is_never_taken_for_a_simulated_one(node: str) -> None:
    """Retained messages of simulated nodes are removed."""
    assert not is_simulated(node)


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_each_node_belongs_to_exactly_one_worker(processes: int) -> None:
    """Also if the division leaves a remainder."""
    plan = Plan(nodes=20, processes=processes)
    numbers = [number for process in range(processes) for number in plan.node_numbers(process)]
    assert sorted(numbers) == list(range(20))


def test_nodes_connect_at_the_rate_of_the_plan() -> None:
    """The rate is that of all workers together: node 200 connects a second after node 0."""
    assert Plan(nodes=400, connects_per_s=200).first_attempt_s(200) == 1.0
