"""The ways to the page: this machine, the network, and Home Assistant."""
