"""A number of nodes -> their real traffic against a real broker, and what became of it."""
