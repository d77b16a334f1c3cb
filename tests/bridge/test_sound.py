"""What is heard when, how loud and how soon; and a sound card that is not there."""

from __future__ import annotations

import shutil
import stat
import time
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dms.bridge import BridgeSettings
from dms.bridge import sound as sound_bridge
from dms.bridge.announcer import Announcer
from dms.bridge.aplay import Speaker
from dms.bridge.settings import SoundSettings
from dms.bridge.sound import SoundBridge
from dms.bridge.tones import RATE, pcm, sound, speech, tone
from dms.errors import BridgeError
from dms.values import ActiveAlert, DriverState, Event, Kind, Level
from tests.bridge.test_canbridge import until
from tools.make.voices import TEXTS

FPS = 30
QUIET = DriverState(0.0)


def told(t_s, kind, level, *, standing=True):
    active = (ActiveAlert(kind, level, t_s, "x"),) if standing else ()
    return replace(QUIET, t_s=t_s, active=active, events=(Event(t_s, kind, level, "x"),))


def bridge_to(path, **more):
    settings = SoundSettings(file=str(path), **more)
    return SoundBridge(BridgeSettings(kind="sound", sound=settings))


def heard(path):
    with wave.open(str(path)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2") / 32767.0


def drive(bridge, seconds, events=()):
    """Publish a drive of ``seconds``; ``events`` are (t_s, kind, level) as the policy tells them.

    A critical alert stands until 5 s after it was last told.
    """
    waiting = sorted(events)
    critical = None
    for number in range(round(seconds * FPS)):
        t_s = 100.0 + number / FPS
        state = replace(QUIET, t_s=t_s)
        if waiting and t_s >= 100.0 + waiting[0][0] - 1e-6:
            _, kind, level = waiting.pop(0)
            state = told(t_s, kind, level)
            critical = (kind, t_s) if level is Level.CRITICAL else critical
        elif critical and t_s < critical[1] + 5.0:
            state = replace(state, active=(ActiveAlert(critical[0], Level.CRITICAL, t_s, "x"),))
        bridge.publish(state)


def loud(samples, start_s, end_s):
    return np.abs(samples[round(start_s * RATE) : round(end_s * RATE)]).max()


def test_a_drive_as_it_is_heard(tmp_path):
    path = tmp_path / "alerts.wav"
    with bridge_to(path) as bridge:
        drive(bridge, 20.0, [(2.0, Kind.DROWSY, Level.ADVISORY), (8.0, Kind.SLEEP, Level.CRITICAL)])
    samples = heard(path)
    assert len(samples) == pytest.approx(20 * RATE, rel=0.01)
    assert loud(samples, 0.0, 1.99) == 0
    assert loud(samples, 2.0, 2.15) > 0.1
    assert loud(samples, 5.5, 7.99) == 0
    assert loud(samples, 8.0, 8.15) > 0.5
    assert loud(samples, 12.0, 13.0) > 0.5
    assert loud(samples, 13.6, 19.0) == 0


@pytest.mark.parametrize("level", [Level.ADVISORY, Level.WARNING, Level.CRITICAL])
def test_the_first_sample_is_heard_within_the_picture_that_told_it(tmp_path, level):
    path = tmp_path / "alerts.wav"
    with bridge_to(path) as bridge:
        drive(bridge, 3.0, [(1.0, Kind.SLEEP, level)])
    first_s = np.flatnonzero(heard(path))[0] / RATE
    assert 0.0 <= first_s - 1.0 < 0.15


def test_the_file_is_bounded(tmp_path):
    path = tmp_path / "alerts.wav"
    with bridge_to(path, file_most_s=2.0) as bridge:
        drive(bridge, 10.0, [(1.9, Kind.SLEEP, Level.CRITICAL)])
    assert len(heard(path)) == 2 * RATE


def test_another_recording_goes_on_behind_the_first(tmp_path):
    path = tmp_path / "alerts.wav"
    with bridge_to(path) as bridge:
        for _ in range(2):
            drive(bridge, 3.0, [(1.0, Kind.DISTRACTION, Level.WARNING)])
    samples = heard(path)
    assert loud(samples, 1.0, 1.1) > 0.3
    assert loud(samples, 3.95, 4.1) > 0.3


def test_a_file_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(BridgeError, match="cannot write"):
        bridge_to(tmp_path).open()


def test_a_disk_that_fills_up_is_a_told_fault_and_never_a_stop():
    bridge = bridge_to(Path("/dev/full"))
    bridge.open()
    drive(bridge, 10.0)
    bridge.close()
    bridge.close()
    assert "No space left" in bridge.fault


def test_a_higher_level_cuts_in_and_a_lower_one_is_not_heard():
    announcer = Announcer(SoundSettings())
    assert announcer.step(told(1.0, Kind.DROWSY, Level.ADVISORY))[0].level is Level.ADVISORY
    assert announcer.step(told(1.1, Kind.SLEEP, Level.CRITICAL))[0].level is Level.CRITICAL
    both = replace(told(1.2, Kind.SLEEP, Level.CRITICAL), events=())
    lower = replace(both, t_s=1.3, events=(Event(1.3, Kind.DROWSY, Level.ADVISORY, "x"),))
    assert announcer.step(lower) == (None, False)


def test_the_end_of_a_critical_alert_ends_its_sound():
    announcer = Announcer(SoundSettings())
    announcer.step(told(1.0, Kind.SLEEP, Level.CRITICAL))
    assert announcer.step(replace(QUIET, t_s=2.0)) == (None, True)
    assert announcer.step(replace(QUIET, t_s=2.1)) == (None, False)
    announcer.step(told(3.0, Kind.DISTRACTION, Level.WARNING, standing=False))
    assert announcer.step(replace(QUIET, t_s=3.1)) == (None, False)  # a warning is said to its end


def test_mute_and_volume_never_silence_a_critical_alert():
    for settings in (SoundSettings(mute=True), SoundSettings(volume=0.0)):
        announcer = Announcer(settings)
        assert announcer.step(told(1.0, Kind.DISTRACTION, Level.WARNING)) == (None, False)
        cue, _ = announcer.step(told(2.0, Kind.SLEEP, Level.CRITICAL))
        assert cue.volume == settings.critical_least


@given(st.floats(0, 1), st.floats(0.3, 1), st.floats(0, 1), st.floats(0.3, 1), st.integers(1, 12))
def test_a_critical_alert_rises_between_its_bounds(volume, least, rise, most, times):
    if least > most:
        with pytest.raises(ValidationError, match="must not be above most"):
            SoundSettings(critical_least=least, most=most)
        return
    settings = SoundSettings(volume=volume, critical_least=least, critical_rise=rise, most=most)
    announcer = Announcer(settings)
    volumes = []
    for number in range(times):
        cue, _ = announcer.step(told(5.0 * number, Kind.SLEEP, Level.CRITICAL))
        volumes.append(cue.volume)
    assert volumes == sorted(volumes)
    assert all(least <= each <= most for each in volumes)
    announcer.step(replace(QUIET, t_s=100.0))
    cue, _ = announcer.step(told(101.0, Kind.SLEEP, Level.CRITICAL))
    assert cue.volume == volumes[0]  # the next alert begins as softly as the first


@pytest.mark.parametrize("level", [Level.WARNING, Level.CRITICAL])
def test_warnings_have_what_makes_a_sound_an_alarm(level):
    """Singer, Lerner, Baldwin and Traube 2015: peak share, gaps, harmonics and base."""
    samples = tone(level)
    window = round(0.004 * RATE)
    envelope = np.abs(samples[: len(samples) // window * window]).reshape(-1, window).max(axis=1)
    on = envelope > 0.02
    edges = np.flatnonzero(np.diff(on.astype(int)))
    gaps_s = (
        (np.diff(edges) * window / RATE)[1::2]
        if not on[0]
        else (np.diff(edges) * window / RATE)[::2]
    )
    assert gaps_s.max() <= 0.13
    first = slice(0, edges[0] if on[0] else edges[1])
    assert (envelope[first] > 0.8 * envelope.max()).mean() >= 0.7
    spectrum = np.abs(np.fft.rfft(samples[: round(0.1 * RATE)]))
    peaks = np.flatnonzero(spectrum > 0.15 * spectrum.max()) * 10.0
    base = peaks[0]
    assert base >= 960  # the bins are 10 Hz wide and a short pulse has skirts
    assert sum(any(abs(p - n * base) < 120 for p in peaks) for n in (1, 2, 3)) == 3


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("level", [Level.ADVISORY, Level.WARNING, Level.CRITICAL])
def test_no_sound_begins_or_ends_with_a_click(kind, level):
    """The last pulse of an alarm was cut off at a third of its peak."""
    samples = sound(kind, level, "en")
    assert abs(samples[0]) < 0.02
    assert abs(samples[-1]) < 0.02


def test_an_advisory_is_soft():
    assert np.abs(tone(Level.ADVISORY)).max() <= 0.5
    assert len(tone(Level.ADVISORY)) < 0.7 * RATE


@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
def test_every_alert_that_is_told_is_spoken(language):
    kinds = [each for each in Kind if each.value in {e.value for e in TEXTS[language]}]
    assert set(kinds) == {Kind.DROWSY, Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE,
                          Kind.DISTRACTION, Kind.ROAD_RAGE, Kind.DEGRADED, Kind.FAULT}  # fmt: skip
    for kind in kinds:
        samples = speech(kind, language)
        assert 0.4 * RATE < len(samples) < 4.5 * RATE
        assert 0.9 < np.abs(samples).max() <= 1.01
    assert len(speech(Kind.SLEEP, "none")) == 0


def test_the_urgent_texts_leave_time_for_the_alarm():
    for language in ("en", "de", "es", "fr", "none"):
        for kind in (Kind.SLEEP, Kind.UNRESPONSIVE):
            samples = sound(kind, Level.CRITICAL, language)
            assert len(samples) == pytest.approx(5.5 * RATE, abs=1)
            assert np.abs(samples[: round(0.02 * RATE)]).max() > 0.5


def test_samples_never_leave_16_bits():
    raw = np.frombuffer(pcm(np.array([2.0, -2.0, 0.5], np.float32), 1.0), "<i2")
    assert list(raw) == [32767, -32767, 16383]


needs_aplay = pytest.mark.skipif(
    shutil.which("aplay") is None, reason="no aplay (apt-get install alsa-utils)"
)


@needs_aplay
def test_alsa_plays_the_first_sample_soon(tmp_path):
    """ALSA's own file device in place of a card: from publishing to the first byte."""
    taken_s = []
    for number in range(5):
        path = tmp_path / f"{number}.raw"
        settings = BridgeSettings(kind="sound", sound=SoundSettings(device=f"file:{path}"))
        with SoundBridge(settings) as bridge:
            speaker = bridge._player
            assert until(lambda: speaker.played == 1, 10)  # noqa: B023 - the probe
            path.unlink()
            began_s = time.monotonic()
            bridge.publish(told(1.0, Kind.SLEEP, Level.CRITICAL))
            assert until(lambda: path.exists() and path.stat().st_size, 10)  # noqa: B023
            taken_s.append(time.monotonic() - began_s)
            assert until(lambda: speaker.played == 2, 10)  # noqa: B023
        played = np.frombuffer(path.read_bytes(), "<i2")
        assert len(played) >= 5.4 * RATE
        assert np.abs(played[: RATE // 10]).max() > 0.5 * 32767
    print(f"first sample after {sorted(taken_s)[2]:.3f} s, worst {max(taken_s):.3f} s")
    assert min(taken_s) < 0.15


@needs_aplay
def test_a_missing_card_is_a_told_fault_and_never_a_stop(tmp_path):
    with SoundBridge(BridgeSettings(kind="sound", sound=SoundSettings(device="hw:77"))) as bridge:
        assert until(lambda: bridge.fault, 10)
        assert bridge.fault.startswith("sound hw:77: ")
        began_s = time.monotonic()
        for number in range(100):
            bridge.publish(told(float(number), Kind.SLEEP, Level.CRITICAL))
        assert time.monotonic() - began_s < 2.0


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program of that name first in the path."""

    def made(text):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        file = folder / "aplay"
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(file.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return made


def test_a_card_that_is_plugged_in_later_is_found(program, monkeypatch):
    monkeypatch.setattr("dms.bridge.aplay._RETRY_S", (0.05, 0.2))
    program("echo 'aplay: main:850: audio open error: No such device' >&2; exit 1")
    speaker = Speaker("default")
    speaker.open()
    try:
        assert until(lambda: speaker.fault == "audio open error: No such device", 10)
        program("exit 0")
        assert until(lambda: speaker.fault is None, 10)
    finally:
        speaker.close()


def test_a_card_that_hangs_is_told(program, monkeypatch):
    monkeypatch.setattr("dms.bridge.aplay._OVERTIME_S", 0.1)
    program("exec sleep 60")
    speaker = Speaker("default")
    speaker.open()
    try:
        assert until(lambda: speaker.fault and "hangs" in speaker.fault, 10)
        began_s = time.monotonic()
        speaker.play(b"\0\0")
        speaker.stop()
        assert time.monotonic() - began_s < 0.1
    finally:
        speaker.close()


def test_a_sound_is_cut_off_at_once(program, tmp_path):
    program(f"echo started >> {tmp_path}/log; exec sleep 60")
    speaker = Speaker("default")
    speaker.open()
    try:
        speaker.play(pcm(tone(Level.CRITICAL), 1.0))
        assert until((tmp_path / "log").exists, 10)
        assert until(lambda: speaker._process is not None, 10)
        speaker.stop()
        assert until(lambda: speaker._process is None, 10)
        assert speaker.fault is None
    finally:
        speaker.close()


def test_no_aplay_is_told_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with SoundBridge(BridgeSettings(kind="sound")) as bridge:
        assert until(lambda: bridge.fault, 10)
        assert "apt-get install alsa-utils" in bridge.fault
        with pytest.raises(BridgeError, match="alsa-utils"):
            bridge.check()


def test_the_voices_are_small():
    folder = Path(sound_bridge.__file__).parent / "voices"
    sizes = [file.stat().st_size for file in folder.glob("*/*.wav")]
    assert len(sizes) == 32
    assert sum(sizes) < 2_000_000
