"""The pure decision core: one observation in, one frozen, explained state out.

No clock, file or picture: the same observations give the same alerts, at any frame rate and speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dms.decision.attention import Attention
from dms.decision.baseline import Baseline, Known
from dms.decision.describe import describe, why_unseen
from dms.decision.emotion.emotion import Emotion
from dms.decision.emotion.relative import RelativeHead
from dms.decision.emotion.rest import bare
from dms.decision.fatigue.fatigue import Fatigue
from dms.decision.gates import Gates
from dms.decision.nan_guard import finite
from dms.decision.openness import Openness, fuse
from dms.decision.policy import Policy
from dms.decision.profiles import find_rules
from dms.decision.seat import Seat
from dms.decision.settings import CoreSettings
from dms.decision.situation import Situation
from dms.decision.spoof import Still, disbelieve
from dms.decision.switches import Switchboard, Switches
from dms.decision.tick import Tick
from dms.values import (
    Command,
    DriverObservation,
    DriverState,
    Event,
    EyesState,
    Fault,
    Gear,
    HeadPose,
    Kind,
    Level,
    PauseReason,
    Unseen,
    VehicleContext,
)

# Bound once, as in dms.decision.policy.
_NONE, _PRIVACY, _EYES_UNKNOWN = Level.NONE, PauseReason.PRIVACY, EyesState.UNKNOWN


class Core:
    """Step it with every observation. Raises ConfigError for an unknown profile.

    ``head``: what the expression net has for reading a face against its own rest.
    """

    def __init__(
        self,
        settings: CoreSettings | None = None,
        known: Known | None = None,
        head: RelativeHead | None = None,
    ) -> None:
        self.settings = settings if settings is not None else CoreSettings()
        self._head = head
        self.observation = DriverObservation(0.0)  # the newest, as it may be kept
        self.rules = find_rules(self.settings.profile, self.settings.profiles)
        rage, pause_s = self.settings.rage.on, self.settings.policy.pause_s
        self._switchboard = Switchboard(rage=rage, pause_s=pause_s)
        self._longest_step_s = self.settings.longest_step_s
        self._far_to_deg = self.settings.openness.far_to_deg
        self._carry_s = self.settings.closure.carry_s
        self.reset(known)

    def reset(self, known: Known | None = None) -> None:
        """Forget the driver and all timers, as between recordings and drivers; keep switches.

        ``known``: what was learned of the next driver on an earlier drive.
        """
        s = self.settings
        self.seat = Seat(s.seat, s.baseline, known)
        self._still = Still(s.still)
        self._attention = Attention(s.distraction, s.gaze, s.zones, self.rules)
        self._distraction = self._attention.distraction
        self._fatigue = Fatigue(s, self.rules)
        parts = (s.affect, s.rage, s.context, s.micro, s.rest, s.speech)
        self._emotion = Emotion(*parts, head=self._head)
        self._gates = Gates(s.gates, self.rules)
        self._policy = Policy(s.policy, self.rules)
        self._situation = Situation(0.0)  # filled anew in each step
        self._state: DriverState | None = None
        self._last_s: float | None = None
        self._switchboard.reset()

    def succeed(self, old: Core, *, same_driver: bool) -> None:
        """Take over from ``old``, whose settings were others: timers begin again, the rest stays.

        What stays are the head unit's switches and pause and, of the ``same_driver``, the baseline,
        a closure that runs and the critical alerts: no change of settings wakes a sleeper.
        """
        if same_driver:
            self.reset(old.baseline.known)
            self.seat.keep_owner(old.seat)
            self._fatigue.succeed(old._fatigue)
            self._emotion.succeed(old._emotion)
            self._last_s = old._last_s
            self._policy.succeed(old._policy)
        self._switchboard.succeed(old._switchboard)

    @property
    def baseline(self) -> Baseline:
        """The present driver's own normal."""
        return self.seat.baseline

    def command(self, command: Command) -> None:
        """Take a request of the head unit; it takes effect with the next step."""
        self._switchboard.command(command)

    def hold(self, reason: PauseReason | None) -> None:
        """Pause until told otherwise here: no time and no command ends it; None lets go."""
        self._switchboard.hold(reason)

    @property
    def pause_reason(self) -> PauseReason | None:
        """Why the next step would find monitoring paused, unless its time is over; None if not."""
        return self._switchboard.pause_reason

    @property
    def rage_reason(self) -> str:
        """The present evidence of rage in words, with the vehicle's part in it."""
        return self._emotion.rage.reason

    @property
    def rest_given(self) -> bool:
        """Whether the resting face was learned in the run that was recorded, not in this one."""
        return self._emotion.rest_given

    @property
    def quiet_s(self) -> float | None:
        """How long the face has shown no sign of life (:mod:`dms.decision.spoof`), or None."""
        return self._still.quiet_s

    def step(
        self,
        observation: DriverObservation,
        vehicle: VehicleContext | None,
        now_s: float,
        faults: tuple[Fault, ...] = (),
    ) -> DriverState:
        """Take one observation and return the state after it.

        Time is the observation's own; ``now_s``, on the same clock, only tells how old the
        vehicle's data are. A repeated or late observation changes nothing but faults and commands.
        """
        vehicle = self._gates.fresh(vehicle, now_s)
        self._gates.step(vehicle)
        last = self._state
        tick = Tick.after(self._last_s, observation.t_s, self._longest_step_s)
        if last is not None and observation.t_s <= last.t_s:
            self.observation = bare(observation)
            self._state = self._again(tick, last, vehicle, faults)
        else:
            self._last_s = tick.t_s
            self._state = self._anew(tick, finite(observation), vehicle, faults)
        return self._state

    def _again(
        self,
        tick: Tick,
        last: DriverState,
        vehicle: VehicleContext | None,
        faults: tuple[Fault, ...],
    ) -> DriverState:
        """Return the last state with what faults and commands change."""
        switches = self._decide(tick, last.t_s, last.eyes_unseen, (), vehicle, faults)
        board = self._policy.board
        active = board.active
        return replace(
            last,
            level=active[0].level if active else _NONE,
            kind=active[0].kind if active else None,
            active=active,
            paused=switches.paused,
            pause_reason=self._switchboard.pause_reason,
            warnings_on=switches.warnings,
            rage_on=switches.rage,
            faults=faults,
            events=tuple(board.events),
        )

    def _anew(
        self,
        tick: Tick,
        observation: DriverObservation,
        vehicle: VehicleContext | None,
        faults: tuple[Fault, ...],
    ) -> DriverState:
        """Step the meters, then the policy; return the state after them."""
        self._sit(tick, observation, vehicle)
        base, emotion, attention, fatigue = (
            self.seat.baseline, self._emotion, self._attention, self._fatigue,
        )  # fmt: skip
        off = vehicle is not None and vehicle.ignition is False and self._gates.stands is not False
        private = off or self._switchboard.pause_reason is _PRIVACY  # in motion, off is a glitch
        observation = self.observation = emotion.read(observation, private=private)
        pose = None if observation.pose is None else base.relative(observation.pose)
        opened = self._fuse(observation, pose, base)
        if self._still.step(tick.t_s, opened, observation.pose, observation.mar):
            opened = disbelieve()
        attention.look(tick, observation, opened, base)
        smile = None if self._state is None else self._state.expression
        events = fatigue.step(tick, observation, opened, pose, smile)
        events += attention.step(
            tick, observation, pose, vehicle,
            lowered=fatigue.lids_away(), unseen=opened.unseen, counts=self._gates.distraction,
        )  # fmt: skip
        fatigue.judge(tick.t_s)
        events += emotion.step(tick, observation, pose, vehicle, base)
        self._learn(observation, opened, pose, tick.dt_s)
        unseen = None
        if fatigue.closure.state is _EYES_UNKNOWN:
            unseen = why_unseen(opened, pose, self._far_to_deg)
        switches = self._decide(tick, tick.t_s, unseen, events, vehicle, faults)
        board, pause = self._policy.board, self._switchboard.pause_reason
        happened = (*events, *board.events)
        return describe(
            observation, opened, pose, unseen, fatigue, attention, emotion, base,
            board, switches, pause, faults, happened,
        )  # fmt: skip

    def _sit(
        self, tick: Tick, observation: DriverObservation, vehicle: VehicleContext | None
    ) -> None:
        """Find out whether another driver has sat down, who must not inherit the former's lids."""
        seat, stands = self.seat, self._gates.stands
        face, on = observation.face is not None, vehicle.ignition if vehicle else None
        parked = stands is True and vehicle is not None and vehicle.gear is Gear.PARK
        closure = self._fatigue.closure
        carry_s = self._carry_s
        asleep = closure.closed_s >= carry_s or closure.unsure_s >= carry_s
        seat.step(tick, face=face, stands=stands, ignition=on, parked=parked, closed=asleep)
        if seat.taken:
            self._fatigue.forget_closure()
            self._emotion.forget()
            self._attention.forget()
        if seat.changed:
            self._fatigue.forget_tiredness()
            self._policy.forget_cool_downs()

    def _fuse(
        self, observation: DriverObservation, pose: HeadPose | None, base: Baseline
    ) -> Openness:
        return fuse(
            (observation.right_eye, observation.left_eye),
            (base.right_ear.value, base.left_ear.value),
            (base.right_net.value, base.left_net.value),
            pose,
            self.settings.openness,
            brightness=observation.brightness,
            unseen=observation.unseen,
            fit=observation.fit,
            own=(base.right_ear.own, base.left_ear.own),
        )

    def _learn(
        self, observation: DriverObservation, opened: Openness, pose: HeadPose | None, dt_s: float
    ) -> None:
        if dt_s <= 0.0 or pose is None or observation.pose is None:
            return
        base, away = self.seat.baseline, self._distraction.away is True
        closed = self._fatigue.closure.start_s is not None
        if not away:
            base.learn_eyes(opened.ears, opened.logits, dt_s, closed=closed)
        if not self._gates.moving:  # parked, a driver looks and sits as they like
            return
        turned = self._distraction.head is True
        far = turned and (self._distraction.slumped or self.settings.distraction.beyond(pose))
        base.learn_pose(observation.pose, dt_s, away=turned, far=far)
        self._attention.learn(base, self._gates.speed_kmh, dt_s)
        if observation.expression is not None:
            self._emotion.learn(observation, pose, base, opened.both)
        if not away and opened.both is not None:
            base.advance(dt_s)

    def _decide(
        self,
        tick: Tick,
        t_s: float,
        unseen: Unseen | None,
        events: Sequence[Event],
        vehicle: VehicleContext | None,
        faults: tuple[Fault, ...],
    ) -> Switches:
        """Apply the policy, whose board then holds what it says; return how the switches stand."""
        closure, distraction, rage = self._fatigue.closure, self._distraction, self._emotion.rage
        drowsiness = self._fatigue.drowsiness
        now = self._situation
        now.t_s = t_s
        now.dt_s = tick.dt_s
        now.eyes = closure.state
        now.unseen = unseen
        now.closed_s = closure.closed_s
        now.closure_start_s = closure.start_s
        now.unsure_s = closure.unsure_s
        now.nod = next((e for e in events if e.kind is Kind.NOD), None) if events else None
        now.away = distraction.away
        now.away_s = distraction.away_s
        now.away_start_s = distraction.start_s
        now.away_sum_s = distraction.summed_s
        now.away_by = distraction.by
        now.slumped = distraction.slumped
        now.drowsiness = drowsiness.level
        now.drowsiness_reason = drowsiness.reason
        now.rage = rage.level
        now.rage_reason = "" if rage.level is _NONE else rage.reason
        now.rage_seen = rage.seen
        now.faults = faults
        switches = self._switchboard.at(t_s, vehicle)
        self._policy.step(now, self._gates, switches)
        return switches
