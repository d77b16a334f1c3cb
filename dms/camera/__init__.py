"""Sources of frames; each backend is imported only when it is asked for."""
