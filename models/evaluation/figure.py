"""A measured value -> a figure that names its data and its number of cases."""

from dataclasses import dataclass

from models.evaluation.metrics import Share


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        data: the data that it was measured on.
        figure: name of the figure.
        value: a share, 0..1; for a threshold, a cosine; for a distance, pixels.
        n: number of cases.
        low: lower end of its 95 % interval, if it has one.
        high: upper end.
    """

    data: str
    figure: str
    value: float
    n: int
    low: float | None = None
    high: float | None = None


def share_of(data: str, name: str, share: Share) -> Figure:
    """Return a share with its interval as a figure."""
    return Figure(data, name, share.value, share.n, share.low, share.high)
