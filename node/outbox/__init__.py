"""Messages that must not be lost, on disk until the broker has them."""
