"""Checks on the project itself: mutation, TensorRT's real names, installed files."""
