"""dms watches a driver on infrared video for fatigue, distraction and road rage."""

import os

__version__ = "0.1.0"

# ONNX Runtime's newer wheels keep a device id in the home folder and upload usage over
# HTTPS from threads of their own, as soon as they are imported. Nothing leaves this process.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
