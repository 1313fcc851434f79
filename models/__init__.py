"""The network: its architecture, its training, its export and its measured figures; never imported by the node."""
