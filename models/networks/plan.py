"""A backbone as data: named steps from the picture to the embedding, and the maps that the heads read.

Training and export build the same network from it, each in its own framework, and exchange the weights of its
convolutions in the order in which they stand here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Activation = Literal["none", "relu", "prelu"]
Padding = Literal["same", "valid"]

PICTURE = "picture"
"""What the first step reads: the aligned face, its values scaled."""


@dataclass(frozen=True, slots=True)
class Convolve:
    """A convolution with a bias, batch norm folded into it, and what follows it.

    Attributes:
        name: of the step.
        source: the step whose output it reads.
        outputs: channels; of a depthwise one, those that it reads.
        kernel: rows and columns.
        stride: along both axes.
        padding: `same`, with the odd row and column at the bottom and the right, or `valid`.
        depthwise: whether each channel is filtered by itself.
        activation: what follows.
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
        """The steps that it reads."""
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Pool:
    """The greatest or the mean value of each place's neighbourhood; a mean counts no padding."""

    name: str
    source: str
    kind: Literal["greatest", "mean"]
    size: int
    stride: int
    padding: Padding

    @property
    def sources(self) -> tuple[str, ...]:
        """The steps that it reads."""
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Join:
    """A sum of two maps of one shape, or several maps side by side."""

    name: str
    sources: tuple[str, ...]
    how: Literal["add", "concatenate"]


Step: TypeAlias = Convolve | Pool | Join


@dataclass(frozen=True, slots=True)
class Band:
    """Rows of a map whose mean the heads read, from `first` up to `end`; None is the map's edge."""

    step: str
    first: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A backbone.

    Attributes:
        name: of the backbone.
        mean: of red, green and blue, subtracted from values 0..255.
        spread: what the difference is divided by.
        steps: each reads earlier ones; the last one gives the embedding, as a map of 1 x 1.
        taps: by name, the maps that the heads read besides the embedding.
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
    """Writes a plan step by step; each method returns the new step's name, for the next to read."""

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
        """Add a convolution of each channel by itself."""
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        channels = self.channels[source]
        step = Convolve(name, source, channels, size, stride, padding, depthwise=True, activation=activation)
        return self._add(step, channels)

    def pool(self, name: str, source: str, kind: Literal["greatest", "mean"], *, stride: int, padding: Padding) -> str:
        """Add a pool over 3 x 3 places."""
        return self._add(Pool(name, source, kind, 3, stride, padding), self.channels[source])

    def add(self, name: str, left: str, right: str) -> str:
        """Add the sum of two maps."""
        return self._add(Join(name, (left, right), "add"), self.channels[left])

    def concatenate(self, name: str, *sources: str) -> str:
        """Add maps side by side, in this order."""
        return self._add(Join(name, sources, "concatenate"), sum(self.channels[source] for source in sources))

    def _add(self, step: Step, channels: int) -> str:
        self.steps.append(step)
        self.channels[step.name] = channels
        return step.name
