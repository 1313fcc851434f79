"""A backbone as data: named steps from the picture to the embedding, and the feature maps that the heads read.

Training builds it in PyTorch, export builds it in Keras. They exchange the weights of its convolutions in the order of
the plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Activation = Literal["none", "relu", "prelu"]
Padding = Literal["same", "valid"]

PICTURE = "picture"
"""Source of the first step: the aligned face, normalised."""


@dataclass(frozen=True, slots=True)
class Convolve:
    """A convolution with a bias, batch norm folded in, and its activation.

    Attributes:
        name: name of the step.
        source: the step whose output it reads.
        outputs: output channels; for a depthwise convolution also its input channels.
        kernel: rows and columns of the kernel.
        stride: stride along both axes.
        padding: `same`, with the odd row and column at the bottom and the right, or `valid`.
        depthwise: whether it filters each channel by itself.
        activation: the activation after it.
    """

    name: str
    source: str
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: Padding = "same"
    depthwise: bool = False
    activation: Activation = "relu"

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the steps that it reads."""
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Pool:
    """A max or mean pool; a mean ignores the padding."""

    name: str
    source: str
    kind: Literal["max", "mean"]
    size: int
    stride: int
    padding: Padding

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the steps that it reads."""
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Join:
    """The sum of two maps of one shape, or the concatenation of several along the channels."""

    name: str
    sources: tuple[str, ...]
    how: Literal["add", "concatenate"]


Step: TypeAlias = Convolve | Pool | Join


@dataclass(frozen=True, slots=True)
class Band:
    """A band of rows of a feature map, from `first` up to `end`; None is the map's edge. The heads read its mean."""

    step: str
    first: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A backbone.

    Attributes:
        name: name of the backbone.
        mean: mean of red, green and blue, subtracted from values 0..255.
        spread: divisor of red, green and blue after that.
        steps: the steps; each reads earlier ones, and the last gives the embedding as a map of 1 x 1.
        taps: by name, the bands that the heads read besides the embedding.
    """

    name: str
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]
    steps: tuple[Step, ...]
    taps: dict[str, Band]

    @property
    def convolutions(self) -> tuple[Convolve, ...]:
        """The convolutions, in the order of their weights."""
        return tuple(step for step in self.steps if isinstance(step, Convolve))

    @property
    def last(self) -> str:
        """Name of the step that gives the embedding."""
        return self.steps[-1].name

    def readers(self, name: str) -> Iterator[Step]:
        """Yield the steps that read a step's output."""
        return (step for step in self.steps if name in step.sources)


class PlanBuilder:
    """Build the steps of a plan; each method adds one and returns its name."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.channels: dict[str, int] = {PICTURE: 3}

    def convolve(
        self,
        name: str,
        source: str,
        outputs: int,
        kernel: int | tuple[int, int] = 1,
        *,
        stride: int = 1,
        padding: Padding = "same",
        activation: Activation = "relu",
    ) -> str:
        """Add a convolution over all channels."""
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        return self._add(Convolve(name, source, outputs, size, stride, padding, activation=activation), outputs)

    def depthwise(
        self,
        name: str,
        source: str,
        kernel: int | tuple[int, int] = 3,
        *,
        stride: int = 1,
        padding: Padding = "same",
        activation: Activation = "relu",
    ) -> str:
        """Add a depthwise convolution."""
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        channels = self.channels[source]
        step = Convolve(name, source, channels, size, stride, padding, depthwise=True, activation=activation)
        return self._add(step, channels)

    def pool(self, name: str, source: str, kind: Literal["max", "mean"], *, stride: int, padding: Padding) -> str:
        """Add a pool of 3 x 3."""
        return self._add(Pool(name, source, kind, 3, stride, padding), self.channels[source])

    def add(self, name: str, left: str, right: str) -> str:
        """Add the sum of two maps."""
        return self._add(Join(name, (left, right), "add"), self.channels[left])

    def concatenate(self, name: str, *sources: str) -> str:
        """Add the concatenation of maps along the channels, in this order."""
        return self._add(Join(name, sources, "concatenate"), sum(self.channels[source] for source in sources))

    def _add(self, step: Step, channels: int) -> str:
        self.steps.append(step)
        self.channels[step.name] = channels
        return step.name
