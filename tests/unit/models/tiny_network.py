"""A MobileFaceNet of few channels with random weights, for tests that need no trained one."""

import numpy as np

from models.arrays import Array, unit_rows
from models.names import EMBEDDING
from models.networks.backbones import BACKBONES
from models.networks.checkpoint import Checkpoint, HeadWeights, Scale
from models.networks.convolution import Convolution

_NARROW, _WIDE, _EMBEDDING = 4, 6, 16
PLAN = BACKBONES["mobilefacenet"]()
BANDS = tuple(tap for tap, band in PLAN.taps.items() if band.step == "last")
LENGTHS = dict.fromkeys(PLAN.taps, _NARROW) | dict.fromkeys(BANDS, _WIDE) | {EMBEDDING: _EMBEDDING}


def convolutions(seed: int = 0) -> tuple[Convolution, ...]:
    """Return random weights for each layer; channels of very different sizes, as in trained ones."""
    rng = np.random.default_rng(seed)

    def numbers(*shape: int) -> Array:
        return (rng.normal(size=shape) * 0.5).astype(np.float32)

    def made(name: str) -> Convolution:
        depthwise = name.endswith("_depthwise") or name == "whole_face"
        width = _NARROW if name.startswith("stem") else _WIDE
        inputs = 3 if name == "stem" else width if depthwise or name.endswith("_project") else _NARROW
        outputs = {"embedding_project": _EMBEDDING, "whole_face_project": _WIDE}.get(
            name, _NARROW if name.endswith("_project") or name == "stem" else width
        )
        side = 7 if name == "whole_face" else 3 if depthwise or name == "stem" else 1
        slope = None if name.endswith("_project") or name == "whole_face" else numbers(outputs)
        kernel = numbers(side, side, inputs, 1 if depthwise else outputs)
        spread = np.exp(rng.normal(size=(1, 1, inputs, 1))).astype(np.float32)
        return Convolution(depthwise, kernel * spread / np.float32(side * inputs**0.5), numbers(outputs), slope)

    return tuple(made(step.name) for step in PLAN.convolutions)


def checkpoint(seed: int = 0) -> Checkpoint:
    """Return random heads: nine people, three age groups, five ethnicity groups."""
    rng = np.random.default_rng(seed)

    def numbers(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    groups = {
        name: HeadWeights(
            {tap: numbers(LENGTHS[tap], 8) for tap in LENGTHS},
            numbers(8),
            numbers(8, labels),
            numbers(labels),
            temperature,
        )
        for name, labels, temperature in (("age", 3, 0.5), ("ethnicity", 5, 2.0))
    }
    scales = {tap: Scale(numbers(LENGTHS[tap]), np.exp(numbers(LENGTHS[tap]))) for tap in LENGTHS}
    return Checkpoint(
        convolutions(seed),
        tuple(f"p{number}" for number in range(9)),
        unit_rows(numbers(9, _EMBEDDING)),
        scales,
        groups,
    )
