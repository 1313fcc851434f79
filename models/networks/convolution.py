"""The weights of one convolution of a backbone, as training, checkpoint and export exchange them."""

from dataclasses import dataclass

from models.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """One convolution with its batch norm folded in.

    Attributes:
        depthwise: whether it filters each channel by itself.
        kernel: shape (rows, columns, inputs, outputs), or (rows, columns, channels, 1) if depthwise: Keras's order.
        bias: shape (outputs,).
        slope: PReLU slope of each output, shape (outputs,); None without PReLU.
    """

    depthwise: bool
    kernel: Array
    bias: Array
    slope: Array | None
