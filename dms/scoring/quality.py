"""How well a run did over many recordings: rates per kind of event with bootstrap intervals.

One recording is one draw: its blinks are no independent tries, so intervals resample recordings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from dms.files.frames import Series
from dms.scoring.labels import Labels, Stretch, Truth
from dms.scoring.match import Tally
from dms.settings import setting, settings
from dms.values import Kind

# What score_frames reads of a frame table.
SCORED_COLUMNS = frozenset({"t_s", "openness", "closed_s", "yaw_deg", "away_s", "perclos"})
Interval: TypeAlias = tuple[float, float] | None


@settings
class QualitySettings:
    """How figures over recordings are made."""

    draws: int = setting(1000, ge=100, le=100_000, text="bootstrap draws of recordings")
    seed: int = setting(1, ge=0, text="of the bootstrap, so that a run says the same twice")
    perclos_window_s: float = setting(60.0, unit="s", gt=0, text="as the decision's own window")
    perclos_least_s: float = setting(30.0, unit="s", gt=0, text="no true PERCLOS below this")
    closure_s: float = setting(0.5, unit="s", gt=0, text="shorter closures are blinks, not PERCLOS")


@dataclass(frozen=True, slots=True)
class Scored:
    """What one recording adds. ``confusion``: (truth, told) -> frames, told may be unknown.

    ``tallies`` holds every kind that was labelled here, and no other: only by those is it measured.
    """

    name: str
    duration_s: float
    frames: int = 0
    eyes_known: int = 0
    tallies: Mapping[Kind, Tally] = field(default_factory=dict)
    confusion: Mapping[tuple[str, str], int] = field(default_factory=dict)
    perclos_error: float | None = None  # mean absolute difference, where both are known
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure and its 95 % interval over recordings; None where there is no basis."""

    value: float | None
    interval: Interval = None


@dataclass(frozen=True, slots=True)
class KindFigures:
    """The figures of one kind of event. Delays in seconds after the rule's time."""

    labelled: int
    found: int
    false: int
    recall: Figure
    precision: Figure
    f1: Figure
    false_per_hour: Figure
    delay_median_s: float | None
    delay_p95_s: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of a run, or of one group of its recordings."""

    recordings: int
    hours: float
    availability: float | None
    kinds: Mapping[Kind, KindFigures]
    confusion: Mapping[tuple[str, str], int]
    perclos_error: float | None


def score_frames(
    frames: Mapping[str, Series], labels: Labels, settings: QualitySettings
) -> tuple[dict[tuple[str, str], int], float | None]:
    """Return the confusion of states frame by frame and the mean error of PERCLOS."""
    t_s = frames["t_s"]
    confusion: Counter[tuple[str, str]] = Counter()
    eyes = _told(frames, "openness", "closed_s", (Truth.EYES_OPEN, Truth.EYES_CLOSED))
    road = _told(frames, "yaw_deg", "away_s", (Truth.ROAD, Truth.AWAY))
    for stretch in labels.stretches:
        told = eyes if stretch.truth in {Truth.EYES_OPEN, Truth.EYES_CLOSED} else road
        names, counts = np.unique(told[_within(t_s, stretch)], return_counts=True)
        for name, count in zip(names, counts, strict=True):
            confusion[stretch.truth.value, str(name)] += int(count)
    return dict(confusion), _perclos_error(frames, labels, settings)


def measure(scored: Sequence[Scored], settings: QualitySettings) -> Quality:
    """Return the figures over all recordings."""
    kinds = sorted({kind for one in scored for kind in one.tallies})
    confusion: Counter[tuple[str, str]] = Counter()
    for one in scored:
        confusion.update(one.confusion)
    frames = sum(one.frames for one in scored)
    errors = [one.perclos_error for one in scored if one.perclos_error is not None]
    return Quality(
        recordings=len(scored),
        hours=sum(one.duration_s for one in scored) / 3600,
        availability=sum(one.eyes_known for one in scored) / frames if frames else None,
        kinds={kind: _figures(kind, scored, settings) for kind in kinds},
        confusion=dict(sorted(confusion.items())),
        perclos_error=float(np.mean(errors)) if errors else None,
    )


def by_group(
    scored: Sequence[Scored], column: str, settings: QualitySettings
) -> dict[str, Quality]:
    """Return the figures of each value of one column of the manifest."""
    values = sorted({one.groups[column] for one in scored if column in one.groups})
    return {
        value: measure([one for one in scored if one.groups.get(column) == value], settings)
        for value in values
    }


def _told(
    frames: Mapping[str, Series], known_by: str, time_of: str, names: tuple[Truth, Truth]
) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """Return what was told in each frame: the first name, the second while its time runs."""
    known = ~np.isnan(frames[known_by])
    runs = np.nan_to_num(frames[time_of]) > 0
    return np.where(runs, names[1].value, np.where(known, names[0].value, "unknown"))


def _within(t_s: Series, stretch: Stretch) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    # Frame times of a container are rounded to milliseconds.
    return (t_s >= stretch.start_s - 1e-3) & (t_s < stretch.end_s - 1e-3)


def _perclos_error(
    frames: Mapping[str, Series], labels: Labels, settings: QualitySettings
) -> float | None:
    """Compare with the true share of closed time over the same window, frame by frame."""
    closures = [one for one in labels.stretches if one.truth is Truth.EYES_CLOSED]
    eyes_labelled = closures or any(one.truth is Truth.EYES_OPEN for one in labels.stretches)
    t_s, told = frames["t_s"], frames["perclos"]
    if not eyes_labelled or len(t_s) < 2:
        return None
    step_s = float(np.median(np.diff(t_s)))
    closed = np.zeros(len(t_s))
    for one in closures:
        if one.end_s - one.start_s >= settings.closure_s:
            closed[_within(t_s, one)] = 1.0
    seen = (~np.isnan(frames["openness"])).astype(np.float64)
    length = max(1, round(settings.perclos_window_s / step_s))
    closed_s, seen_s = (_moving_sum(values, length) * step_s for values in (closed * seen, seen))
    known = ~np.isnan(told) & (seen_s >= settings.perclos_least_s)
    if not known.any():
        return None
    return float(np.abs(told[known] - closed_s[known] / seen_s[known]).mean())


def _moving_sum(values: Series, length: int) -> Series:
    total = np.cumsum(values)
    before = np.concatenate([np.zeros(length), total[:-length]])[: len(total)]
    return np.asarray(total - before, np.float64)


def _figures(kind: Kind, scored: Sequence[Scored], settings: QualitySettings) -> KindFigures:
    # Hours in which a kind was not labelled would dilute its false alarms.
    judged = [(each.tallies[kind], each.duration_s) for each in scored if kind in each.tallies]
    table = np.array(
        [(one.found, one.missed, one.false, length_s / 3600) for one, length_s in judged],
        np.float64,
    )
    sums = table.sum(axis=0)
    draws = _draws(len(table), settings) @ table if len(table) > 1 else None
    delays = sorted(delay for one, _ in judged for delay in one.delays_s)

    def both(ratio: Callable[[Series], Series]) -> Figure:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(ratio(sums[None])[0])
            drawn = None if draws is None else ratio(draws)
        return Figure(None if not np.isfinite(value) else value, _interval(drawn))

    return KindFigures(
        labelled=int(sums[0] + sums[1]),
        found=int(sums[0]),
        false=int(sums[2]),
        recall=both(lambda t: t[:, 0] / (t[:, 0] + t[:, 1])),
        precision=both(lambda t: t[:, 0] / (t[:, 0] + t[:, 2])),
        f1=both(lambda t: 2 * t[:, 0] / (2 * t[:, 0] + t[:, 1] + t[:, 2])),
        false_per_hour=both(lambda t: t[:, 2] / t[:, 3]),
        delay_median_s=float(np.median(delays)) if delays else None,
        delay_p95_s=float(np.quantile(delays, 0.95)) if delays else None,
    )


def _draws(count: int, settings: QualitySettings) -> Series:
    """(draws, recordings): how often each recording is in each draw."""
    random = np.random.default_rng(settings.seed)
    return random.multinomial(count, np.full(count, 1 / count), settings.draws).astype(np.float64)


def _interval(drawn: Series | None) -> Interval:
    """Return the middle 95 % of the draws in which there was something to measure."""
    if drawn is None:
        return None
    known = drawn[np.isfinite(drawn)]
    if len(known) < 0.5 * len(drawn):
        return None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)
