"""A plan -> the network in PyTorch, to be trained, and its convolutions with batch norm folded in.

Shapes within are (n, channels, height, width), in the memory order that has the channels last, which is the faster
one on a CPU.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from models.arrays import Array
from models.errors import DataError
from models.names import EMBEDDING
from models.networks.convolution import Convolution
from models.networks.fake_quantisation import ValueRange, fake_quantised_kernel, fake_quantised_map, range_of
from models.networks.plan import PICTURE, Convolve, Join, Plan, Pool

_MOMENTUM = 0.01
"""Share of a step's own statistics in the running ones: of steps of 64 views they are noisy."""


class TorchNetwork(nn.Module):
    """A backbone in training.

    Args:
        plan: what it is made of.
        heads: by name, how many labels a linear head over the mean of the last map has. They only keep in the backbone
            what the real heads will look for.
    """

    def __init__(self, plan: Plan, heads: Mapping[str, int]) -> None:
        super().__init__()
        self._plan = plan
        self._wide = _end_of_trunk(plan)
        self._reaches: Mapping[str, ValueRange] = {}
        self.layers = nn.ModuleDict()
        channels = {PICTURE: 3}
        for step in plan.steps:
            if isinstance(step, Convolve):
                self.layers[step.name] = _Layer(step, channels[step.source], normed=step.name != plan.last)
                channels[step.name] = step.outputs
            elif isinstance(step, Join) and step.how == "concatenate":
                channels[step.name] = sum(channels[source] for source in step.sources)
            else:
                channels[step.name] = channels[step.sources[0]]
        self.heads = nn.ModuleDict({name: nn.Linear(channels[self._wide], labels) for name, labels in heads.items()})
        self.register_buffer("mean", torch.tensor(plan.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(plan.spread).view(1, 3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the embedding, shape (n, 192), of any length, and each head's logits, shape (n, labels).

        Args:
            pictures: shape (n, height, width, 3), values 0..255.
        """
        maps = self._maps(pictures)
        answers = {EMBEDDING: maps[self._plan.last].flatten(1).float()}
        pooled = maps[self._wide].float().mean(dim=(2, 3))
        return answers | {name: head(pooled) for name, head in self.heads.items()}

    def taps(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what the real heads will read, each of shape (n, channels); pictures as in `forward`."""
        maps = self._maps(pictures)
        bands = {name: maps[band.step][:, :, band.first : band.end] for name, band in self._plan.taps.items()}
        means = {name: rows.float().mean(dim=(2, 3)) for name, rows in bands.items()}
        return means | {EMBEDDING: maps[self._plan.last].flatten(1).float()}

    def _maps(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        x = (pictures.permute(0, 3, 1, 2).float() - self.mean) / self.spread
        maps = {PICTURE: x.contiguous(memory_format=torch.channels_last)}
        for step in self._plan.steps:
            given = [maps[source] for source in step.sources]
            if isinstance(step, Convolve):
                maps[step.name] = self.layers[step.name](given[0])
            elif isinstance(step, Pool):
                maps[step.name] = _pooled(given[0], step)
            elif step.how == "add":
                maps[step.name] = given[0] + given[1]
            else:
                maps[step.name] = torch.cat(given, dim=1)
            if step.name in self._reaches:
                maps[step.name] = fake_quantised_map(maps[step.name], self._reaches[step.name])
        return maps

    def start(self, convolutions: Sequence[Convolution], faces: torch.Tensor) -> None:
        """Take weights over, and give each batch norm the statistics that these faces have there.

        Args:
            convolutions: of the plan, in its order; fewer leave the rest as it is.
            faces: some hundred pictures, shape (n, height, width, 3), values 0..255.

        Raises:
            DataError: the weights have other shapes.
        """
        layers = [self._layer(step) for step in self._plan.convolutions]
        with torch.no_grad():
            for layer, convolution in zip(layers, convolutions, strict=False):
                layer.take(convolution)
            for layer in layers:
                layer.measuring = True
            self(faces)
        for layer in layers:
            layer.measuring = False

    def settle(self) -> None:
        """Keep each batch norm's statistics as they are from now on, and fold it into its convolution at every step.

        What is trained stays the same; on a CPU a step takes less time, since no map is read once more each way.
        """
        for step in self._plan.convolutions:
            self._layer(step).settled = True

    def round(self, faces: torch.Tensor) -> None:
        """Hold kernels and maps as 8 bits would from now on; settle first.

        Args:
            faces: show how far the values of each map reach, shape (n, height, width, 3), values 0..255.
        """
        with torch.no_grad():
            maps = self._maps(faces)
        side_by_side = (step for step in self._plan.steps if isinstance(step, Join) and step.how == "concatenate")
        parts = {source for step in side_by_side for source in step.sources}  # have the scale of the whole
        self._reaches = {step.name: range_of(maps[step.name]) for step in self._plan.steps if step.name not in parts}
        for step in self._plan.convolutions:
            self._layer(step).rounded = True

    def folded(self) -> tuple[Convolution, ...]:
        """Return the convolutions in the plan's order, batch norm folded in by its running statistics."""
        with torch.no_grad():
            return tuple(self._layer(step).folded() for step in self._plan.convolutions)

    def _layer(self, step: Convolve) -> "_Layer":
        layer = self.layers[step.name]
        if not isinstance(layer, _Layer):  # what ModuleDict holds has no narrower type
            raise TypeError(step.name)
        return layer


class _Layer(nn.Module):
    """A convolution, its batch norm and its activation."""

    def __init__(self, step: Convolve, inputs: int, *, normed: bool) -> None:
        super().__init__()
        self._step = step
        self.measuring = False
        self.settled = False
        self.rounded = False
        groups = inputs if step.depthwise else 1
        self.convolution = nn.Conv2d(inputs, step.outputs, step.kernel, groups=groups, bias=not normed)
        self.norm = nn.BatchNorm2d(step.outputs, eps=1e-5, momentum=_MOMENTUM) if normed else None
        if step.depthwise and step.padding == "valid":  # a mean to begin with
            nn.init.constant_(self.convolution.weight, 1 / (step.kernel[0] * step.kernel[1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.settled:
            weight, bias = self._effective()
            x = self._convolve(x, fake_quantised_kernel(weight) if self.rounded else weight, bias)
        else:
            x = self._convolve(x, self.convolution.weight, self.convolution.bias)
            if self.norm is not None:
                if self.measuring:
                    self._measure(x.float())
                x = self.norm(x)
        return nn.functional.relu(x, inplace=True) if self._step.activation == "relu" else x

    def _convolve(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        step, (rows, columns), groups = self._step, self._step.kernel, self.convolution.groups
        if step.padding == "valid":
            return nn.functional.conv2d(x, weight, bias, step.stride, groups=groups)
        middle = (rows // 2, columns // 2)
        if step.stride == 1:
            return nn.functional.conv2d(x, weight, bias, padding=middle, groups=groups)
        odd = x.shape[2] % 2  # TensorFlow pads a map of even size by nothing at its top and left
        if step.depthwise:
            # Every other place of the whole answer: the strided kernel's gradient is ten times as slow on a CPU.
            whole = nn.functional.conv2d(x, weight, bias, padding=middle, groups=groups)
            return whole[:, :, 1 - odd :: 2, 1 - odd :: 2]
        padded = nn.functional.pad(x, (odd, 1, odd, 1))
        return nn.functional.conv2d(padded, weight, bias, step.stride, groups=groups)

    def take(self, convolution: Convolution) -> None:
        kernel = torch.from_numpy(np.ascontiguousarray(_torch_order(convolution)))
        if kernel.shape != self.convolution.weight.shape:
            raise DataError(
                f"layer {self._step.name} has shape {tuple(kernel.shape)} in the starting weights, and "
                f"{tuple(self.convolution.weight.shape)} in the network: they are of another backbone"
            )
        self.convolution.weight.copy_(kernel)
        bias = torch.from_numpy(np.array(convolution.bias))
        if self.norm is not None:  # identity but for the bias, until it is measured
            self.norm.running_mean.zero_()
            self.norm.running_var.fill_(1 - self.norm.eps)
            self.norm.weight.fill_(1.0)
            self.norm.bias.copy_(bias)
        elif self.convolution.bias is not None:
            self.convolution.bias.copy_(bias)

    def _measure(self, x: torch.Tensor) -> None:
        """Take the statistics of x, and change gain and offset so that the layer answers as before."""
        norm = self.norm
        if norm is None:
            return
        variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        norm.bias += gain * (mean - norm.running_mean)
        norm.weight.copy_(gain * torch.sqrt(variance + norm.eps))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)

    def _effective(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return kernel and bias with the batch norm folded in by its running statistics."""
        weight, bias, norm = self.convolution.weight, self.convolution.bias, self.norm
        if norm is None:
            return weight, torch.zeros(len(weight)) if bias is None else bias
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return weight * gain.view(-1, 1, 1, 1), norm.bias - norm.running_mean * gain

    def folded(self) -> Convolution:
        weight, bias = self._effective()
        order = (2, 3, 0, 1) if self._step.depthwise else (2, 3, 1, 0)
        kernel = weight.permute(*order).contiguous().numpy().astype(np.float32)
        return Convolution(self._step.depthwise, kernel, bias.numpy().astype(np.float32), None)


def _torch_order(convolution: Convolution) -> Array:
    return convolution.kernel.transpose((2, 3, 0, 1) if convolution.depthwise else (3, 2, 0, 1))


def _pooled(x: torch.Tensor, step: Pool) -> torch.Tensor:
    padding = step.size // 2 if step.padding == "same" else 0
    if step.kind == "greatest":
        return nn.functional.max_pool2d(x, step.size, step.stride, padding)
    return nn.functional.avg_pool2d(x, step.size, step.stride, padding, count_include_pad=False)


def _end_of_trunk(plan: Plan) -> str:
    """Return the step that the whole-face convolution reads."""
    (whole,) = (step for step in plan.convolutions if step.name == "whole_face")
    return whole.source
