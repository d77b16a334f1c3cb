"""The tones of the three levels, and spoken texts, as samples. Pure.

What makes a sound an alarm was measured by Singer, Lerner, Baldwin and Traube (NHTSA), "Auditory
alerts in vehicles", ESV 2015, 15-0455: nine in ten listeners call it one where the sound is at its
peak for at least 0.7 of a pulse, pulses are at most 125 ms apart, there are at least 3 harmonics
and the base is at least 1000 Hz. Levels 2 and 3 have all four, level 1 none on purpose. Lengths,
and how many pulses, are our choice.
"""

from __future__ import annotations

import wave
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from dms.values import Kind, Level

RATE = 16_000  # samples a second
Samples = NDArray[np.float32]  # (n,), full scale is 1

_CHIME_HZ = (660.0, 523.0)  # two falling notes
_CHIME_S, _CHIME_SOFT = 0.28, 0.5
_WARNING_HZ, _WARNING_S, _WARNING_GAP_S, _WARNING_PULSES = 1000.0, 0.2, 0.125, 3
_ALARM_HZ, _ALARM_S, _ALARM_GAP_S = 1200.0, 0.12, 0.08
_RAMP_S = 0.01  # no click, and still at the peak for 0.83 of an alarm's pulse
_HARMONICS = (1.0, 0.6, 0.4, 0.3)  # amplitudes of the base and its multiples
ALARM_S = 5.5  # a critical alert sounds so long, then the policy has told it again or it is over
_PAUSE_S = 0.15  # between tone and text


def silence(seconds: float) -> Samples:
    """Return no sound."""
    return np.zeros(round(seconds * RATE), np.float32)


@lru_cache(maxsize=8)
def tone(level: Level) -> Samples:
    """Return the tone of a level: a chime, three pulses, or one second of alarm."""
    if level is Level.ADVISORY:
        return np.concatenate([_note(hertz) for hertz in _CHIME_HZ])
    if level is Level.WARNING:
        pulse = np.concatenate([_pulse(_WARNING_HZ, _WARNING_S), silence(_WARNING_GAP_S)])
        return np.tile(pulse, _WARNING_PULSES)
    if level is Level.CRITICAL:
        pulse = np.concatenate([_pulse(_ALARM_HZ, _ALARM_S), silence(_ALARM_GAP_S)])
        return np.tile(pulse, round(1.0 / (_ALARM_S + _ALARM_GAP_S)))
    return silence(0.0)


def _time(seconds: float) -> Samples:
    return (np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def _note(hertz: float) -> Samples:
    """Return a soft note that fades, without harmonics."""
    t_s = _time(_CHIME_S)
    rise = np.minimum(t_s / _RAMP_S, 1.0)
    note = _CHIME_SOFT * np.sin(2 * np.pi * hertz * t_s) * rise * np.exp(-6 * t_s)
    return np.asarray(note, np.float32)


def _pulse(hertz: float, seconds: float) -> Samples:
    t_s = _time(seconds)
    numbers = np.arange(1, len(_HARMONICS) + 1)
    parts = np.sin(2 * np.pi * hertz * np.outer(numbers, t_s))
    ramp = np.minimum(np.minimum(t_s, seconds - t_s) / _RAMP_S, 1.0)
    shaped = (np.asarray(_HARMONICS) @ parts) * ramp
    return np.asarray(shaped / np.abs(shaped).max(), np.float32)


@lru_cache(maxsize=64)
def speech(kind: Kind, language: str) -> Samples:
    """Return the spoken text of an alert, nothing where there is none in that language."""
    file = files("dms.bridge") / "voices" / language / f"{kind.value}.wav"
    if language == "none" or not file.is_file():
        return silence(0.0)
    with file.open("rb") as opened, wave.open(opened) as wav:
        raw = np.frombuffer(wav.readframes(wav.getnframes()), np.uint8)
    return ((raw.astype(np.float32) - 128.0) / 127.0).astype(np.float32)


def sound(kind: Kind, level: Level, language: str) -> Samples:
    """Return what is heard of one alert: tone and text; a critical one goes on sounding."""
    text = speech(kind, language)
    parts = [tone(level)]
    if len(text):
        parts += [silence(_PAUSE_S), text, silence(_PAUSE_S)]
    if level is Level.CRITICAL:
        said = np.concatenate(parts)
        rest = max(round(ALARM_S * RATE) - len(said), 0)
        again = np.tile(tone(level), rest // len(tone(level)) + 1)[:rest]
        return _faded(np.concatenate([said, again]))
    return _faded(np.concatenate(parts))


def _faded(samples: Samples) -> Samples:
    """Return the samples with an end that does not click."""
    left = np.arange(len(samples), 0, -1) - 1
    return np.asarray(samples * np.minimum(left / (_RAMP_S * RATE), 1.0), np.float32)


def pcm(samples: Samples, volume: float) -> bytes:
    """Return 16-bit little-endian samples at a volume of 0..1."""
    return bytes((np.clip(samples * volume, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
