"""Who is known."""
