"""Recordings through the very same chain: one, many, swept, compared, audited."""
