"""What was counted or measured -> a figure that says what it was measured on and how many cases are behind it."""

from dataclasses import dataclass

from models.evaluation.metrics import Share


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        data: what it was measured on.
        figure: what it is.
        value: a share, 0..1; of a threshold its cosine, of a temperature its number.
        n: cases behind it.
        low: lower end of its 95 % interval, where it has one.
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
