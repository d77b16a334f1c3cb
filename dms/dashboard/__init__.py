"""The live page: the running service or a replay as gauges and timelines, never a picture."""
