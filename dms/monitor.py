"""The loop: frame, observation, decision, bridges. Short enough to read aloud.

It owns no policy and no thread. A camera that is lost is reported on the bus and opened again with
back-off; a recording that is damaged ends the run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from dms.bridge.bridge import Bridge, asked, fault_of
from dms.camera.camera import Camera
from dms.camera.keeper import Keeper
from dms.decision.core import Core
from dms.decision.flapping import Flapping
from dms.errors import CameraLostError
from dms.settings import setting, settings
from dms.values import (
    Command,
    DriverObservation,
    DriverState,
    EyeEvidence,
    Fault,
    Frame,
    Moment,
    Part,
    PauseReason,
    Step,
    Unseen,
    VehicleContext,
)

_log = logging.getLogger(__name__)


@settings
class MonitorSettings:
    """How a lost camera is waited for."""

    first_retry_s: float = setting(0.2, unit="s", gt=0, text="first pause before opening again")
    longest_retry_s: float = setting(
        1.0, unit="s", gt=0, source="design: back-off at most 1 s", text="longest such pause"
    )
    blind_period_s: float = setting(
        0.1, unit="s", gt=0, text="while there is no picture the decision steps this often"
    )
    paused: bool = setting(
        False, text="monitoring is off and a live camera closed, told on every bus as Privacy"
    )
    wake_s: float = setting(
        5.0, unit="s", gt=0, text="a camera that was closed for privacy may take so long to come"
    )
    rest_s: float = setting(
        5.0,
        unit="s",
        ge=0,
        text="a camera that was closed for privacy is opened once in so long at most",
    )


class VehicleSource(Protocol):
    """Where the vehicle's signals come from."""

    def at(self, t_s: float, /) -> VehicleContext | None:
        """Return what is known of the vehicle at ``t_s``, None where no source is set."""


class Observer(Protocol):
    """What makes an observation of a frame: perception, or what stands before it."""

    @property
    def faults(self) -> tuple[Fault, ...]: ...
    def observe(self, frame: Frame, /) -> DriverObservation: ...
    def reset(self) -> None: ...


class Sink(Protocol):
    """Something that keeps or shows what happens."""

    def take(self, step: Step, /) -> None: ...


class Witness(Protocol):
    """Keeps who did what."""

    def note(self, what: str, source: str) -> None: ...

    def command(self, command: Command, source: str) -> None: ...


@runtime_checkable
class FaultTeller(Protocol):
    """A sink that may fail while the loop goes on; ``part`` is its name on the bus."""

    part: Part

    @property
    def fault(self) -> str | None: ...


def fault_tellers(sinks: Sequence[Sink]) -> list[FaultTeller]:
    """Return those sinks that can tell a fault."""
    return [sink for sink in sinks if isinstance(sink, FaultTeller)]


def faults_told(tellers: Sequence[FaultTeller]) -> tuple[Fault, ...]:
    """Return what is wrong with them now."""
    return tuple(Fault(one.part, one.fault) for one in tellers if one.fault)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    frames: int
    last_s: float | None


class Turn:
    """One turn of every loop: commands in, decision, bridges, sinks.

    The live loop, a replay and the service while it starts differ only in what they observe.
    """

    def __init__(
        self,
        core: Core,
        bridges: Sequence[Bridge] = (),
        vehicle: VehicleSource | None = None,
        sinks: Sequence[Sink] = (),
        enter: Callable[[str], None] = lambda _: None,
        flapping: Flapping | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._core, self._bridges, self._vehicle, self._sinks = core, bridges, vehicle, sinks
        self._tellers = fault_tellers(sinks)
        self._enter, self._witness = enter, witness
        self._flapping = flapping or Flapping()
        # Of bridges that raised when last called, by id: one of the user's own may have no hash.
        self._defects: dict[tuple[int, str], str] = {}

    def live(
        self, seen: DriverObservation, frame: Frame | None = None, faults: Sequence[Fault] = ()
    ) -> Step:
        """Decide on what is seen now, beside what the vehicle and all parts say now."""
        self._enter("decision")
        vehicle = self._vehicle.at(seen.t_s) if self._vehicle else None
        self._hear()
        told = self._flapping.hold((*faults, *self._faults()), seen.t_s)
        return self._decide(Moment(seen, vehicle, told), frame)

    def recorded(self, moment: Moment) -> Step:
        """Decide on a recorded moment; a log of the bus takes the place of its vehicle."""
        if self._vehicle is not None:
            moment = replace(moment, vehicle=self._vehicle.at(moment.observation.t_s))
        self._hear()
        return self._decide(moment, None)

    def _hear(self) -> None:
        for bridge in self._bridges:
            for command in self._asked(bridge):
                self._core.command(command)
                if self._witness is not None:
                    self._witness.command(command, bridge.name)
            if self._witness is not None:
                for what in bridge.witnessed():
                    self._witness.note(what, bridge.name)

    def _faults(self) -> Iterator[Fault]:
        for bridge in self._bridges:
            if words := self._fault_of(bridge):
                yield Fault(Part.BRIDGE, words)
        yield from (Fault(Part.BRIDGE, words) for words in tuple(self._defects.values()))
        if fault := getattr(self._vehicle, "fault", None):  # a log or a test has none
            yield Fault(Part.VEHICLE, fault)
        yield from faults_told(self._tellers)

    def _decide(self, moment: Moment, frame: Frame | None) -> Step:
        seen = moment.observation
        state = self._core.step(seen, moment.vehicle, seen.t_s, moment.faults)
        self._enter("bridge")
        for bridge in self._bridges:
            self._publish(bridge, state)
        self._enter("record")
        kept = self._core.observation  # what of it may be kept
        if kept is not seen:
            moment = Moment(kept, moment.vehicle, moment.faults)
        step = Step(moment, state, frame)
        for sink in self._sinks:
            sink.take(step)
        return step

    def _publish(self, bridge: Bridge, state: DriverState) -> None:
        """Publish; a defect of one bridge must cost neither the others nor the event store."""
        try:
            bridge.publish(state)
        except Exception as error:  # noqa: BLE001  (bridges may be the user's own classes)
            self._note(bridge, "publish", error)
        else:
            self._defects.pop((id(bridge), "publish"), None)

    def _asked(self, bridge: Bridge) -> tuple[Command, ...]:
        try:
            commands = asked(bridge)
        except Exception as error:  # noqa: BLE001  (as above)
            self._note(bridge, "commands", error)
            return ()
        self._defects.pop((id(bridge), "commands"), None)
        return commands

    def _fault_of(self, bridge: Bridge) -> str | None:
        try:
            fault = fault_of(bridge)
        except Exception as error:  # noqa: BLE001  (as above)
            self._note(bridge, "fault", error)
            return None
        self._defects.pop((id(bridge), "fault"), None)
        return fault

    def _note(self, bridge: Bridge, method: str, error: Exception) -> None:
        name = getattr(bridge, "name", type(bridge).__name__)
        words = f"{name}: unexpected {type(error).__name__}: {error}; please report it"
        if (id(bridge), method) not in self._defects:
            _log.error("%s", words, exc_info=error)
        self._defects[id(bridge), method] = words


class Monitor:
    """Runs one source through the chain until it ends or :meth:`stop` is called.

    ``enter`` is told the stage that begins: camera, perception, decision, bridge, record.
    ``lost`` says why a camera that is still being opened gives no picture, None where it was closed
    for privacy before; then it is why the camera is lost, None while it is not. ``flapping`` goes
    on from a loop before.
    """

    def __init__(
        self,
        camera: Camera,
        perception: Observer,
        core: Core,
        bridges: Sequence[Bridge] = (),
        vehicle: VehicleSource | None = None,
        sinks: Sequence[Sink] = (),
        settings: MonitorSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        enter: Callable[[str], None] = lambda _: None,
        lost: str | None = None,
        flapping: Flapping | None = None,
        witness: Witness | None = None,
    ) -> None:
        s = self._settings = settings or MonitorSettings()
        self._turn = Turn(core, bridges, vehicle, sinks, enter, flapping, witness)
        self._camera, self._perception, self._core = camera, perception, core
        self._clock, self._sleep, self._enter = clock, sleep, enter
        self._keeper = Keeper(
            camera, first_retry_s=s.first_retry_s, longest_retry_s=s.longest_retry_s,
            wake_s=s.wake_s, rest_s=s.rest_s, lost=lost,
        )  # fmt: skip
        core.hold(PauseReason.PRIVACY if s.paused else None)
        self._private = core.pause_reason is PauseReason.PRIVACY
        self._stopping = False

    @property
    def lost(self) -> str | None:
        """Why the camera is lost, None while it is not."""
        return self._keeper.lost

    def stop(self) -> None:
        """Ask the loop to end after the present frame; safe from a signal handler."""
        self._stopping = True
        self._camera.interrupt()

    def run(self) -> Outcome:
        """Run to the end of the source. Raises CameraError for a damaged recording."""
        frames, last_s = 0, None
        for step in self.steps():
            last_s = step.t_s
            if step.frame is not None:
                frames += 1
        return Outcome(frames, last_s)

    def steps(self) -> Iterator[Step]:
        """Yield a step for every frame, and one now and then while there is no picture.

        Raises CameraError for a damaged recording.
        """
        while not self._stopping:
            self._enter("camera")
            if self._private and self._camera.live:
                _log.info("camera closed: the driver wants privacy")
                yield from self._blind(None)
            elif self._camera.opening:  # to read would keep the bus silent
                yield from self._blind(self.lost)
            if self._stopping:
                return
            try:
                frame = self._camera.read()
            except CameraLostError as lost:
                _log.error("camera lost: %s", lost)
                yield from self._blind(str(lost))
                continue
            if frame is None:
                return
            self._keeper.lost = None
            yield self._look(frame)

    def _look(self, frame: Frame) -> Step:
        if frame.lost is not None:
            self._perception.reset()
            blind = unseen(frame.t_s, Unseen.CAMERA)
            return self._told(self._turn.live(blind, frame, (Fault(Part.CAMERA, frame.lost),)))
        self._enter("perception")
        seen = self._perception.observe(frame)
        return self._told(self._turn.live(seen, frame, self._perception.faults))

    def _blind(self, why: str | None) -> Iterator[Step]:
        """Yield steps until the camera is back, or the loop is stopped.

        ``why`` it is lost; without, privacy has closed it, which lasts as the core says.
        """
        self._keeper.lose(self._clock(), why)
        self._perception.reset()
        while not self._stopping:
            now_s = self._clock()
            faults = (Fault(Part.CAMERA, self.lost),) if self.lost else ()
            yield self._told(self._turn.live(unseen(now_s, Unseen.CAMERA), None, faults))
            self._enter("camera")
            if self._keeper.opened(now_s, private=self._private):
                _log.info("camera is back")
                return
            self._sleep(self._settings.blind_period_s)

    def _told(self, step: Step) -> Step:
        self._private = step.state.pause_reason is PauseReason.PRIVACY
        return step


def unseen(t_s: float, why: Unseen) -> DriverObservation:
    """Return the observation of a moment without a picture."""
    eye = EyeEvidence(unseen=why)
    return DriverObservation(t_s, right_eye=eye, left_eye=eye, unseen=why)


def replayed(
    moments: Iterable[Moment],
    core: Core,
    bridges: Sequence[Bridge] = (),
    sinks: Sequence[Sink] = (),
    vehicle: VehicleSource | None = None,
) -> Iterator[Step]:
    """Yield a step for each of the recorded ``moments``, without pixels.

    ``vehicle``, a log of the bus, takes the place of what was recorded of it.
    """
    turn = Turn(core, bridges, vehicle, sinks)
    for moment in moments:
        yield turn.recorded(moment)


def replay(
    moments: Iterable[Moment],
    core: Core,
    bridges: Sequence[Bridge] = (),
    sinks: Sequence[Sink] = (),
    vehicle: VehicleSource | None = None,
) -> DriverState | None:
    """Run through ``moments``; return the last state, None for an empty recording."""
    state = None
    for step in replayed(moments, core, bridges, sinks, vehicle):
        state = step.state
    return state
