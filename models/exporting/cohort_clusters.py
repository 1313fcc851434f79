"""Embeddings of many kinds of people -> a cohort: the means of clusters of faces alike, none of them anybody's own.

Within each ethnicity, gender and age band, k-means on the sphere (Dhillon and Modha, 2001) puts faces that are alike
together. A cluster of fewer than five faces is left out, so that no row tells of a person.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models.arrays import Array, unit_rows
from models.data.samples import Sample

LEAST_FACES = 5
"""Fewest faces of a cluster."""

CLUSTERS = 75
"""Most clusters of a band; chosen by validation, `tests/benchmarks/cohort_forms.py` prints what was tried."""

_FACES_PER_CLUSTER = 8
_BORDERS = (0, 12, 18, 200)
"""Ages in years at which the bands begin; the last ends all."""
_ITERATIONS = 25
_SEED = 20261129


def cohort_of(samples: Sequence[Sample], embeddings: Array, clusters: int = CLUSTERS) -> npt.NDArray[np.float16]:
    """Return a cohort, shape (rows, length), float16, unit length within its precision.

    Args:
        samples: pictures of people of known ethnicity, gender and age.
        embeddings: theirs, shape (n, length), unit length.
        clusters: most clusters of a band.
    """
    names = np.array([f"{sample.ethnicity}, {sample.gender}" for sample in samples])
    years = np.array([-1 if sample.years is None else sample.years for sample in samples])
    rng = np.random.default_rng(_SEED)
    means = [
        mean
        for name in np.unique(names)
        for low, high in pairwise(_BORDERS)
        for mean in cluster_means(embeddings[(names == name) & (years >= low) & (years < high)], rng, clusters)
    ]
    return np.stack(means).astype(np.float16)


def cluster_means(embeddings: Array, rng: np.random.Generator, clusters: int = CLUSTERS) -> list[Array]:
    """Return the means of the clusters with enough faces, of unit length.

    Args:
        embeddings: shape (n, length), unit length.
        rng: chooses the faces that the clusters start from.
        clusters: most clusters.
    """
    if len(embeddings) < LEAST_FACES:
        return []
    count = min(clusters, max(1, len(embeddings) // _FACES_PER_CLUSTER))
    nearest = _clusters(embeddings, count, rng)
    found = [embeddings[nearest == number] for number in range(count)]
    return [_mean(cluster) for cluster in found if len(cluster) >= LEAST_FACES]


def _clusters(faces: Array, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the number of the cluster of each face, shape (n,)."""
    centres = _start(faces, count, rng)
    nearest = _nearest(faces, centres)
    for _ in range(_ITERATIONS):
        clusters = [faces[nearest == number] for number in range(count)]
        centres = np.stack(
            [_mean(cluster) if len(cluster) else centre for cluster, centre in zip(clusters, centres, strict=True)]
        )
        before, nearest = nearest, _nearest(faces, centres)
        if np.array_equal(before, nearest):
            break
    return nearest


def _start(faces: Array, count: int, rng: np.random.Generator) -> Array:
    """Return faces far from each other, chosen as k-means++ does (Arthur and Vassilvitskii, 2007)."""
    exact = faces.astype(np.float64)
    chosen = [int(rng.integers(len(faces)))]
    away = 1 - exact @ exact[chosen[0]]
    while len(chosen) < count:
        away = np.maximum(away, 0)
        place = int(np.searchsorted(np.cumsum(away), rng.random() * away.sum(), side="right"))
        chosen.append(min(place, len(faces) - 1))
        away = np.minimum(away, 1 - exact @ exact[chosen[-1]])
    started: Array = faces[chosen]
    return started


def _nearest(faces: Array, centres: Array) -> npt.NDArray[np.int64]:
    # In double precision, so that another order of adding moves no face between clusters.
    nearest: npt.NDArray[np.int64] = np.argmax(faces.astype(np.float64) @ centres.T.astype(np.float64), axis=1)
    return nearest


def _mean(faces: Array) -> Array:
    mean: Array = unit_rows(faces.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32))[0]
    return mean
