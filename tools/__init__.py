"""What a person runs: one purpose a file."""
