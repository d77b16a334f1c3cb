"""What several tests share: the measurement data, a portrait with its landmarks, a leak check."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings

from dms.perception.landmarks import Landmarks, LandmarkSettings, Predictor, load_predictor
from dms.values import Box, Gray

# The same examples each time, and no limit of time: the machine may be busy.
hypothesis_settings.register_profile("dms", deadline=None, derandomize=True)
hypothesis_settings.load_profile("dms")


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of measurement data, which is not part of the project."""
    place = Path(os.environ.get("DMS_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not place.is_dir():
        pytest.skip("the measurement data is not on this machine (set DMS_DATA)")
    return place


@pytest.fixture(scope="session")
def portrait() -> Gray:
    """Return scikit-image's public-domain astronaut portrait as (512, 512) gray."""
    images = pytest.importorskip("skimage.data", reason="scikit-image (extra demo) is missing")
    return np.ascontiguousarray(cv2.cvtColor(images.astronaut(), cv2.COLOR_RGB2GRAY))


@pytest.fixture(scope="session")
def portrait_box() -> Box:
    """Return where the face is in the portrait."""
    return Box(175, 65, 105, 105)


@pytest.fixture(scope="session")
def dlib68() -> Predictor:
    """Return dlib's 68-point predictor, the reference."""
    return load_predictor(LandmarkSettings(model="dlib68"))


@pytest.fixture(scope="session")
def portrait_marks(portrait: Gray, portrait_box: Box, dlib68: Predictor) -> Landmarks:
    """Return the 68 points of the portrait."""
    return dlib68.predict(portrait, portrait_box)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Return Debian's Chromium without a window, driven by selenium."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium (extra test) is missing")
    place, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (place and driver):
        pytest.skip("Debian's chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    for flag in (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
        "disable-background-networking", "disable-component-update", "disable-sync",
        "disable-dev-shm-usage",
        f"user-data-dir={tmp_path_factory.mktemp('profile')}", "window-size=1200,900",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.binary_location = place
    chromium = webdriver.Chrome(options, webdriver.ChromeService(driver))
    chromium.set_page_load_timeout(120)
    chromium.set_script_timeout(120)
    yield chromium
    chromium.quit()


@pytest.fixture
def until():
    """Return what waits for a condition, long enough for a busy machine."""

    def wait(true, seconds: float = 60.0) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            if true():
                return
            time.sleep(0.05)
        raise AssertionError("waited in vain")

    return wait


@pytest.fixture(autouse=True)
def no_leaks() -> object:
    """Fail a test that leaves a thread of its own running."""
    before = set(threading.enumerate())
    yield
    left = [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.is_alive() and not thread.daemon
    ]
    assert not left, f"threads left running: {left}"
