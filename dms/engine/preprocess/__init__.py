"""Preprocessing on the GPU: one kernel cuts the face and both eyes from the frame itself."""
