"""dms watches a driver on infrared video for fatigue, distraction and road rage."""

__version__ = "0.1.0"
