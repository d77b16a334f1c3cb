"""What the policy is told of one frame."""

from __future__ import annotations

from dataclasses import dataclass

from dms.values import AttentionBy, Event, EyesState, Fault, Level, Unseen


@dataclass(slots=True)
class Situation:
    """All that the rules look at in one step; ``dt_s`` is 0 after a gap between frames."""

    t_s: float
    dt_s: float = 0.0
    eyes: EyesState = EyesState.UNKNOWN
    unseen: Unseen | None = None
    closed_s: float = 0.0
    closure_start_s: float | None = None
    unsure_s: float = 0.0  # the same where the eyes may as well look down
    nod: Event | None = None  # seen in this step, as observed
    away: bool | None = None
    away_s: float = 0.0
    away_start_s: float | None = None
    away_sum_s: float = 0.0
    away_by: AttentionBy | None = None
    slumped: bool = False
    drowsiness: int | None = None
    drowsiness_reason: str = ""
    rage: Level = Level.NONE
    rage_reason: str = ""
    faults: tuple[Fault, ...] = ()
    rage_seen: bool = True  # the face is seen now
