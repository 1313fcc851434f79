"""A network and the face data -> the figures of each protocol, with how many cases stand behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.command import Progress
from models.dataset import Cut, load_crops
from models.errors import TrainingError
from models.manifests import Pair, Sample, lfw_pairs, read
from models.metrics import Share, accepted_at, identified_at, recalls, verification, wilson
from node.domain import Image, Vector
from node.vision.sidecar import Classes, Sidecar

_ENROLLED, _PHOTOS = 12, 5
_SHIPPED_FPIR = 0.003  # people.max_fpir unless set otherwise


class Inferring(Protocol):
    """A network as a node runs it."""

    @property
    def sidecar(self) -> Sidecar:
        """What is known of it."""

    def infer(self, crop: Image) -> Mapping[str, Vector]:
        """Return what every head says of one aligned face."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        data: what it was measured on.
        figure: what it is.
        value: a share, 0..1.
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


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a network says of some samples; each head's scores have shape (n, length)."""

    samples: tuple[Sample, ...]
    heads: Mapping[str, npt.NDArray[np.float32]]
    missed: int

    @property
    def embeddings(self) -> npt.NDArray[np.float32]:
        """Shape (n, length), unit length."""
        return self.heads["embedding"]


def ask(network: Inferring, data: Path, name: str, split: str, cache: Path) -> Answers:
    """Run the network on a split of a data set, found, aligned and inferred as a node does."""
    wanted = network.sidecar.input
    what = f"{name} {split}"
    crops = load_crops(what, read(data, name, (split,)), Cut(wanted.alignment.points, wanted.size), cache)
    rows = []
    with Progress(f"{network.sidecar.name} on {what}", len(crops.images)) as progress:
        for crop in crops.images:
            rows.append(network.infer(crop))
            progress.advance()
    heads = {head: np.stack([row[head] for row in rows]) for head in rows[0]}
    return Answers(crops.samples, heads, len(crops.missed))


def measure(network: Inferring, data: Path, cache: Path) -> tuple[Figure, ...]:
    """Return every figure of a network.

    Args:
        network: as a node runs it.
        data: the folder of face data.
        cache: where aligned crops are kept.
    """
    people = ask(network, data, "lfw_people", "val", cache)
    strangers = ask(network, data, "strangers", "test", cache)
    figures = [*verify(people, lfw_pairs(data)), *open_set(people, strangers, network.sidecar)]
    for name, split, heads in (
        ("utkface", "val", ("age", "ethnicity")),
        ("lfw9", "test", ("identity", "age", "ethnicity")),
    ):
        answers = ask(network, data, name, split, cache)
        figures.append(
            _figure(f"{name} {split}", "no face found", wilson(answers.missed, answers.missed + len(answers.samples)))
        )
        for head in heads:
            labels = network.sidecar.heads.labels(head)
            if labels:
                figures += grade(answers, f"{name} {split}", head, labels, per_class=name == "utkface")
        if "identity" in heads and network.sidecar.heads.identity:
            figures += closed_set(answers, strangers, network.sidecar.heads.identity)
    return tuple(figures)


def verify(people: Answers, pairs: Sequence[Pair]) -> list[Figure]:
    """Tell pairs of one person from pairs of two.

    TAR at FAR takes the same-person pairs of the list, and as impostors all pairs of pictures of different people:
    the list alone has too few for one in a thousand.
    """
    place = {sample.path: number for number, sample in enumerate(people.samples)}
    known = [pair for pair in pairs if pair.left in place and pair.right in place]
    similarity = people.embeddings @ people.embeddings.T
    scores = np.array([similarity[place[pair.left], place[pair.right]] for pair in known])
    same = np.array([pair.same for pair in known])
    persons = np.array([sample.person for sample in people.samples])
    rows, columns = np.triu_indices(len(persons), 1)
    different = persons[rows] != persons[columns]
    impostors = similarity[rows, columns][different]
    data = "lfw_people val"
    return [
        Figure(data, "verification, 10-fold balanced", verification(scores, same), len(scores)),
        Figure(data, "TAR at FAR 1 %", accepted_at(scores[same], impostors, 0.01), int(same.sum())),
        Figure(data, "TAR at FAR 0.1 %", accepted_at(scores[same], impostors, 0.001), int(same.sum())),
    ]


def open_set(people: Answers, strangers: Answers, sidecar: Sidecar) -> list[Figure]:
    """Enrol the twelve people with most pictures from five of each, and look for them among strangers.

    Strangers are all other people of the split, and people that the thresholds have not seen.
    """
    persons = np.array([sample.person for sample in people.samples])
    names, counts = np.unique(persons, return_counts=True)
    chosen = names[np.argsort(-counts, kind="stable")][:_ENROLLED]
    anchors, probes, right = [], [], []
    for number, person in enumerate(chosen):
        pictures = people.embeddings[persons == person]
        if len(pictures) <= _PHOTOS:
            raise TrainingError(
                f"{person} has {len(pictures)} pictures: enrolment from {_PHOTOS} leaves none to look for"
            )
        anchors.append(pictures[:_PHOTOS])
        probes.append(pictures[_PHOTOS:])
        right += [number] * (len(pictures) - _PHOTOS)
    nearest, scores = _identify(np.concatenate(probes), anchors)
    others = people.embeddings[~np.isin(persons, chosen)]
    _, other_scores = _identify(others, anchors)
    _, fresh_scores = _identify(strangers.embeddings, anchors)
    all_scores = np.concatenate([other_scores, fresh_scores])
    truth = np.array(right)
    least = sidecar.thresholds.cosine(_SHIPPED_FPIR, _ENROLLED)
    data, n = "lfw_people val, 12 people from 5 photos", len(truth)
    return [
        _figure(data, "rank-1", wilson(int(np.sum(nearest == truth)), n)),
        Figure(data, "TPIR at FPIR 1 %", identified_at(nearest, scores, truth, all_scores, 0.01), n),
        Figure(data, "TPIR at FPIR 0.1 %", identified_at(nearest, scores, truth, all_scores, 0.001), n),
        _figure(
            data,
            "TPIR at the shipped threshold",
            wilson(int(np.sum((nearest == truth) & (scores >= least))), n),
        ),
        _figure(
            "strangers of lfw_people val",
            "called by a name at the shipped threshold",
            wilson(int(np.sum(other_scores >= least)), len(other_scores)),
        ),
        _figure(
            "strangers of lfw9/unknown test",
            "called by a name at the shipped threshold",
            wilson(int(np.sum(fresh_scores >= least)), len(fresh_scores)),
        ),
    ]


def grade(answers: Answers, data: str, head: str, labels: Sequence[str], *, per_class: bool) -> list[Figure]:
    """Return the share of right answers of a head, and where asked its mean over the classes and each class's own."""
    given = [labels[number] for number in np.argmax(answers.heads[head], axis=1)]
    right = [sample.label(head) for sample in answers.samples]
    figures = [_figure(data, head, wilson(sum(a == b for a, b in zip(given, right, strict=True)), len(right)))]
    if per_class:
        by_label = recalls(given, right, labels)
        balanced = float(np.mean([share.value for share in by_label.values()]))
        figures.append(Figure(data, f"{head}, balanced", balanced, len(right)))
        figures += [_figure(data, f"{head}: {label}", share) for label, share in by_label.items()]
    return figures


def closed_set(known: Answers, strangers: Answers, classes: Classes) -> list[Figure]:
    """Return how the identity head does with its reject score: the nine people named rightly, strangers by a name."""
    least = classes.reject or 0.0
    scores = known.heads["identity"]
    right = np.array([classes.labels.index(sample.person) for sample in known.samples])
    named = (np.argmax(scores, axis=1) == right) & (scores.max(axis=1) >= least)
    mistaken = strangers.heads["identity"].max(axis=1) >= least
    return [
        _figure("lfw9 test", "identity, with the head's reject score", wilson(int(named.sum()), len(named))),
        _figure(
            "strangers of lfw9/unknown test",
            "called by a name by the identity head",
            wilson(int(mistaken.sum()), len(mistaken)),
        ),
    ]


def _identify(
    probes: npt.NDArray[np.float32], anchors: Sequence[npt.NDArray[np.float32]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the nearest person of each probe and the cosine to their nearest anchor: the node's rule."""
    scores = np.stack([(probes @ person.T).max(axis=1) for person in anchors], axis=1)
    nearest = np.argmax(scores, axis=1)
    return nearest, scores[np.arange(len(probes)), nearest]


def _figure(data: str, name: str, share: Share) -> Figure:
    return Figure(data, name, share.value, share.n, share.low, share.high)
