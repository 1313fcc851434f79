"""The people who are enrolled: their records, and who an embedding belongs to."""
