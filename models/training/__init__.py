"""A recipe and the face data -> a trained checkpoint."""
