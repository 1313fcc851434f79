"""Frames in, looks at faces out."""
