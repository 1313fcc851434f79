"""Raspberry Pi cameras, by picamera2."""
