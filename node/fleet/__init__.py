"""What the broker holds of all nodes -> who is well, and whether an update did well."""
