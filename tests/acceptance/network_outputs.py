"""A network and aligned faces -> the outputs of each head, as an `.npz` file.

    python network_outputs.py NETWORK RUNTIME FACES.npy OUTPUTS.npz

Runs where only the program is installed.
"""

import sys
from pathlib import Path
from typing import cast

import numpy as np

from node.vision.tflite import Network, Runtime


def main() -> None:
    """Write one array (faces, numbers) for each head under its name, and print the runtime."""
    path, runtime, faces, answers = sys.argv[1:]
    network = Network(Path(path), cast("Runtime", runtime))
    given = [network.infer(crop) for crop in np.load(faces)]
    np.savez(answers, **{head: np.stack([each[head] for each in given]) for head in network.sidecar.heads.lengths})
    sys.stdout.write(f"{network.runtime}\n")


if __name__ == "__main__":
    main()
