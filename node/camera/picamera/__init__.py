"""Raspberry Pi cameras, through picamera2."""
