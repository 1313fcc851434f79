"""What happens: tracks, events."""
