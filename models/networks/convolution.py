"""The weights of one convolution of a backbone, as training, checkpoint and export pass them on."""

from dataclasses import dataclass

from models.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """One convolution with its batch norm folded in.

    Attributes:
        depthwise: whether each channel is filtered by itself.
        kernel: shape (rows, columns, inputs, outputs), or (rows, columns, channels, 1) of a depthwise one: the order
            that Keras keeps.
        bias: shape (outputs,).
        slope: PReLU slope of each output, shape (outputs,), or None where nothing follows.
    """

    depthwise: bool
    kernel: Array
    bias: Array
    slope: Array | None
