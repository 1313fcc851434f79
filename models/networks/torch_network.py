"""A plan -> a trainable network in PyTorch, and its convolutions with batch norm folded in.

Internal shapes are (n, channels, height, width), in channels-last memory order, which is faster on a CPU.
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
"""Weight of a step's batch statistics in the running ones; small, since batches of 64 views are noisy."""


class TorchNetwork(nn.Module):
    """A backbone that can be trained.

    Args:
        plan: its plan.
        heads: by name, the number of labels of an auxiliary linear head over the mean of the last map. These heads make
            the backbone keep what the final heads need.
    """

    def __init__(self, plan: Plan, heads: Mapping[str, int]) -> None:
        super().__init__()
        self._plan = plan
        self._pooled_step = _last_trunk_step(plan)
        self._value_ranges: Mapping[str, ValueRange] = {}
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
        self.heads = nn.ModuleDict(
            {name: nn.Linear(channels[self._pooled_step], labels) for name, labels in heads.items()}
        )
        self.register_buffer("mean", torch.tensor(plan.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(plan.spread).view(1, 3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the embedding, shape (n, 192), not normalised, and each head's logits, shape (n, labels).

        Args:
            pictures: shape (n, height, width, 3), values 0..255.
        """
        maps = self._maps(pictures)
        answers = {EMBEDDING: maps[self._plan.last].flatten(1).float()}
        pooled = maps[self._pooled_step].float().mean(dim=(2, 3))
        return answers | {name: head(pooled) for name, head in self.heads.items()}

    def taps(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the taps, each of shape (n, channels), for pictures as in `forward`."""
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
            if step.name in self._value_ranges:
                maps[step.name] = fake_quantised_map(maps[step.name], self._value_ranges[step.name])
        return maps

    def load_weights(self, convolutions: Sequence[Convolution], faces: torch.Tensor) -> None:
        """Load weights, and set the statistics of each batch norm to those of these faces.

        Args:
            convolutions: weights in the plan's order; with fewer than the plan has, the rest is unchanged.
            faces: some hundred pictures, shape (n, height, width, 3), values 0..255.

        Raises:
            DataError: the weights have other shapes.
        """
        layers = [self._layer(step) for step in self._plan.convolutions]
        with torch.no_grad():
            for layer, convolution in zip(layers, convolutions, strict=False):
                layer.load(convolution)
            for layer in layers:
                layer.measuring = True
            self(faces)
        for layer in layers:
            layer.measuring = False

    def freeze_batch_norm(self) -> None:
        """Freeze the statistics of each batch norm, and fold it into its convolution at every step.

        The trained parameters stay the same. On a CPU a step takes less time, since each map is read once less.
        """
        for step in self._plan.convolutions:
            self._layer(step).frozen = True

    def fake_quantise(self, faces: torch.Tensor) -> None:
        """Fake-quantise kernels and maps to 8 bits from now on; call `freeze_batch_norm` first.

        Args:
            faces: pictures that give the value range of each map, shape (n, height, width, 3), values 0..255.
        """
        with torch.no_grad():
            maps = self._maps(faces)
        concatenations = (step for step in self._plan.steps if isinstance(step, Join) and step.how == "concatenate")
        parts = {source for step in concatenations for source in step.sources}  # share the scale of the concatenation
        self._value_ranges = {
            step.name: range_of(maps[step.name]) for step in self._plan.steps if step.name not in parts
        }
        for step in self._plan.convolutions:
            self._layer(step).fake_quantised = True

    def folded(self) -> tuple[Convolution, ...]:
        """Return the convolutions in the plan's order, with batch norm folded in by its running statistics."""
        with torch.no_grad():
            return tuple(self._layer(step).folded() for step in self._plan.convolutions)

    def _layer(self, step: Convolve) -> "_Layer":
        layer = self.layers[step.name]
        if not isinstance(layer, _Layer):  # ModuleDict has no narrower type
            raise TypeError(step.name)
        return layer


class _Layer(nn.Module):
    """A convolution, its batch norm and its activation."""

    def __init__(self, step: Convolve, inputs: int, *, normed: bool) -> None:
        super().__init__()
        self._step = step
        self.measuring = False
        self.frozen = False
        self.fake_quantised = False
        groups = inputs if step.depthwise else 1
        self.convolution = nn.Conv2d(inputs, step.outputs, step.kernel, groups=groups, bias=not normed)
        self.norm = nn.BatchNorm2d(step.outputs, eps=1e-5, momentum=_MOMENTUM) if normed else None
        if step.depthwise and step.padding == "valid":  # start as a mean
            nn.init.constant_(self.convolution.weight, 1 / (step.kernel[0] * step.kernel[1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.frozen:
            weight, bias = self._effective()
            x = self._convolve(x, fake_quantised_kernel(weight) if self.fake_quantised else weight, bias)
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
        odd = x.shape[2] % 2  # TensorFlow pads an even map only at the bottom and right
        if step.depthwise:
            # Every second place of the unstrided output: the gradient of a strided one is ten times slower on a CPU.
            unstrided = nn.functional.conv2d(x, weight, bias, padding=middle, groups=groups)
            return unstrided[:, :, 1 - odd :: 2, 1 - odd :: 2]
        padded = nn.functional.pad(x, (odd, 1, odd, 1))
        return nn.functional.conv2d(padded, weight, bias, step.stride, groups=groups)

    def load(self, convolution: Convolution) -> None:
        kernel = torch.from_numpy(np.ascontiguousarray(_torch_order(convolution)))
        if kernel.shape != self.convolution.weight.shape:
            raise DataError(
                f"layer {self._step.name} has shape {tuple(kernel.shape)} in the file, and "
                f"{tuple(self.convolution.weight.shape)} in the network: the file holds the weights of another backbone"
            )
        self.convolution.weight.copy_(kernel)
        bias = torch.from_numpy(np.array(convolution.bias))
        if self.norm is not None:  # identity except for the bias, until it is measured
            self.norm.running_mean.zero_()
            self.norm.running_var.fill_(1 - self.norm.eps)
            self.norm.weight.fill_(1.0)
            self.norm.bias.copy_(bias)
        elif self.convolution.bias is not None:
            self.convolution.bias.copy_(bias)

    def _measure(self, x: torch.Tensor) -> None:
        """Set the statistics to those of x, and change gain and offset so that the output stays the same."""
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
    if step.kind == "max":
        return nn.functional.max_pool2d(x, step.size, step.stride, padding)
    return nn.functional.avg_pool2d(x, step.size, step.stride, padding, count_include_pad=False)


def _last_trunk_step(plan: Plan) -> str:
    """Return the step that the whole-face convolution reads."""
    (whole,) = (step for step in plan.convolutions if step.name == "whole_face")
    return whole.source
