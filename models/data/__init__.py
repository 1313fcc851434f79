"""The face data -> samples, aligned crops, augmented views and features, cached on disk."""
