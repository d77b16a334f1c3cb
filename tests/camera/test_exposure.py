"""The controller against a simulated sensor; the device's controls are driven in tests/system."""

import itertools
import random

import pytest

from dms.camera.exposure import ExposureControl, ExposureSettings, Light

SETTINGS = ExposureSettings(enabled=True)


class Sensor:
    """Gray rises with light times exposure times gain, two frames late, and saturates."""

    def __init__(self, light):
        self.lights = [light] * 3
        self.noise = random.Random(1)

    def gray(self, scene, jitter=0.0):
        light = self.lights.pop(0)
        self.lights.append(self.lights[-1])
        level = scene * light.exposure * (1 + 7 * light.gain)
        return min(max(level + self.noise.uniform(-jitter, jitter), 0.0), 255.0)

    def set(self, light):
        self.lights[-1] = light


def run(scene, start=None, seconds=30.0, jitter=0.0, settings=SETTINGS):
    """Return the grays and the lights that were set, at 30 frames a second."""
    start = start or Light(0.3, 0.0)
    sensor, control = Sensor(start), ExposureControl(settings, start)
    grays, lights = [], []
    for number in range(int(seconds * 30)):
        t_s = number / 30
        gray = sensor.gray(scene(t_s) if callable(scene) else scene, jitter)
        grays.append(gray)
        light = control.step(gray, t_s)
        if light is not None:
            sensor.set(light)
            lights.append((t_s, light))
    return grays, lights


@pytest.mark.parametrize("scene", [60, 150, 366, 900, 3000])
def test_it_settles_in_the_band_from_dark_and_from_bright(scene):
    grays, lights = run(scene)
    assert all(abs(gray - SETTINGS.target) <= SETTINGS.band for gray in grays[-60:])
    assert lights[-1][0] < 25 if lights else scene == 366


def test_the_picture_never_pumps():
    _, lights = run(lambda t: 366 * (3.0 if 5 < t < 12 else 1.0), jitter=8.0, seconds=40)
    totals = [light.exposure * (1 + 7 * light.gain) for _, light in lights]
    turns = sum(
        (b - a) * (c - b) < 0 for a, b, c in zip(totals, totals[1:], totals[2:], strict=False)
    )
    assert turns <= 1  # once down for the glare, once up after it
    assert all(b / a <= 1.2 for a, b in itertools.pairwise(totals))
    assert all(
        late - early >= SETTINGS.pause_s - 1e-9
        for (early, _), (late, _) in itertools.pairwise(lights)
    )


def test_a_flash_shorter_than_the_settling_time_changes_nothing():
    _, lights = run(lambda t: 366 * (6.0 if 5 < t < 5.3 else 1.0))
    assert lights == []


def test_noise_within_the_band_changes_nothing():
    assert run(366, jitter=20.0)[1] == []


def test_gain_comes_last_and_goes_first():
    _, lights = run(lambda t: 40 if t < 15 else 900)
    first_gain = next(n for n, (_, light) in enumerate(lights) if light.gain > 0)
    assert lights[first_gain - 1][1].exposure == SETTINGS.longest_share
    darker = [light for t, light in lights if t > 15.4]
    with_gain = [light for light in darker if light.gain > 0]
    assert all(light.exposure == SETTINGS.longest_share for light in with_gain)


def test_unknown_brightness_holds_what_is_set():
    control = ExposureControl(SETTINGS, Light(0.3, 0.0))
    assert all(control.step(None, number / 10) is None for number in range(100))


def test_a_scene_beyond_the_range_ends_at_the_range():
    _, lights = run(1.0, seconds=60)
    assert lights[-1][1] == Light(SETTINGS.longest_share, 1.0)
    _, lights = run(1e6, seconds=60)
    assert lights[-1][1] == Light(0.002, 0.0)


def test_exposure_rises_from_nothing():
    grays, _ = run(366, start=Light(0.0, 0.0), seconds=40)
    assert abs(grays[-1] - SETTINGS.target) <= SETTINGS.band


def test_too_bright_at_the_shortest_exposure_never_lengthens_it():
    control = ExposureControl(SETTINGS, Light(0.0, 0.0))
    assert all(control.step(250.0, number / 10) is None for number in range(100))


@pytest.mark.parametrize(
    ("start", "gray", "end"),
    [
        (Light(None, 0.0), 10.0, Light(None, 1.0)),  # gain at once: there is nothing to wait for
        (Light(None, 1.0), 250.0, Light(None, 0.0)),
        (Light(0.0, None), 10.0, Light(SETTINGS.longest_share, None)),
        (Light(1.0, None), 250.0, Light(0.002, None)),
        (Light(None, None), 10.0, Light(None, None)),
    ],
)
def test_what_the_camera_lacks_is_left_out(start, gray, end):
    control = ExposureControl(SETTINGS, start)
    first = control.step(gray, 0.0), control.step(gray, 1.0)
    for number in range(2, 100):
        control.step(gray, float(number))
    assert control.light == end
    assert (first[1] is None) == (start == end)
