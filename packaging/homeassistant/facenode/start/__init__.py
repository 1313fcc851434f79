"""The app's own program: options and services of Home Assistant -> a running node and its page."""
