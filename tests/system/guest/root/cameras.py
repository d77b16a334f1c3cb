"""Reads the virtual camera in every format and prints one line each; run by the system test."""

import time

from dms.camera.backends import open_camera
from dms.camera.controls import Light, V4l2Controls
from dms.camera.devices import find_device
from dms.camera.settings import CameraSettings

for form in ("GREY", "Y10", "Y16", "YUYV"):
    chosen = CameraSettings(
        source="auto", pixel_format=form, width=320, height=180, first_frame_s=60, silent_s=30
    )
    camera = open_camera(chosen)
    with camera:
        backend = type(camera._reader._source).__name__
        frames = [camera.read() for _ in range(4)]
        now = time.monotonic()
    ages = [now - frame.t_s for frame in frames]
    print(
        form, backend, frames[0].gray.shape, frames[0].gray.dtype, int(frames[0].gray.mean()),
        0 <= ages[-1] <= ages[0] < 60, len({frame.t_s for frame in frames}) == 4,
    )  # fmt: skip

controls = V4l2Controls(find_device("auto"))  # vivid has a gain, but no exposure
controls.apply(Light(0.0, 0.5))
print("gain", round(controls.light().gain, 1), controls.exposure)
controls.close()
