"""Frames -> faces and what the network sees in them."""
