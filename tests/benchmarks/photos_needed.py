"""How many photos a person needs: the figures behind `node.people.advice`.

    PYTHONPATH=. python tests/benchmarks/photos_needed.py [--model FILE]

- How alike two photos of one person are (LFW, people with five pictures or more in the splits that no training saw).
- What n photos of such a person recognize of further looks, one look at a time and three at once, beside the rule of
  the advice: 1 - (1 - q)^n, where one photo recognizes a share q of the others.
- For whose faces the network sees many faces like them (UTKFace's validation part, by age).

The face data are in $FACENODE_DATA; predictions are cached in `.cache`, as by `models.evaluate`.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.data.cache import FOLDER
from models.evaluation.predictions import predict
from models.evaluation.thresholds import by_person
from node.people.advice import ALIKE_COSINE, CHILDLIKE_USUAL
from node.people.matcher import Probe
from node.people.scoring import Scoring
from node.system import bundled
from node.vision.cohort import Cohort, load_cohort
from node.vision.tflite import Network

DATA = Path(os.environ.get("FACENODE_DATA", "../shared/data"))
SHARES = (0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01)
PHOTOS, LOOKS, PEOPLE, MAX_FPIR = (1, 2, 3, 5), (1, 3), 10, 0.003
DRAWS, LEAST = 20, 5
AGES = ((0, 3), (3, 7), (7, 12), (12, 18), (18, 35), (35, 60), (60, 120))
Rows = npt.NDArray[np.float32]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="network file (default: the one that ships with the program)")
    args = parser.parse_args()
    path = args.model or bundled.path(bundled.NETWORK)
    network = Network(path)
    cohort = load_cohort(path, network.sidecar)
    if cohort is None:
        raise SystemExit(f"{network.sidecar.name} has no cohort")
    threshold = Scoring.of(network.sidecar, cohort).thresholds.cosine(MAX_FPIR, PEOPLE)
    people: dict[str, Rows] = {}
    for split in ("val", "calibration"):
        found = predict(network, DATA, "lfw_people", split, FOLDER)
        people |= by_person(found.samples, found.embeddings)
    several = [rows for rows in people.values() if len(rows) >= LEAST]
    print_alike(several)
    print_recognized(several, cohort, threshold)
    print_ages(network, cohort)
    return 0


def print_alike(people: list[Rows]) -> None:
    """Print how alike two photos of one person are."""
    cosines = np.concatenate([(rows @ rows.T)[np.triu_indices(len(rows), 1)] for rows in people])
    print(f"| of {len(cosines)} pairs of photos of one of {len(people)} people, a share of | has at least the cosine |")
    print("| ---: | ---: |")
    for share in SHARES:
        print(f"| {share:.2f} | {np.quantile(cosines, 1 - share):.3f} |")
    print(f"\nof the pairs, {np.mean(cosines >= ALIKE_COSINE):.2%} reach {ALIKE_COSINE}\n")


def print_recognized(people: list[Rows], cohort: Cohort, threshold: float) -> None:
    """Print what n photos recognize, and what the rule says."""
    print(f"| photos | looks at once | recognized at {threshold:.3f}, {PEOPLE} people | by the rule | cases |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    random = np.random.default_rng(0)
    for photos in PHOTOS:
        for looks in LOOKS:
            hits, rule = [], []
            for rows in people:
                if len(rows) < photos + looks:
                    continue
                offsets = cohort.weight / 2 * cohort.usual(rows)
                scores = rows @ rows.T - offsets[:, np.newaxis] - offsets
                share = float(np.mean(scores[~np.eye(len(rows), dtype=bool)] >= threshold))
                for _ in range(DRAWS):
                    order = random.permutation(len(rows))
                    anchors, seen = order[:photos], order[photos : photos + looks]
                    mean = rows[seen].mean(axis=0)
                    probe = Probe.of((mean / np.linalg.norm(mean)).astype(np.float32), cohort)
                    best = float(np.max(rows[anchors] @ probe.embedding - offsets[anchors])) - probe.offset
                    hits.append(best >= threshold)
                    rule.append(1 - (1 - share) ** photos)
            print(f"| {photos} | {looks} | {np.mean(hits):.3f} | {np.mean(rule):.3f} | {len(hits)} |")
    print()


def print_ages(network: Network, cohort: Cohort) -> None:
    """Print for whose faces the network sees many faces like them."""
    found = predict(network, DATA, "utkface", "val", FOLDER)
    years = np.array([getattr(sample, "years", -1) for sample in found.samples])
    usual = cohort.usual(found.embeddings.astype(np.float32))
    print(f"| years | n | usual, 5 % | median | 95 % | at least {CHILDLIKE_USUAL} |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for low, high in (*AGES, (0, 12), (18, 120)):
        own = usual[(years >= low) & (years < high)]
        quantiles = " | ".join(f"{number:.3f}" for number in np.quantile(own, (0.05, 0.5, 0.95)))
        print(f"| {low} to {high - 1} | {len(own)} | {quantiles} | {np.mean(own >= CHILDLIKE_USUAL):.3f} |")


if __name__ == "__main__":
    raise SystemExit(main())
