"""From what is known of the driver to alerts: levels, latching, repeats, acknowledgement.

The rules' numbers are the profile's (:mod:`dms.decision.profiles`); this module only applies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dms.decision.alerts import CASCADE, Board, Standing
from dms.decision.faults import new_faults
from dms.decision.gates import Gates
from dms.decision.profiles import Rules
from dms.decision.situation import Situation
from dms.decision.switches import Switches
from dms.decision.tick import reached
from dms.settings import setting, settings
from dms.values import AttentionBy, Event, EyesState, Fault, Kind, Level, Scalar, Unseen

_UNSURE = "eyes closed or looking away"
# A face that was lost while it turned may as well have a hand before it.
_HIDDEN = "face turned away or hidden"
_FACELESS = (Unseen.NO_FACE, Unseen.COVERED)
# Bound once: a member costs more to look up by name than what is done with it in most frames.
_EYES_UNKNOWN, _NONE = EyesState.UNKNOWN, Level.NONE


@settings
class PolicySettings:
    """How alerts stand, end and come again; the same in every profile."""

    attention_s: float = setting(
        5.0, unit="s", gt=0, source="DESIGN", text="attention that ends a critical alert"
    )
    clear_s: float = setting(
        2.0, unit="s", gt=0, source="Euro NCAP: 2 s on the road", text="the same for a warning"
    )
    lapse_s: float = setting(
        0.5, unit="s", gt=0, text="eyes closed for longer than a blink: attention starts again"
    )
    critical_repeat_s: float = setting(
        5.0, unit="s", gt=0, text="a critical alert is reported again while its cause lasts"
    )
    drowsy_repeat_s: float = setting(300.0, unit="s", gt=0, text="drowsiness is reported again")
    drowsy_back_kss: int = setting(1, ge=0, le=3, text="hysteresis of the drowsy level")
    drowsy_clear_s: float = setting(10.0, unit="s", ge=0, text="lower for this long ends it")
    drowsy_quiet_s: float = setting(
        60.0, unit="s", ge=0, text="after a closure alert drowsiness is not reported so soon"
    )
    rage_quiet_s: float = setting(
        600.0, unit="s", ge=0, text="cool-down between rage alerts: nobody is nagged into rage"
    )
    rage_most: int = setting(3, ge=1, text="rage alerts a drive")
    degraded_s: float = setting(
        8.0, unit="s", gt=0, le=10, source="DESIGN: told within 10 s", text="eyes not observable"
    )
    degraded_back: float = setting(2.0, gt=0, text="seen time takes this much faster away")
    pause_s: float = setting(600.0, unit="s", gt=0, text="a pause ends by itself after this")


@dataclass(slots=True)
class _Told:
    """What has been reported of the present closure and look away."""

    closure_start_s: float | None = None
    closure: set[Kind] = field(default_factory=set)
    unsure_at_s: float | None = None  # unsure time of this closure when its warning came
    away_start_s: float | None = None
    away: set[Kind] = field(default_factory=set)
    warned_at_s: float | None = None  # away time of this look when its warning came
    repeated: bool = False


class Policy:
    """Step it with every frame in time order; the board holds the result."""

    def __init__(self, settings: PolicySettings, rules: Rules) -> None:
        self._settings = settings
        self._rules = rules
        self._shut = (
            (Kind.MICROSLEEP, Level.WARNING, rules.microsleep_s),
            (Kind.SLEEP, Level.CRITICAL, rules.sleep_s),
            (Kind.UNRESPONSIVE, Level.CRITICAL, rules.unresponsive_closed_s),
        )
        self._shut_least_s = min(limit_s for _, _, limit_s in self._shut)
        self.board = Board()
        self._told = _Told()
        self._eyes_good_s = 0.0  # eyes open and on the road, since the last lapse
        self._road_good_s = 0.0  # head towards the road and eyes not closed
        self._unseen_s = 0.0
        self._unseen = Unseen.NO_FACE
        self._closure_alert_s = float("-inf")
        self._rage_alert_s = float("-inf")
        self._rage_alerts = 0
        self._faults: tuple[Fault, ...] = ()

    def succeed(self, old: Policy) -> None:
        """Let the critical alerts of ``old`` stand, and do not tell its closure again."""
        standing = old.board.standing.items()
        self.board.standing = {k: s for k, s in standing if s.level is Level.CRITICAL}
        self._told = old._told

    def forget_cool_downs(self) -> None:
        """Owe another driver no silence: what was told, was told to the former one."""
        self._closure_alert_s = self._rage_alert_s = float("-inf")
        self._rage_alerts = 0

    def step(self, now: Situation, gates: Gates, switches: Switches) -> None:
        """Apply the rules to one frame. Faults are told whatever the switches and gates say."""
        board = self.board
        board.events = []
        self._attend(now)
        told = self._told
        if now.closure_start_s != told.closure_start_s or now.away_start_s != told.away_start_s:
            self._renew(now)
        if now.away_sum_s <= 0.0:
            told.repeated = False
        if not gates.moving:
            self._unseen_s = 0.0
        if board.standing:
            self._close(gates, switches)
            self._clear(switches)
        if gates.moving and not switches.paused:
            if now.nod is not None or (now.closed_s and reached(now.closed_s, self._shut_least_s)):
                self._closures(now, switches)
            if now.unsure_s > 0.0:
                self._unsure(now, gates, switches)
            if gates.distraction and (now.away_s > 0.0 or now.away_sum_s > 0.0):
                self._looks(now, gates, switches)
            if board.standing:
                self._repeat(now)
            if switches.warnings:
                self._warn_of_states(now, gates, switches)
        if now.faults or self._faults:
            self._fault(now)

    def _warn_of_states(self, now: Situation, gates: Gates, switches: Switches) -> None:
        """Apply the rules of what lasts, each where it may raise, change or end its alert."""
        standing, kss = bool(self.board.standing), now.drowsiness
        if standing or now.eyes is _EYES_UNKNOWN or self._unseen_s > 0.0:
            self._degraded(now)
        tired = kss is not None and kss >= self._rules.drowsy_advisory_kss
        if gates.drowsy and (standing or tired):
            self._drowsy(now)
        if switches.rage and (standing or now.rage is not _NONE):
            self._rage(now)

    def _attend(self, now: Situation) -> None:
        """Time what speaks for attention; what is unknown moves nothing: hiding is no help."""
        lapse_s = self._settings.lapse_s
        if now.away is True or now.closed_s >= lapse_s or now.unsure_s >= lapse_s:
            self._eyes_good_s = self._road_good_s = 0.0
            return
        if now.away is False:  # blinks belong to attention
            self._road_good_s += now.dt_s
            if now.eyes is not _EYES_UNKNOWN:
                self._eyes_good_s += now.dt_s

    def _renew(self, now: Situation) -> None:
        told = self._told
        if now.closure_start_s != told.closure_start_s:
            told.closure_start_s, told.closure = now.closure_start_s, set()
            told.unsure_at_s = None
        if now.away_start_s != told.away_start_s:
            told.away_start_s, told.away, told.warned_at_s = now.away_start_s, set(), None

    def _close(self, gates: Gates, switches: Switches) -> None:
        """End what a closed gate or switch no longer lets stand."""
        board = self.board
        if not gates.moving:
            board.keep(lambda kind: kind is Kind.FAULT)
            return
        standing = board.standing.get(Kind.DISTRACTION)
        if not gates.distraction and standing is not None and not standing.closure:
            board.drop(Kind.DISTRACTION)
        if not gates.drowsy:
            board.drop(Kind.DROWSY)
        if not switches.rage:
            board.drop(Kind.ROAD_RAGE)
        if switches.paused or not switches.warnings:
            critical = {k for k, s in board.standing.items() if s.level is Level.CRITICAL}
            board.keep(lambda kind: kind is Kind.FAULT or kind in critical)

    def _clear(self, switches: Switches) -> None:
        """End what attention has earned: a critical alert by 5 s or an acknowledgement."""
        s = self._settings
        for kind in (*CASCADE, Kind.DISTRACTION):
            alert = self.board.standing.get(kind)
            if alert is None:
                continue
            good_s = self._eyes_good_s if alert.closure else self._road_good_s
            needed_s = s.attention_s if alert.level is Level.CRITICAL else s.clear_s
            # A hand on the button of a sleeper ends nothing: the driver must be attending.
            pressed = switches.pressed and alert.level < Level.CRITICAL
            acknowledged = (switches.acknowledged or pressed) and good_s > 0.0
            if acknowledged or reached(good_s, needed_s):
                self.board.drop(kind)

    def _closures(self, now: Situation, switches: Switches) -> None:
        if now.nod is not None and Kind.MICROSLEEP not in self._told.closure and switches.warnings:
            self._told.closure.add(Kind.MICROSLEEP)
            self._closure_alert_s = now.t_s
            told = (now.t_s, Kind.MICROSLEEP, Level.WARNING, "nod", now.nod.start_s, None)
            self.board.raise_(Event(*told, now.nod.values), closure=True)
        for kind, level, limit_s in self._shut:
            if kind in self._told.closure or not reached(now.closed_s, limit_s):
                continue
            if level < Level.CRITICAL and not switches.warnings:
                continue
            self._told.closure.add(kind)
            self._closure_alert_s = now.t_s
            values: dict[str, Scalar] = {"closed_s": round(now.closed_s, 3), "limit_s": limit_s}
            reason = f"eyes closed for {limit_s:g} s"
            event = Event(now.t_s, kind, level, reason, now.closure_start_s, None, values)
            self.board.raise_(event, closure=True)

    def _unsure(self, now: Situation, gates: Gates, switches: Switches) -> None:
        """Tell of eyes closed or away, which of both is not known: at any speed, in any profile."""
        rules, told = self._rules, self._told
        limit_s = min(gates.distraction_limit_s(), rules.sleep_s)
        if not reached(now.unsure_s, limit_s):
            return
        since_s = now.closure_start_s
        values: dict[str, Scalar] = {"unsure_s": round(now.unsure_s, 3)}
        if Kind.DISTRACTION not in told.closure and switches.warnings:
            told.closure.add(Kind.DISTRACTION)
            told.unsure_at_s = now.unsure_s
            if Kind.DISTRACTION not in told.away:
                told.away.add(Kind.DISTRACTION)
                words = f"{_UNSURE} for {limit_s:g} s"
                event = (now.t_s, Kind.DISTRACTION, Level.WARNING, words, since_s, None, values)
                self.board.raise_(Event(*event), closure=True)
        unanswered = told.unsure_at_s is not None and reached(
            now.unsure_s - told.unsure_at_s, rules.unresponsive_after_warning_s
        )
        too_long = reached(now.unsure_s, rules.unresponsive_closed_s)
        if (too_long or unanswered) and not {Kind.UNRESPONSIVE} & (told.closure | told.away):
            told.closure.add(Kind.UNRESPONSIVE)
            told.away.add(Kind.UNRESPONSIVE)
            self._closure_alert_s = now.t_s
            words = f"{_UNSURE}, {now.unsure_s:.1f} s"
            event = (now.t_s, Kind.UNRESPONSIVE, Level.CRITICAL, words, since_s, None, values)
            self.board.raise_(Event(*event), closure=True)

    def _looks(self, now: Situation, gates: Gates, switches: Switches) -> None:
        if switches.warnings:
            self._warn_of_looks(now, gates.distraction_limit_s())
        if now.away is not True:
            return
        rules, told = self._rules, self._told
        unanswered = told.warned_at_s is not None and reached(
            now.away_s - told.warned_at_s, rules.unresponsive_after_warning_s
        )
        too_long = reached(now.away_s, rules.unresponsive_away_s)
        if (too_long or unanswered) and Kind.UNRESPONSIVE not in told.away:
            told.away.add(Kind.UNRESPONSIVE)
            words = "not looking back after the warning" if unanswered else "away"
            words = "head slumped" if now.slumped else words
            words = _UNSURE if now.unsure_s > 0.0 else words
            self._tell_look(now, Kind.UNRESPONSIVE, Level.CRITICAL, f"{words}, {now.away_s:.1f} s")

    def _warn_of_looks(self, now: Situation, limit_s: float) -> None:
        rules, told = self._rules, self._told
        if reached(now.away_s, limit_s) and Kind.DISTRACTION not in told.away:
            told.away.add(Kind.DISTRACTION)
            if told.warned_at_s is None:
                told.warned_at_s = now.away_s
            eyes = now.away_by is AttentionBy.GAZE
            words = "eyes off the road" if eyes else "looking away"
            words = _HIDDEN if now.unseen in _FACELESS else words
            words = "head slumped" if now.slumped else words
            words = _UNSURE if now.unsure_s > 0.0 else words
            reason = f"{words} for {limit_s:g} s"
            self._tell_look(now, Kind.DISTRACTION, Level.WARNING, reason)
        elif reached(now.away_sum_s, rules.repeated_away_s) and not told.repeated:
            told.repeated = True
            if told.warned_at_s is None and now.away is True:
                told.warned_at_s = now.away_s
            window_s = rules.repeated_window_s
            reason = f"looking away {rules.repeated_away_s:g} s within {window_s:g} s"
            self._tell_look(now, Kind.DISTRACTION, Level.WARNING, reason)

    def _tell_look(self, now: Situation, kind: Kind, level: Level, reason: str) -> None:
        values: dict[str, Scalar] = {
            "away_s": round(now.away_s, 3),
            "away_sum_s": round(now.away_sum_s, 3),
        }
        self.board.raise_(Event(now.t_s, kind, level, reason, now.away_start_s, None, values))

    def _repeat(self, now: Situation) -> None:
        """Tell a critical alert again while the driver does not attend."""
        for kind in CASCADE:
            alert = self.board.standing.get(kind)
            if alert is None or alert.level is not Level.CRITICAL:
                continue
            good_s = self._eyes_good_s if alert.closure else self._road_good_s
            if good_s <= 0.0 and now.t_s - alert.told_s >= self._settings.critical_repeat_s:
                values: dict[str, Scalar] = {"closed_s": round(now.closed_s, 3)}
                self.board.repeat(kind, now.t_s, values)

    def _degraded(self, now: Situation) -> None:
        """Report that the eyes cannot be seen, from a sum that flicker does not reset."""
        s, board = self._settings, self.board
        if now.eyes is not _EYES_UNKNOWN:
            if self._unseen_s > 0.0:
                self._unseen_s = max(self._unseen_s - now.dt_s * s.degraded_back, 0.0)
        elif now.away is not True:
            self._unseen_s = min(self._unseen_s + now.dt_s, s.degraded_s)
            self._unseen = now.unseen or Unseen.UNSURE
            if self._unseen is Unseen.STILL:  # the minute before is what has to be waited for
                self._unseen_s = s.degraded_s
        standing = board.standing.get(Kind.DEGRADED) if board.standing else None
        if standing is None and not reached(self._unseen_s, s.degraded_s):
            return
        reason = f"cannot see the eyes: {self._unseen.value}"
        if self._unseen is Unseen.STILL:
            reason = "the face neither moves nor blinks: a photo or a screen"
        if standing is None:
            start_s = now.t_s - self._unseen_s
            values: dict[str, Scalar] = {"unseen": self._unseen.value}
            event = Event(now.t_s, Kind.DEGRADED, Level.ADVISORY, reason, start_s, None, values)
            board.raise_(event)
        else:
            standing.reason = reason
            if self._unseen_s <= 0.0:
                board.drop(Kind.DEGRADED)

    def _drowsy(self, now: Situation) -> None:
        s, rules, board = self._settings, self._rules, self.board
        kss, level = now.drowsiness, self._drowsy_level(now.drowsiness)
        standing = board.standing.get(Kind.DROWSY) if board.standing else None
        if standing is None and level is _NONE:
            return
        quiet = now.t_s - self._closure_alert_s < s.drowsy_quiet_s
        old = _NONE if standing is None else standing.level
        due = standing is not None and now.t_s - standing.told_s >= s.drowsy_repeat_s
        if level > old and not quiet:
            reason = f"drowsiness {kss} of 9: {now.drowsiness_reason}"
            values: dict[str, Scalar] = {"drowsiness": kss}
            board.raise_(Event(now.t_s, Kind.DROWSY, level, reason, None, None, values))
        elif standing is not None and level is old and due:
            board.repeat(Kind.DROWSY, now.t_s, {"drowsiness": kss})
        if standing is None or kss is None:  # unknown never ends it
            return
        limit = rules.drowsy_warning_kss if old is Level.WARNING else rules.drowsy_advisory_kss
        if kss >= limit - s.drowsy_back_kss:
            standing.better_s = 0.0
        elif now.eyes is not _EYES_UNKNOWN:  # hiding the eyes is no getting better
            standing.better_s += now.dt_s
        if reached(standing.better_s, s.drowsy_clear_s):
            self._lower_drowsy(standing, level)

    def _drowsy_level(self, kss: int | None) -> Level:
        if kss is None or kss < self._rules.drowsy_advisory_kss:
            return _NONE
        return Level.WARNING if kss >= self._rules.drowsy_warning_kss else Level.ADVISORY

    def _lower_drowsy(self, standing: Standing, level: Level) -> None:
        if level is _NONE:
            self.board.drop(Kind.DROWSY)
        else:
            standing.level, standing.better_s = level, 0.0

    def _rage(self, now: Situation) -> None:
        s, board = self._settings, self.board
        if now.rage is _NONE:
            if board.standing:
                board.drop(Kind.ROAD_RAGE)
            return
        old = board.level(Kind.ROAD_RAGE)
        cooled = now.t_s - self._rage_alert_s >= s.rage_quiet_s
        allowed = cooled and self._rage_alerts < s.rage_most
        if now.rage > old and now.rage_seen and (allowed or old is not _NONE):
            if old is _NONE:
                self._rage_alerts += 1
            self._rage_alert_s = now.t_s
            board.raise_(Event(now.t_s, Kind.ROAD_RAGE, now.rage, now.rage_reason))

    def _fault(self, now: Situation) -> None:
        board = self.board
        for fault in new_faults(self._faults, now.faults):
            board.raise_(Event(now.t_s, Kind.FAULT, _fault_level((fault,)), str(fault)))
        self._faults = now.faults
        if not now.faults:
            board.drop(Kind.FAULT)
        elif Kind.FAULT in board.standing:
            standing = board.standing[Kind.FAULT]
            standing.reason = "; ".join(str(fault) for fault in now.faults)
            standing.level = _fault_level(now.faults)


def _fault_level(faults: Sequence[Fault]) -> Level:
    return Level.WARNING if any(fault.blinding for fault in faults) else Level.ADVISORY
