"""Draws eyes with known lids and gaze: pictures for training that need nobody's licence."""
