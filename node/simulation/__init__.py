"""A number of simulated nodes -> their traffic at a real broker, and figures of how the broker carried it."""
