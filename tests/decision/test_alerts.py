"""The board: cascade, order, repeats."""

from dms.decision.alerts import CASCADE, ORDER, Board
from dms.values import Event, Kind, Level


def event(kind: Kind, level: Level, t_s: float = 0.0, reason: str = "why") -> Event:
    return Event(t_s, kind, level, reason)


def test_every_kind_of_alert_has_its_place() -> None:
    observed = {Kind.BLINK, Kind.YAWN, Kind.NOD, Kind.GLANCE, Kind.MICRO_EXPRESSION}
    assert set(ORDER) == set(Kind) - observed
    assert set(CASCADE) < set(ORDER)


def test_higher_level_first_then_the_graver_kind() -> None:
    board = Board()
    for kind, level in (
        (Kind.DEGRADED, Level.ADVISORY),
        (Kind.FAULT, Level.WARNING),
        (Kind.DISTRACTION, Level.WARNING),
        (Kind.DROWSY, Level.ADVISORY),
        (Kind.SLEEP, Level.CRITICAL),
    ):
        board.raise_(event(kind, level))
    assert [a.kind for a in board.active] == [
        Kind.SLEEP, Kind.DISTRACTION, Kind.FAULT, Kind.DROWSY, Kind.DEGRADED,
    ]  # fmt: skip


def test_cascade_takes_the_place_of_what_is_lower() -> None:
    board = Board()
    board.raise_(event(Kind.MICROSLEEP, Level.WARNING), closure=True)
    board.raise_(event(Kind.SLEEP, Level.CRITICAL), closure=True)
    assert [a.kind for a in board.active] == [Kind.SLEEP]
    board.raise_(event(Kind.MICROSLEEP, Level.WARNING), closure=True)
    assert [a.kind for a in board.active] == [Kind.SLEEP]
    assert len(board.events) == 3


def test_raised_again_keeps_its_start_and_its_cause() -> None:
    board = Board()
    board.raise_(event(Kind.UNRESPONSIVE, Level.CRITICAL, 1.0), closure=True)
    board.raise_(event(Kind.UNRESPONSIVE, Level.CRITICAL, 9.0, "away"))
    (alert,) = board.active
    assert (alert.since_s, alert.reason) == (1.0, "away")
    assert board.standing[Kind.UNRESPONSIVE].closure
    assert board.standing[Kind.UNRESPONSIVE].told_s == 9.0


def test_repeat_is_marked_and_counts_as_told() -> None:
    board = Board()
    board.raise_(event(Kind.SLEEP, Level.CRITICAL, 1.0))
    board.repeat(Kind.SLEEP, 6.0, {"closed_s": 8.0})
    again = board.events[-1]
    assert (again.t_s, again.start_s, again.level) == (6.0, 1.0, Level.CRITICAL)
    assert again.values == {"closed_s": 8.0, "repeated": True}
    assert board.standing[Kind.SLEEP].told_s == 6.0


def test_drop_and_keep() -> None:
    board = Board()
    board.raise_(event(Kind.FAULT, Level.WARNING))
    board.raise_(event(Kind.DROWSY, Level.ADVISORY))
    board.drop(Kind.SLEEP, Kind.DROWSY)
    assert board.level(Kind.DROWSY) is Level.NONE
    assert board.level(Kind.FAULT) is Level.WARNING
    board.keep(lambda kind: kind is not Kind.FAULT)
    assert board.active == ()
