"""Attacks on the service over every way in, on loopback only; says what it survived."""
