"""Predictions of a network -> its thresholds, its figures, and the tables and plots of the card."""
