"""Tracks -> events and alerts."""
