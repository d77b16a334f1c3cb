"""The pure decision core: one observation in, one frozen, explained state out.

No clock, file or picture: the same observations give the same alerts, at any frame rate and speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dms.decision.attention import Attention
from dms.decision.baseline import Baseline, BaselineSettings, Known
from dms.decision.describe import of_alerts, of_eyes, of_fatigue, of_mood
from dms.decision.distraction import DistractionSettings
from dms.decision.emotion.affect import AffectSettings
from dms.decision.emotion.context import ContextSettings
from dms.decision.emotion.emotion import Emotion
from dms.decision.emotion.micro_expressions import MicroExpressionSettings
from dms.decision.emotion.rage import RageSettings
from dms.decision.emotion.relative import RelativeHead
from dms.decision.emotion.rest import RestSettings, bare
from dms.decision.emotion.speech import SpeechSettings
from dms.decision.fatigue.blinks import Blinks, BlinkSettings
from dms.decision.fatigue.closure import Closure, ClosureSettings, Ended
from dms.decision.fatigue.drowsiness import (
    BlinkRecord,
    Drowsiness,
    DrowsinessSettings,
    SteadyLevel,
    judge,
)
from dms.decision.fatigue.nods import Nods, NodSettings
from dms.decision.fatigue.perclos import Perclos, PerclosSettings
from dms.decision.fatigue.yawns import Yawns, YawnSettings
from dms.decision.gates import Gates, GateSettings
from dms.decision.gaze import GazeSettings
from dms.decision.head import Head, HeadSettings
from dms.decision.lids import LidSettings, LidSigns, Signs
from dms.decision.nan_guard import finite
from dms.decision.openness import Openness, OpennessSettings, fuse
from dms.decision.policy import Policy, PolicySettings, Situation
from dms.decision.profiles import DEFAULT_PROFILE, Rules, find_rules
from dms.decision.seat import Seat, SeatSettings
from dms.decision.spoof import Still, StillSettings, disbelieve
from dms.decision.switches import Switchboard
from dms.decision.tick import LONGEST_STEP_S, Tick, reached
from dms.decision.zones import ZoneSettings
from dms.settings import setting, settings
from dms.values import (
    EXPRESSIONS,
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
    LidsState,
    PauseReason,
    VehicleContext,
)


@settings
class CoreSettings:
    """Every threshold of the decision, each beside what uses it."""

    profile: str = setting(
        DEFAULT_PROFILE, source="DESIGN", text="euro_ncap_2026, euro_ncap_2023, eu_gsr or your own"
    )
    profiles: Mapping[str, Rules] = setting({}, text="your own profiles by name")
    baseline: BaselineSettings = BaselineSettings()
    seat: SeatSettings = SeatSettings()
    openness: OpennessSettings = OpennessSettings()
    still: StillSettings = StillSettings()
    head: HeadSettings = HeadSettings()
    lids: LidSettings = LidSettings()
    closure: ClosureSettings = ClosureSettings()
    blinks: BlinkSettings = BlinkSettings()
    perclos: PerclosSettings = PerclosSettings()
    yawns: YawnSettings = YawnSettings()
    nods: NodSettings = NodSettings()
    drowsiness: DrowsinessSettings = DrowsinessSettings()
    gaze: GazeSettings = GazeSettings()
    zones: ZoneSettings = ZoneSettings()
    distraction: DistractionSettings = DistractionSettings()
    affect: AffectSettings = AffectSettings()
    rest: RestSettings = RestSettings()
    speech: SpeechSettings = SpeechSettings()
    rage: RageSettings = RageSettings()
    context: ContextSettings = ContextSettings()
    micro: MicroExpressionSettings = MicroExpressionSettings()
    gates: GateSettings = GateSettings()
    policy: PolicySettings = PolicySettings()
    longest_step_s: float = setting(
        LONGEST_STEP_S, unit="s", gt=0,
        text="a longer gap between frames is time in which nothing is known",
    )  # fmt: skip


_DECIDED_BY = ("t_s", "eyes", "eyes_unseen", "drowsiness", "drowsiness_reason")


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
        self._forget_closure()
        self._forget_tiredness()
        parts = (s.affect, s.rage, s.context, s.micro, s.rest, s.speech)
        self._emotion = Emotion(*parts, head=self._head)
        self._gates = Gates(s.gates, self.rules)
        self._policy = Policy(s.policy, self.rules)
        self._state: DriverState | None = None
        self._last_s: float | None = None
        self._switchboard.reset()

    def succeed(self, old: Core, *, same_driver: bool) -> None:
        """Take over from ``old``, whose settings were others: timers begin anew, the rest stays.

        What stays are the head unit's switches and pause and, of the ``same_driver``, the baseline,
        a closure that runs and the critical alerts: no change of settings wakes a sleeper.
        """
        if same_driver:
            self.reset(old.baseline.known)
            self.seat.keep_owner(old.seat)
            self._closure.succeed(old._closure)
            self._emotion.succeed(old._emotion)
            self._last_s = old._last_s
            self._policy.succeed(old._policy)
        self._switchboard.succeed(old._switchboard)

    def _forget_closure(self) -> None:
        """Drop what is under way: the closure, the blink, the nod."""
        self._closure = Closure(self.settings.closure)
        self._blinks = Blinks(self.settings.blinks)
        self._nods = Nods(self.settings.nods)
        self._drop = Head(self.settings.head)
        self._lids = LidSigns(self.settings.lids)

    def _forget_tiredness(self) -> None:
        """Drop what has been counted; an alert that stands ends only by its own rule."""
        s = self.settings
        self._perclos = Perclos(s.perclos)
        self._yawns = Yawns(s.yawns)
        self._record = BlinkRecord(s.drowsiness)
        self._steady = SteadyLevel(s.drowsiness)

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
        last, tick = self._state, self._tick(observation.t_s)
        if last is not None and observation.t_s <= last.t_s:
            self.observation = bare(observation)
            decided = self._decide(
                tick, {name: getattr(last, name) for name in _DECIDED_BY}, (), vehicle, faults
            )
            self._state = replace(last, **decided)
        else:
            self._last_s = tick.t_s
            known, events = self._observe(tick, finite(observation), vehicle)
            decided = self._decide(tick, known, tuple(events), vehicle, faults)
            self._state = DriverState(**known, **decided)
        return self._state

    def _observe(
        self,
        tick: Tick,
        observation: DriverObservation,
        vehicle: VehicleContext | None,
    ) -> tuple[dict[str, Any], list[Event]]:
        """Step the meters; return what they know, as fields of the state, and what they tell."""
        self._sit(tick, observation, vehicle)
        private = self._private(vehicle)
        observation = self.observation = self._emotion.read(observation, private=private)
        pose = None if observation.pose is None else self.baseline.relative(observation.pose)
        opened = self._fuse(observation, pose)
        if self._still.step(tick.t_s, opened, observation.pose, observation.mar):
            opened = disbelieve()
        self._attention.look(observation, opened, self.baseline)
        self._drop.step(tick.t_s, observation.face, pose)
        signs = self._lids.step(observation, opened, self._drop)
        closure = self._closure
        closure.step(tick, opened.lids, opened.certainty, signs)
        events = self._find(tick, observation, opened, signs)
        events += self._attention.step(
            tick, observation, pose, vehicle,
            lowered=self._lids_away(), unseen=opened.unseen, counts=self._gates.distraction,
        )  # fmt: skip
        drowsiness = self._judge(tick.t_s)
        events += self._emotion.step(observation, pose, vehicle, self.baseline)
        self._learn(observation, opened, pose, tick.dt_s)
        known = {
            **of_eyes(observation, opened, pose, closure, self.settings.openness.far_to_deg),
            **of_fatigue(self._perclos, self._record, self._yawns, drowsiness),
            **of_mood(self._emotion),
            **self._attention.known(self.baseline),
            "baseline_progress": self.baseline.progress,
        }
        return known, events

    def _private(self, vehicle: VehicleContext | None) -> bool:
        """Whether the driver's face is to be forgotten: privacy is wanted or the ignition off.

        In motion the ignition is not off: that is a glitch, as :mod:`dms.decision.seat` has it.
        """
        off = vehicle is not None and vehicle.ignition is False and self._gates.stands is not False
        return off or self._switchboard.pause_reason is PauseReason.PRIVACY

    def _tick(self, t_s: float) -> Tick:
        return Tick.after(self._last_s, t_s, self.settings.longest_step_s)

    def _sit(
        self, tick: Tick, observation: DriverObservation, vehicle: VehicleContext | None
    ) -> None:
        """Find out whether another driver has sat down, who must not inherit the former's lids."""
        seat, stands = self.seat, self._gates.stands
        face, on = observation.face is not None, vehicle.ignition if vehicle else None
        parked = stands is True and vehicle is not None and vehicle.gear is Gear.PARK
        closure = self._closure
        asleep = max(closure.closed_s, closure.unsure_s) >= self.settings.closure.carry_s
        seat.step(tick, face=face, stands=stands, ignition=on, parked=parked, closed=asleep)
        if seat.taken:
            self._forget_closure()
            self._emotion.forget()
            self._attention.forget()
        if seat.changed:
            self._forget_tiredness()

    def _fuse(self, observation: DriverObservation, pose: HeadPose | None) -> Openness:
        base = self.baseline
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

    def _find(
        self, tick: Tick, observation: DriverObservation, opened: Openness, signs: Signs
    ) -> list[Event]:
        """Step the finders of blinks, long closures, yawns and nods."""
        t_s, closure = tick.t_s, self._closure
        events = self._nod(observation, signs)
        seen = closure.state is not EyesState.UNKNOWN
        blink = self._blinks.step(tick, opened.both if seen else None)
        if blink is not None:
            self._record.add_blink(t_s, blink.duration_s)
            event = _observed(t_s, Kind.BLINK, "blink", blink.start_s, blink.end_s)
            events.append(replace(event, values=blink.values))
        self._perclos.step(tick, seen=seen, closed_s=closure.closed_s, start_s=closure.start_s)
        if closure.ended is not None:
            events.extend(self._end_closure(t_s, closure.ended))
        scores = None if self._state is None else self._state.expression
        happy = None if scores is None else scores[EXPRESSIONS.index("happiness")]
        if (yawn := self._yawns.step(t_s, observation.mar, happy, observation.yawn)) is not None:
            event = _observed(t_s, Kind.YAWN, "yawn", yawn.start_s, yawn.end_s)
            events.append(replace(event, values={"peak": round(yawn.peak, 3)}))
        return events

    def _nod(self, observation: DriverObservation, signs: Signs) -> list[Event]:
        """Find a nod: it makes a closure that could not be told from a look a microsleep."""
        t_s, closure = observation.t_s, self._closure
        nod = self._nods.step(
            t_s,
            self._drop,
            signs,
            closure_s=closure.start_s,
            shut=closure.state is not EyesState.OPEN,
            seen=observation.face is not None,
        )
        if nod is None:
            return []
        closure.prove()
        if nod.before_s is not None:
            self._record.add_nod(t_s)
        event = _observed(t_s, Kind.NOD, "nod", nod.start_s, nod.end_s)
        return [replace(event, values={"fall_deg": round(nod.fall_deg, 1)})]

    def _lids_away(self) -> bool:
        """Whether the lids say that the eyes are off the road, for longer than a blink."""
        closure = self._closure
        if closure.lids is LidsState.AWAY_OR_CLOSED:
            return closure.unsure_s >= self.settings.closure.carry_s - 1e-3
        return closure.lids is LidsState.LOWERED

    def _end_closure(self, t_s: float, ended: Ended) -> list[Event]:
        """Note a closure of a microsleep's length with its start and end, as observed only."""
        if not reached(ended.closed_s, self.rules.microsleep_s):
            return []
        self._record.add_microsleep(t_s)
        kind = Kind.SLEEP if reached(ended.closed_s, self.rules.sleep_s) else Kind.MICROSLEEP
        event = _observed(t_s, kind, "the closure has ended", ended.start_s, ended.end_s)
        return [replace(event, values={"closed_s": round(ended.closed_s, 3)})]

    def _judge(self, t_s: float) -> Drowsiness:
        self._record.forget(t_s)
        evidence = self._record.evidence(
            self._perclos.value, self._perclos.seen_s, self._yawns.count
        )
        return self._steady.step(t_s, judge(evidence, self.settings.drowsiness))

    def _learn(
        self, observation: DriverObservation, opened: Openness, pose: HeadPose | None, dt_s: float
    ) -> None:
        if dt_s <= 0.0 or pose is None or observation.pose is None:
            return
        base, away = self.baseline, self._distraction.away is True
        closed = self._closure.start_s is not None
        if not away:
            base.learn_eyes(opened.ears, opened.logits, dt_s, closed=closed)
        if not self._gates.moving:  # parked, a driver looks and sits as he likes
            return
        far = self._distraction.slumped or self.settings.distraction.beyond(pose)
        base.learn_pose(observation.pose, dt_s, away=self._distraction.head is True, far=far)
        self._attention.learn(base, self._gates.speed_kmh, dt_s)
        self._emotion.learn(observation, pose, base, opened.both)
        if not away and opened.both is not None:
            base.advance(dt_s)

    def _decide(
        self,
        tick: Tick,
        known: Mapping[str, Any],
        events: tuple[Event, ...],
        vehicle: VehicleContext | None,
        faults: tuple[Fault, ...],
    ) -> dict[str, Any]:
        """Apply the policy; return what it says, as fields of the state."""
        closure, distraction = self._closure, self._distraction
        situation = Situation(
            t_s=known["t_s"],
            dt_s=tick.dt_s,
            eyes=known["eyes"],
            unseen=known["eyes_unseen"],
            closed_s=closure.closed_s,
            closure_start_s=closure.start_s,
            unsure_s=closure.unsure_s,
            nod=next((e for e in events if e.kind is Kind.NOD), None),
            away=distraction.away,
            away_s=distraction.away_s,
            away_start_s=distraction.start_s,
            away_sum_s=distraction.summed_s,
            away_by=distraction.by,
            slumped=distraction.slumped,
            drowsiness=known["drowsiness"],
            drowsiness_reason=known["drowsiness_reason"],
            rage=self._emotion.rage.level,
            rage_reason=self._emotion.rage.reason,
            faults=faults,
        )
        switches = self._switchboard.at(known["t_s"], vehicle)
        self._policy.step(situation, self._gates, switches)
        board = self._policy.board
        told = of_alerts(board, switches, self._switchboard.pause_reason, faults)
        return {**told, "events": (*events, *board.events)}


def _observed(t_s: float, kind: Kind, reason: str, start_s: float, end_s: float) -> Event:
    """Make an event of what is only observed, level 0."""
    return Event(t_s, kind, Level.NONE, reason, start_s, end_s)
