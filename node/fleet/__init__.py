"""Status and health of all nodes -> what is wrong with each node, and whether an update succeeded."""
