"""The network: recipes, data, networks, training, export and evaluation; the node never imports it."""

import os

# TensorFlow reads these at import: no log lines of its own, and no oneDNN, whose sums depend on the processor.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
