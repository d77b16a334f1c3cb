"""Writes what the repository keeps: pages, cards, gate, golden drive, spoken texts."""
