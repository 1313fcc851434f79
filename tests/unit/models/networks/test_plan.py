"""The plans of the backbones."""

import pytest

from models.networks.backbones import BACKBONES, EMBEDDING_LENGTH
from models.networks.plan import PICTURE, Plan

CONVOLUTIONS = {"mobilefacenet": 52, "mobilenet": 29, "mobilenet_v2": 54, "inception_v3": 96}


@pytest.fixture(params=BACKBONES)
def plan(request: pytest.FixtureRequest) -> Plan:
    """Return the plan of each backbone in turn."""
    return BACKBONES[request.param]()


def test_each_step_reads_earlier_ones(plan: Plan) -> None:
    """A plan can be built in order, and each step has a name of its own."""
    known = {PICTURE}
    for step in plan.steps:
        assert set(step.sources) <= known, step.name
        assert step.name not in known
        known.add(step.name)
    assert {band.step for band in plan.taps.values()} <= known


def test_a_plan_has_the_layers_of_its_paper(plan: Plan) -> None:
    """MobileNet has 27 convolutions, MobileNetV2 52, InceptionV3 94, and each has two more at our end."""
    assert len(plan.convolutions) == CONVOLUTIONS[plan.name]
    assert plan.convolutions[-1].outputs == EMBEDDING_LENGTH
