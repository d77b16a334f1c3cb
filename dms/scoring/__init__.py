"""Labels against what was found."""
