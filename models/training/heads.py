"""Features and labels -> trained heads, by cross entropy with weighted classes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.arrays import Array, unit_rows
from models.data.cache import Arrays
from models.data.targets import class_weights
from models.names import EMBEDDING
from models.networks.checkpoint import HeadWeights, Scale
from models.recipe.sections import GroupHead, Training

_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Training examples of the heads.

    Attributes:
        taps: by tap, shape (n, channels), float32.
        labels: by head, the index of the true label, shape (n,); -1 where the head does not learn from the example.
        targets: by head, the target share of each label, shape (n, labels), float32.
        emphasis: factor on the weight of each example, shape (n,).
    """

    taps: Arrays
    labels: Mapping[str, npt.NDArray[np.int64]]
    targets: Arrays
    emphasis: Array

    def select(self, which: npt.NDArray[np.bool_]) -> "Examples":
        """Return the examples of a mask, shape (n,)."""
        return Examples(
            {tap: values[which] for tap, values in self.taps.items()},
            {name: labels[which] for name, labels in self.labels.items()},
            {name: targets[which] for name, targets in self.targets.items()},
            self.emphasis[which],
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrainedHeads:
    """Trained heads: the scales of the taps, and the weights of each head by name."""

    scales: Mapping[str, Scale]
    groups: Mapping[str, HeadWeights]

    def predict(self, name: str, taps: Arrays) -> npt.NDArray[np.int64]:
        """Return the index of the label that a head predicts for each example, shape (n,)."""
        best: npt.NDArray[np.int64] = np.argmax(self.logits(name, taps), axis=1)
        return best

    def logits(self, name: str, taps: Arrays) -> Array:
        """Return the logits of a head, before temperature and softmax, shape (n, labels)."""
        group = self.groups[name]
        projected = (self.scales[tap].standard(taps[tap]) @ kernel for tap, kernel in group.taps.items())
        logits: Array = np.maximum(sum(projected, group.bias), 0) @ group.kernel + group.answer_bias
        return logits


def measured_scale(values: Array) -> Scale:
    """Return the mean and spread of each channel; values have shape (n, channels)."""
    return Scale(values.mean(axis=0), np.maximum(values.std(axis=0), _LEAST_SPREAD))


def train_heads(
    heads: Mapping[str, GroupHead],
    examples: Examples,
    training: Training,
    seed: int,
    epoch_done: Callable[[], None] = lambda: None,
) -> TrainedHeads:
    """Train the heads together.

    Args:
        heads: by name.
        examples: what they learn from.
        training: the recipe's [training].
        seed: seed of the initial weights, the order of the examples and the dropout.
        epoch_done: called after each pass over the examples.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    scales = {tap: measured_scale(examples.taps[tap]) for tap in examples.taps}
    inputs = {tap: scales[tap].standard(examples.taps[tap]) for tap in examples.taps}
    model = _model({tap: values.shape[1] for tap, values in inputs.items()}, heads, training.dropout)
    steps = training.epochs * -(-len(inputs[EMBEDDING]) // training.batch)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(training.learning_rate, steps), weight_decay=training.weight_decay
        ),
        loss={name: keras.losses.CategoricalCrossentropy(label_smoothing=training.label_smoothing) for name in heads},
        loss_weights={name: head.weight for name, head in heads.items()},
    )
    model.fit(
        inputs,
        {name: examples.targets[name] for name in heads},
        sample_weight={
            name: examples.emphasis * class_weights(examples.labels[name], len(head.labels), training.class_balance)
            for name, head in heads.items()
        },
        batch_size=training.batch,
        epochs=training.epochs,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: epoch_done())],
    )
    return TrainedHeads(scales, {name: _weights(model, name, tuple(inputs)) for name in heads})


def people_means(embeddings: Array, labels: npt.NDArray[np.int64], people: Sequence[str]) -> Array:
    """Return the unit mean of each person's unit embeddings, shape (people, n); embeddings have shape (m, n)."""
    unit = unit_rows(embeddings)
    return unit_rows(np.stack([unit[labels == number].mean(axis=0) for number in range(len(people))]))


def _model(channels: Mapping[str, int], heads: Mapping[str, GroupHead], dropout: float) -> keras.Model:
    inputs = {tap: keras.Input((count,), name=tap) for tap, count in channels.items()}
    outputs: dict[str, Any] = {}
    for name, head in heads.items():
        projected = [
            keras.layers.Dense(head.hidden, use_bias=tap == EMBEDDING, name=f"{name}_{tap}")(inputs[tap])
            for tap in channels
        ]
        hidden = keras.layers.ReLU()(keras.layers.Add()(projected))
        hidden = keras.layers.Dropout(dropout)(hidden)
        outputs[name] = keras.layers.Dense(len(head.labels), activation="softmax", name=name)(hidden)
    return keras.Model(inputs, outputs)


def _weights(model: keras.Model, name: str, taps: Sequence[str]) -> HeadWeights:
    kernels = {tap: model.get_layer(f"{name}_{tap}").get_weights()[0] for tap in taps}
    bias = model.get_layer(f"{name}_{EMBEDDING}").get_weights()[1]
    return HeadWeights(kernels, bias, *model.get_layer(name).get_weights())
