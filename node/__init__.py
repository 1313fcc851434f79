"""Facenode: a camera's frames in, compact recognition events out by MQTT."""

__version__ = "0.1.0"
