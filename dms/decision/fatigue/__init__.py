"""Closures, blinks, PERCLOS, nods and yawns, and how drowsy they add up to."""
