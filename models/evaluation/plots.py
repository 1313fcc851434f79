"""Predictions of networks -> plots as PNG files; equal predictions give equal bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Sheet

from models.data.samples import Pair
from models.errors import TrainingError
from models.evaluation.identification import search, similarities
from models.evaluation.measure import NetworkPredictions, PredictionsByNetwork
from models.evaluation.predictions import Predictions
from models.evaluation.scoring import Decision

_COLUMNS = 3
_DPI = 80
_GALLERIES = (1, 12)
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.grid": True,
    "grid.color": "0.88",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_COLOURS = ("#1b6ca8", "#d1495b", "#66812b", "#8d5a97", "#e09f3e", "#3a9e9b", "#6c584c", "#222222")
_LINES = ("-", "--", ":")
_DARK = 0.5
_BELOW = 1e-4


def draw(folder: Path, by_network: PredictionsByNetwork, pairs: Sequence[Pair]) -> list[Path]:
    """Draw the DET curves, score histograms and confusion matrices of networks.

    Args:
        folder: the output folder.
        by_network: how each network decides, and its predictions.
        pairs: the pairs of `lfw_people` val.

    Returns:
        The files.

    Raises:
        TrainingError: a file cannot be written.
    """
    with mpl.rc_context(_STYLE):
        sheets = {
            "det.png": det_curves(by_network, pairs),
            "scores.png": _panels(by_network, (2.9, 2.1), lambda axes, name: _scores(axes, *by_network[name], pairs)),
        }
        for head in ("age", "ethnicity"):
            heads = {name: pair for name, pair in by_network.items() if pair[0].sidecar.heads.labels(head)}
            sheets[f"confusion-{head}.png"] = _confusions(heads, head)
        paths = [folder / name for name in sheets]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path, sheet in zip(paths, sheets.values(), strict=True):
                # Without the version of matplotlib, the file depends on the predictions alone.
                sheet.savefig(path, dpi=_DPI, metadata={"Software": None})
        except OSError as error:
            raise TrainingError(f"{folder}: {error.strerror or error}: the plots need a writable folder") from error
    return paths


def det_curves(by_network: PredictionsByNetwork, pairs: Sequence[Pair]) -> Sheet:
    """Draw the share of missed pairs of one person against the share of accepted pairs of two people.

    Each backbone has a colour, and each of its quantisations a line style.
    """
    sheet = Sheet(figsize=(6.4, 4.6), layout="constrained")
    axes = sheet.subplots()
    backbones = list(dict.fromkeys(decision.sidecar.backbone for decision, _ in by_network.values()))
    drawn: dict[str, int] = dict.fromkeys(backbones, 0)
    rates = np.logspace(-5, 0, 400)
    for name, (decision, predictions) in by_network.items():
        scores, backbone = similarities(predictions.people, pairs, decision.scoring), decision.sidecar.backbone
        ordered = np.sort(scores.impostors)[::-1]
        least = ordered[np.minimum((rates * len(ordered)).astype(np.int64), len(ordered) - 1)]
        missed = np.searchsorted(np.sort(scores.same), least, side="right") / len(scores.same)
        missed = np.maximum(missed, _BELOW)  # zero has no logarithm
        colour, number = _COLOURS[backbones.index(backbone) % len(_COLOURS)], drawn[backbone]
        drawn[backbone] += 1
        axes.step(rates, missed, _LINES[number % len(_LINES)], color=colour, label=name, where="post", linewidth=1.3)
    axes.set(xscale="log", yscale="log", xlim=(1e-5, 1), ylim=(20 * _BELOW, 1))
    axes.set(xlabel="pairs of two people taken for one (FAR)", ylabel="pairs of one person missed (1 - TAR)")
    axes.set_title("Verification, lfw_people val", loc="left")
    axes.legend()
    return sheet


def _scores(axes: Any, decision: Decision, predictions: NetworkPredictions, pairs: Sequence[Pair]) -> None:  # noqa: ANN401 - no types
    people, scoring = predictions.people, decision.scoring
    found, searched = similarities(people, pairs, scoring), search(people, predictions.strangers, scoring=scoring)
    bins = np.linspace(-0.8, 1, 91)
    kinds = {
        "same person": found.same,
        "two people": found.impostors,
        "strangers to 12": np.concatenate([searched.others, searched.fresh]),
    }
    for (label, values), colour in zip(kinds.items(), (_COLOURS[0], "0.6", _COLOURS[1]), strict=True):
        weights = np.full(len(values), 1 / len(values))
        axes.hist(values, bins, weights=weights, histtype="stepfilled", color=colour, alpha=0.45, label=label)
    for enrolled, line in zip(_GALLERIES, (":", "-"), strict=True):
        least = decision.least(enrolled)
        axes.axvline(least, color="black", linestyle=line, linewidth=1, label=f"threshold, {enrolled} enrolled")
    axes.set(xlabel="score", ylabel="share", xlim=(-0.8, 1))


def _confusions(by_network: PredictionsByNetwork, head: str) -> Sheet:
    sheet = _panels(
        by_network,
        (2.3, 2.2) if head == "age" else (2.9, 2.7),
        lambda axes, name: _confusion(
            axes, by_network[name][1].utkface, head, by_network[name][0].sidecar.heads.labels(head)
        ),
        legend=False,
    )
    sheet.suptitle(f"{head}, utkface val: rows what they are, columns what is said, shares of a row", fontsize=9)
    return sheet


def _confusion(axes: Any, predictions: Predictions, head: str, labels: Sequence[str]) -> None:  # noqa: ANN401 - no types
    counts = np.zeros((len(labels), len(labels)))
    for sample, number in zip(predictions.samples, np.argmax(predictions.heads[head], axis=1), strict=True):
        counts[labels.index(sample.label(head)), number] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set_xticks(range(len(labels)), labels, rotation=30)
    axes.set_yticks(range(len(labels)), labels)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column, row, f"{share:.2f}", ha="center", va="center", color="white" if share > _DARK else "black", size=7
        )


def _panels(
    by_network: PredictionsByNetwork,
    inches: tuple[float, float],
    paint: Callable[[Any, str], None],
    *,
    legend: bool = True,
) -> Sheet:
    """Return a figure with one panel per network."""
    columns = min(_COLUMNS, len(by_network))
    rows = -(-len(by_network) // columns)
    sheet = Sheet(figsize=(max(6.4, inches[0] * columns), inches[1] * rows + 0.5), layout="constrained")
    panels = sheet.subplots(rows, columns, squeeze=False).flat
    for axes, name in zip(panels, by_network, strict=False):
        paint(axes, name)
        axes.set_title(name, loc="left", fontsize=8)
    for axes in sheet.axes[len(by_network) :]:
        axes.set_visible(False)
    if legend:
        handles, labels = sheet.axes[0].get_legend_handles_labels()
        sheet.legend(handles, labels, loc="outside lower center", ncols=_COLUMNS)
    return sheet
