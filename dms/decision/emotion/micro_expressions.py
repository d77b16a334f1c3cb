"""Micro-expressions: flashes of 40 to 500 ms that smoothing hides, spotted at 60 frames/s and more.

A flash must show twice, as a displacement of the landmarks and as a deviation of the expression's
scores, each against the local baseline (the medians of the seconds around it), and the face must be
back afterwards. It is logged as an event, never an alert. The idea of measuring a frame against the
frames around it is Moilanen et al. 2014 (feature difference analysis).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dms.settings import setting, settings
from dms.stretches import runs
from dms.values import EXPRESSIONS

_MAD = 1.4826  # of a normal distribution: standard deviation over median absolute deviation


@settings
class MicroExpressionSettings:
    """What counts as a flash."""

    enabled: bool = setting(
        False, text="spot micro-expressions: the net then scores every frame; needs 60 frames/s"
    )
    least_fps: float = setting(
        60.0, unit="1/s", gt=0, source="1/25 s must hold at least two frames",
        text="below this frame rate nothing is spotted, and that is reported",
    )  # fmt: skip
    shortest_s: float = setting(
        0.03, unit="s", gt=0, source="1/25 s, less a frame", text="shorter is noise"
    )
    longest_s: float = setting(
        0.5, unit="s", gt=0, source="Yan et al. 2013: total duration up to 500 ms",
        text="longer is an expression",
    )  # fmt: skip
    window_s: float = setting(2.5, unit="s", gt=1, text="the local baseline is this long")
    shape_least: float = setting(
        0.006, unit="eye distances", gt=0, text="displacement below this is landmark noise"
    )
    score_least: float = setting(
        0.12, unit="log odds", gt=0, text="deviation of the scores below this is noise of the net"
    )
    sigmas: float = setting(
        4.0, gt=1, text="both must exceed this many local standard deviations at the flash's apex"
    )
    edge_sigmas: float = setting(2.5, gt=0, text="a flash begins and ends where both fall below")
    alone: int = setting(
        2, ge=1, text="more deviations than this within the window are speech, no flashes"
    )
    blink_below: float = setting(
        0.6, gt=0, lt=1, text="EAR under this share of its local median: a blink, no flash"
    )


@dataclass(frozen=True, slots=True)
class Flash:
    """One flash; ``strength`` is the weaker of both deviations at the apex, in local sigmas."""

    start_s: float
    end_s: float
    apex_s: float
    expression: str
    strength: float


@dataclass(frozen=True, slots=True)
class _Sample:
    t_s: float
    shape: tuple[float, ...]
    odds: tuple[float, ...]
    ear: float


class FlashSpotter:
    """Step it with every frame in time order; flashes come about a second after their apex."""

    def __init__(self, settings: MicroExpressionSettings) -> None:
        self._settings = settings
        self._samples: deque[_Sample] = deque()
        self._times: deque[float] = deque(maxlen=64)
        self._judged_s = float("-inf")
        self._due_s = float("-inf")

    def clear(self) -> None:
        """Begin the local baseline again, as scores of another kind follow."""
        self._samples.clear()

    @property
    def rate_hz(self) -> float | None:
        """Frames a second of late, None until there are enough."""
        if len(self._times) < 16:
            return None
        gaps = np.diff(self._times)
        return float(1.0 / np.median(gaps))

    @property
    def refusal(self) -> str | None:
        """Why nothing can be spotted, None where it can or where it is too early to tell."""
        rate_hz, least = self.rate_hz, self._settings.least_fps
        if rate_hz is None or rate_hz >= 0.97 * least:  # a camera's 60 may be 59.94
            return None
        return (
            f"micro-expressions cannot be spotted at {rate_hz:.0f} frames/s: 1/25 s must hold two "
            f"frames, so {least:g} are needed; raise camera.fps or set core.micro.enabled to false"
        )

    def step(
        self,
        t_s: float,
        shape: Sequence[float] | None,
        probabilities: Sequence[float] | None,
        ear: float | None,
    ) -> list[Flash]:
        """Take one frame; None is not seen. Return the flashes that have become certain."""
        self._times.append(t_s)
        if shape is None or probabilities is None or ear is None:
            self._samples.clear()  # across a gap there is no local baseline
            return []
        odds = tuple(math.log(max(p, 1e-3)) for p in probabilities)
        mean = sum(odds) / len(odds)
        odds = tuple(value - mean for value in odds)  # centred log ratios (Aitchison 1986)
        self._samples.append(_Sample(t_s, tuple(shape), odds, ear))
        s = self._settings
        while self._samples[0].t_s < t_s - s.window_s:
            self._samples.popleft()
        full = t_s - self._samples[0].t_s >= 0.9 * s.window_s
        if not full or t_s < self._due_s or self.refusal:
            return []
        self._due_s = t_s + s.longest_s / 2
        return self._spot()

    def _spot(self) -> list[Flash]:
        """Judge the apexes that have now ``longest_s`` of future and have not been judged yet."""
        s = self._settings
        times = np.array([sample.t_s for sample in self._samples])
        shape = _deviation(np.array([one.shape for one in self._samples]), s.shape_least)
        odds_of = np.array([sample.odds for sample in self._samples])
        odds = _deviation(odds_of, s.score_least)
        both = np.minimum(shape, odds)
        ears = np.array([sample.ear for sample in self._samples])
        shut = ears < s.blink_below * np.median(ears)
        low, high = max(self._judged_s, times[0] + s.longest_s), times[-1] - s.longest_s
        self._judged_s = high
        flashes: list[Flash] = []
        apart = runs(both > s.edge_sigmas)
        if sum(both[first : last + 1].max() >= s.sigmas for first, last in apart) > s.alone:
            return flashes
        for first, last in apart:
            apex = first + int(both[first : last + 1].argmax())
            if not low < times[apex] <= high or both[apex] < s.sigmas:
                continue
            if first == 0 or last == len(times) - 1 or shut[first : last + 1].any():
                continue
            frame_s = float(np.median(np.diff(times)))
            lasted_s = float(times[last] - times[first]) + frame_s
            if not s.shortest_s <= lasted_s <= s.longest_s:
                continue
            rise = odds_of[apex] - np.median(odds_of, axis=0)
            flashes.append(
                Flash(
                    float(times[first]),
                    float(times[last]) + frame_s,
                    float(times[apex]),
                    EXPRESSIONS[int(rise.argmax())],
                    float(both[apex]),
                )
            )
        return flashes


def _deviation(values: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Return how far each row, (n, channels), lies off the local medians: (n,), in local sigmas.

    The root mean square of the channels, so that one jittering point is not a flash.
    """
    off = values - np.median(values, axis=0)
    size = np.sqrt(np.mean(np.square(off), axis=1))
    return np.asarray(size / max(_MAD * float(np.median(size)), least))
