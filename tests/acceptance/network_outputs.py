"""A network and aligned faces -> what each head answers, as an `.npz`.

    python network_outputs.py NETWORK FACES.npy ANSWERS.npz

Runs where nothing but the program is installed.
"""

import sys
from pathlib import Path

import numpy as np

from node.vision.tflite import Network


def main() -> None:
    """Write an array (faces, numbers) of each head, by its name, and print which runtime it was."""
    path, faces, answers = map(Path, sys.argv[1:])
    network = Network(path)
    given = [network.infer(crop) for crop in np.load(faces)]
    np.savez(answers, **{head: np.stack([each[head] for each in given]) for head in network.sidecar.heads.lengths})
    sys.stdout.write(f"{network.runtime}\n")


if __name__ == "__main__":
    main()
