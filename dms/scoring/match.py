"""Sets events against labels: what was found, missed or false, and how late an alert came.

What is only observed (a blink, a yawn) matches one label each by overlap; an alert matches the
cause within which it was raised, and its repeats there are neither found again nor false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from dms.decision.profiles import find_rules
from dms.decision.settings import CoreSettings
from dms.scoring.labels import Label, Labels
from dms.settings import setting, settings
from dms.values import Event, Kind, Level

OBSERVED = frozenset(
    {Kind.BLINK, Kind.YAWN, Kind.NOD, Kind.GLANCE, Kind.MICRO_EXPRESSION}
)  # told when over, with start_s and end_s


@settings
class ScoringSettings:
    """When an event counts as the labelled one."""

    least_overlap: float = setting(
        0.5,
        unit="share of the label",
        source="as published for blinks on ZJU",
        gt=0,
        le=1,
        text="a blink, yawn or nod covers at least this much of its label",
    )
    early_s: float = setting(
        0.2, unit="s", ge=0, text="an alert may be raised this much before its label starts"
    )
    late_s: float = setting(
        0.5, unit="s", ge=0, text="an alert may be raised this much after its label ends"
    )


class Verdict(str, Enum):
    """What became of a label or an event."""

    FOUND = "found"
    MISSED = "missed"
    FALSE = "false"
    REPEATED = "repeated"  # the same alert again for the same cause
    OPTIONAL = "optional"  # a label that needs no event, and had none


@dataclass(frozen=True, slots=True)
class Match:
    """One label, one event, or both of them together.

    ``delay_s``: from the instant at which the rule was due to the event; None for what is observed.
    """

    kind: Kind
    verdict: Verdict
    label: Label | None = None
    event: Event | None = None
    delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one kind over any number of recordings."""

    found: int = 0
    missed: int = 0
    false: int = 0
    delays_s: tuple[float, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.found + other.found,
            self.missed + other.missed,
            self.false + other.false,
            self.delays_s + other.delays_s,
        )

    @property
    def recall(self) -> float | None:
        """Share of the labels that were found; None without labels."""
        return _share(self.found, self.found + self.missed)

    @property
    def precision(self) -> float | None:
        """Share of the events that were right; None without events."""
        return _share(self.found, self.found + self.false)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where there was neither a label nor an event."""
        return _share(2 * self.found, 2 * self.found + self.missed + self.false)


def due_times(core: CoreSettings) -> dict[Kind, float]:
    """How long a cause must last before its alert is due, in seconds, by the profile's rules."""
    rules = find_rules(core.profile, core.profiles)
    return {
        Kind.MICROSLEEP: rules.microsleep_s,
        Kind.SLEEP: rules.sleep_s,
        Kind.UNRESPONSIVE: rules.unresponsive_closed_s,
        Kind.DISTRACTION: rules.distraction_s,
        Kind.DEGRADED: core.policy.degraded_s,
    }


def match(
    events: Iterable[Event],
    labels: Labels,
    due_s: Mapping[Kind, float],
    settings: ScoringSettings,
) -> list[Match]:
    """Match the events of one recording with its labels, in order of time.

    ``due_s``: how long a cause must last before its alert is due, per kind. Kinds that were not
    labelled are left out: nothing is known of them.
    """
    by_kind: dict[Kind, list[Event]] = {kind: [] for kind in labels.kinds}
    for event in events:
        # An alert's kind at level 0 only notes when its cause has ended.
        if event.kind in by_kind and (event.kind in OBSERVED or event.level > Level.NONE):
            by_kind[event.kind].append(event)
    matches: list[Match] = []
    for kind, raised in by_kind.items():
        wanted = [label for label in labels.events if label.kind is kind]
        if kind in OBSERVED:
            matches += _match_observed(kind, raised, wanted, settings)
        else:
            matches += _match_alerts(kind, raised, wanted, due_s.get(kind, 0.0), settings)
    return sorted(matches, key=_when)


def tally(matches: Iterable[Match], judged: Iterable[Kind] = ()) -> dict[Kind, Tally]:
    """Count the matches of any number of recordings per kind.

    ``judged``: what was labelled; counted too where there was neither a label nor an event, since a
    drive without a false alarm is one to measure by.
    """
    counts = {kind: Tally() for kind in judged}
    for one in matches:
        delays = () if one.delay_s is None or one.verdict is not Verdict.FOUND else (one.delay_s,)
        counted = Tally(
            found=int(one.verdict is Verdict.FOUND),
            missed=int(one.verdict is Verdict.MISSED),
            false=int(one.verdict is Verdict.FALSE),
            delays_s=delays,
        )
        counts[one.kind] = counts.get(one.kind, Tally()) + counted
    return dict(sorted(counts.items()))


def overlap_s(event: Event, label: Label) -> float:
    """How long an event and a label overlap, in seconds; 0 where the event has no span."""
    if event.start_s is None or event.end_s is None:
        return 0.0
    return max(0.0, min(event.end_s, label.end_s) - max(event.start_s, label.start_s))


def _match_observed(
    kind: Kind, events: Sequence[Event], labels: Sequence[Label], settings: ScoringSettings
) -> list[Match]:
    """Match one to one, the largest overlaps first."""
    pairs = sorted(
        (
            (-overlap_s(event, label), at, which)
            for at, label in enumerate(labels)
            for which, event in enumerate(events)
            if overlap_s(event, label) > 0
            and overlap_s(event, label) >= settings.least_overlap * (label.end_s - label.start_s)
        )
    )
    taken: dict[int, int] = {}
    for _, at, which in pairs:
        if at not in taken and which not in taken.values():
            taken[at] = which
    matches = []
    for at, label in enumerate(labels):
        if at in taken:
            matches.append(Match(kind, Verdict.FOUND, label, events[taken[at]]))
        else:
            verdict = Verdict.OPTIONAL if label.optional else Verdict.MISSED
            matches.append(Match(kind, verdict, label))
    used = set(taken.values())
    false = [event for which, event in enumerate(events) if which not in used]
    return matches + [Match(kind, Verdict.FALSE, event=event) for event in false]


def _match_alerts(
    kind: Kind,
    events: Sequence[Event],
    labels: Sequence[Label],
    due_s: float,
    settings: ScoringSettings,
) -> list[Match]:
    matches: list[Match] = []
    left = sorted(events, key=lambda event: event.t_s)
    for label in labels:
        first, last = label.start_s - settings.early_s, label.end_s + settings.late_s
        inside = [event for event in left if first <= event.t_s <= last]
        left = [event for event in left if event not in inside]
        if not inside:
            verdict = Verdict.OPTIONAL if label.optional else Verdict.MISSED
            matches.append(Match(kind, verdict, label))
            continue
        delay_s = None if label.optional else inside[0].t_s - label.start_s - due_s
        matches.append(Match(kind, Verdict.FOUND, label, inside[0], delay_s))
        matches += [Match(kind, Verdict.REPEATED, label, event) for event in inside[1:]]
    return matches + [Match(kind, Verdict.FALSE, event=event) for event in left]


def _when(one: Match) -> tuple[float, str]:
    if one.event is not None:
        return one.event.t_s, one.kind.value
    return (one.label.start_s if one.label else 0.0), one.kind.value


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
