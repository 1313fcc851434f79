"""The commands of `facenode`, one module or package each."""
