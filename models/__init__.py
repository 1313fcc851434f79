"""The network: its architecture, its training, its export and its measured figures; never imported by the node."""

import os

# Read by TensorFlow when it is imported: no log lines but ours, and no oneDNN, whose sums depend on the processor.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
