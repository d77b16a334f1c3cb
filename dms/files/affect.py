"""How a drive felt, as data: time in each expression, valence over time, liveliness, episodes.

It describes what a net read in a face. No judgement of health or character is made of it.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dms.errors import ConfigError
from dms.files.frames import Series
from dms.values import EXPRESSIONS, EmotionBy, Event, Kind, Level, Scalar, Step

NOTE = (
    "What a net read in the face, not what the driver felt. No judgement of health, character or "
    "fitness is made, and none should be drawn from it."
)
_LONGEST_STEP_S = 0.5  # a longer gap between scores is time in which nothing is known
_BLOCK_S = 1.0  # scores are averaged over this before liveliness, so that noise is no expression
_LEAST_S = 10.0  # of rest and of the time after it, for the liveliness to mean something
_MOST_BINS = 60  # of valence over time
_AGAINST = "against_rest"  # older frame tables lack it
AFFECT_COLUMNS = ("t_s", "baseline_progress", "valence", _AGAINST, *EXPRESSIONS)


@dataclass(frozen=True, slots=True)
class AngerEpisode:
    """One episode by its frames' times; ``end_s`` is None where the recording ended first."""

    start_s: float
    peak_s: float | None
    end_s: float | None
    peak: float | None  # evidence 0..1
    level: int
    reason: str


@dataclass(frozen=True, slots=True)
class SessionAffect:
    """One drive. Seconds count only where an expression was read; None is unknown."""

    seen_s: float
    against_rest_s: float  # of that time, read against the driver's own resting face
    seconds: Mapping[str, float]  # by the strongest expression
    # What valence, expressivity and liveliness are of: "rest" (only what was read against the
    # driver's own resting face, where there is some) or "absolute". The two are not mixed.
    read_by: str
    mean_valence: float | None  # -1 unpleasant .. 1 pleasant
    valence: Sequence[tuple[float, float]]  # (middle of the bin in s, mean)
    # Mean distance (total variation, 0..1) of the scores from the resting face of the first minute.
    expressivity: float | None
    # The same over that of the first minute: 1 as lively as then, below 1 flatter.
    liveliness: float | None
    episodes: Sequence[AngerEpisode]
    flashes: Mapping[str, int]  # micro-expressions
    flashes_against_rest: Mapping[str, int]  # those of them that were read so
    note: str = NOTE


def session_affect(frames: Mapping[str, Series], events: Sequence[Event]) -> SessionAffect | None:
    """Return the affect of a frame table and its events; None where no expression was read.

    Of ``frames`` the columns :data:`AFFECT_COLUMNS` are used.
    """
    if any(name not in frames for name in AFFECT_COLUMNS if name != _AGAINST):
        return None
    scores = np.stack([frames[name] for name in EXPRESSIONS], axis=1)
    known = ~np.isnan(scores).any(axis=1)
    if not known.any():
        return None
    t_s, scores = frames["t_s"][known], scores[known]
    steps_s = np.minimum(np.diff(t_s, append=t_s[-1]), _LONGEST_STEP_S)
    strongest = scores.argmax(axis=1)
    seconds = {
        name: round(float(steps_s[strongest == at].sum()), 2) for at, name in enumerate(EXPRESSIONS)
    }
    progress = frames["baseline_progress"][known]
    against = frames[_AGAINST][known] == 1 if _AGAINST in frames else np.zeros(len(t_s), bool)
    by = EmotionBy.REST if against.any() else EmotionBy.ABSOLUTE
    alike = against if by is EmotionBy.REST else ~against
    over, mean = _valence(t_s[alike], frames["valence"][known][alike])
    expressivity, liveliness = _liveliness(t_s[alike], scores[alike], progress[alike])
    flashes = [one.values for one in events if one.kind is Kind.MICRO_EXPRESSION]
    own = [one for one in flashes if one.get("by") == EmotionBy.REST.value]
    return SessionAffect(
        seen_s=round(float(steps_s.sum()), 2),
        against_rest_s=round(float(steps_s[against].sum()), 2),
        seconds=seconds,
        read_by=by.value,
        mean_valence=mean,
        valence=over,
        expressivity=expressivity,
        liveliness=liveliness,
        episodes=_episodes(events),
        flashes=_counted(flashes),
        flashes_against_rest=_counted(own),
    )


def write_affect(affect: SessionAffect | None, path: Path) -> None:
    """Write as one JSON object, null where no expression was read. Raises ConfigError."""
    text = json.dumps(None if affect is None else asdict(affect), indent=1, allow_nan=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose another place") from error


class AffectKeeper:
    """Keeps of a run what :func:`session_affect` needs, a row for each new score."""

    def __init__(self) -> None:
        self._rows = array("d")  # flat: a list of tuples would be 130 MB after eight hours
        self._events: list[Event] = []

    def take(self, step: Step) -> None:
        """Take one frame of the run."""
        self._events += [
            e for e in step.state.events if e.kind in {Kind.ROAD_RAGE, Kind.MICRO_EXPRESSION}
        ]
        scores = step.moment.observation.expression
        if scores is not None and step.state.rage_on:
            valence = np.nan if step.state.valence is None else step.state.valence
            read = scores.relative or scores.probabilities
            against = float(scores.relative is not None)
            progress = step.state.baseline_progress
            self._rows.extend((step.state.t_s, progress, valence, against, *read))

    @property
    def affect(self) -> SessionAffect | None:
        """The affect of what was taken so far."""
        table = np.frombuffer(self._rows, np.float64) if self._rows else np.empty(0)
        table = table.reshape(-1, len(AFFECT_COLUMNS))
        return session_affect(dict(zip(AFFECT_COLUMNS, table.T, strict=True)), self._events)


def _counted(flashes: Sequence[Mapping[str, Scalar]]) -> dict[str, int]:
    return dict(sorted(Counter(str(one["expression"]) for one in flashes).items()))


def _valence(t_s: Series, valence: Series) -> tuple[list[tuple[float, float]], float | None]:
    read = ~np.isnan(valence)
    if not read.any():
        return [], None
    t_s, valence = t_s[read], valence[read]
    width_s = max(10.0, float(t_s[-1] - t_s[0]) / _MOST_BINS)
    bins = ((t_s - t_s[0]) / width_s).astype(int)
    over = [
        (
            round(float(t_s[0] + (at + 0.5) * width_s), 2),
            round(float(valence[bins == at].mean()), 3),
        )
        for at in np.unique(bins)
    ]
    return over, round(float(valence.mean()), 3)


def _liveliness(
    t_s: Series, scores: NDArray[np.float64], progress: Series
) -> tuple[float | None, float | None]:
    """Return the mean distance from the resting face, and the same over the first minute's."""
    block = ((t_s - t_s[0]) / _BLOCK_S).astype(int)
    at = np.unique(block, return_index=True)[1]
    counts = np.diff(at, append=len(block))[:, None]
    means = np.add.reduceat(scores, at, axis=0) / counts
    learning = progress[at] < 1.0
    first, later = means[learning], means[~learning]
    if min(len(first), len(later)) * _BLOCK_S < _LEAST_S:
        return None, None
    rest = first.mean(axis=0)
    usual = float(np.abs(first - rest).sum(axis=1).mean()) / 2
    now = float(np.abs(later - rest).sum(axis=1).mean()) / 2
    # A first minute without any movement of the face is no measure to compare with.
    return round(now, 3), round(now / usual, 2) if usual >= 0.005 else None


def _episodes(events: Sequence[Event]) -> list[AngerEpisode]:
    """Return the ended episodes, and the one that the recording's end cut off."""
    raging = [event for event in events if event.kind is Kind.ROAD_RAGE]
    episodes = [_ended(event) for event in raging if event.level is Level.NONE]
    last_s = max((one.t_s for one in raging if one.level is Level.NONE), default=float("-inf"))
    if open_ := [one for one in raging if one.level > Level.NONE and one.t_s > last_s]:
        highest = max(open_, key=lambda one: one.level)
        first_s = open_[0].t_s
        cut_off = AngerEpisode(first_s, None, None, None, int(highest.level), highest.reason)
        episodes.append(cut_off)
    return episodes


def _ended(event: Event) -> AngerEpisode:
    peak, peak_s = event.values.get("peak"), event.values.get("peak_s")
    return AngerEpisode(
        start_s=event.t_s if event.start_s is None else event.start_s,
        peak_s=None if peak_s is None else float(peak_s),
        end_s=event.end_s,
        peak=None if peak is None else float(peak),
        level=int(event.values.get("level") or 0),
        reason=event.reason,
    )
