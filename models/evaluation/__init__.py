"""Predictions of a network -> its figures, its thresholds, and the tables and plots of the card."""
