"""Renders a driver: the puppet of one photograph, the demonstration's film and drive."""
