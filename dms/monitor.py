"""The loop: frame, observation, decision, bridges. Short enough to read aloud.

It owns no policy and no thread. A camera that is lost is told on the bus and opened again with
back-off; a recording that is damaged ends the run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dms.bridge.bridge import Bridge
from dms.camera.camera import Camera
from dms.decision.core import Core
from dms.decision.flapping import Flapping
from dms.errors import CameraError, CameraLostError
from dms.perception.perception import Perception
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


class VehicleSource(Protocol):
    """Where the vehicle's signals come from."""

    def at(self, t_s: float, /) -> VehicleContext | None:
        """Return what is known of the vehicle at ``t_s``, None where no source is set."""


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
    first_s: float | None
    last_s: float | None


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
        perception: Perception,
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
        self._witness = witness
        self._flapping = flapping or Flapping()
        self._camera, self._perception, self._core = camera, perception, core
        self._bridges, self._vehicle, self._sinks = bridges, vehicle, sinks
        self._tellers = fault_tellers(sinks)
        self._settings = settings or MonitorSettings()
        self._clock, self._sleep, self._enter = clock, sleep, enter
        core.hold(PauseReason.PRIVACY if self._settings.paused else None)
        self._private = core.pause_reason is PauseReason.PRIVACY
        self.lost = lost
        self._defects: dict[str, str] = {}  # bridges that raised at the last state, and what
        self._stopping = False
        self._count = 0
        self._first_s: float | None = None
        self._last_s: float | None = None

    def stop(self) -> None:
        """Ask the loop to end after the present frame; safe from a signal handler."""
        self._stopping = True
        self._camera.interrupt()

    def run(self) -> Outcome:
        """Run to the end of the source. Raises CameraError for a damaged recording."""
        while not self._stopping:
            self._enter("camera")
            if self._private and self._camera.live:
                _log.info("camera closed: the driver wants privacy")
                self.lost = None
                if not self._reopen():
                    break
            elif self._camera.opening and not self._reopen():  # to read would keep the bus silent
                break
            try:
                frame = self._camera.read()
            except CameraLostError as lost:
                _log.error("camera lost: %s", lost)
                self.lost = str(lost)
                if not self._reopen():
                    break
                continue
            if frame is None:
                break
            self.lost = None
            self._enter("perception")
            observation = self._perception.observe(frame)
            self._step(observation, frame, self._perception.faults)
            del observation  # what of it may be kept, the core keeps
        return Outcome(self._count, self._first_s, self._last_s)

    def _step(
        self, observation: DriverObservation, frame: Frame | None, faults: tuple[Fault, ...]
    ) -> None:
        self._enter("decision")
        now_s = observation.t_s
        vehicle = self._vehicle.at(now_s) if self._vehicle else None
        for bridge in self._bridges:
            for command in bridge.commands():
                self._core.command(command)
                if self._witness is not None:
                    self._witness.command(command, bridge.name)
            if self._witness is not None:
                for what in bridge.witnessed():
                    self._witness.note(what, bridge.name)
        faults += tuple(
            Fault(Part.BRIDGE, bridge.fault) for bridge in self._bridges if bridge.fault
        )
        faults += tuple(Fault(Part.BRIDGE, words) for words in self._defects.values())
        if fault := getattr(self._vehicle, "fault", None):  # a log or a test has none
            faults += (Fault(Part.VEHICLE, fault),)
        faults = self._flapping.hold((*faults, *faults_told(self._tellers)), now_s)
        state = self._core.step(observation, vehicle, now_s, faults)
        self._private = state.pause_reason is PauseReason.PRIVACY
        self._enter("bridge")
        for bridge in self._bridges:
            self._publish(bridge, state)
        self._enter("record")
        step = Step(Moment(self._core.observation, vehicle, faults), state, frame)
        for sink in self._sinks:
            sink.take(step)
        if frame is not None:
            self._count += 1
            self._first_s = now_s if self._first_s is None else self._first_s
        self._last_s = now_s

    def _publish(self, bridge: Bridge, state: DriverState) -> None:
        """Publish; a defect of one bridge must cost neither the others nor the event store."""
        try:
            bridge.publish(state)
        except Exception as error:  # noqa: BLE001  (bridges may be the user's own classes)
            words = f"{bridge.name}: unexpected {type(error).__name__}: {error}; please report it"
            if bridge.name not in self._defects:
                _log.error("%s", words, exc_info=error)
            self._defects[bridge.name] = words
        else:
            self._defects.pop(bridge.name, None)

    def _reopen(self) -> bool:
        """Wait for the camera to come back, telling the bus meanwhile; False when stopped.

        Without a fault in :attr:`lost` it was closed for privacy, which lasts as the core says.
        """
        if not self._camera.opening:
            self._camera.close()
        self._perception.reset()
        eye = EyeEvidence(unseen=Unseen.CAMERA)
        pause, due_s = self._settings.first_retry_s, self._clock()
        asleep_s = due_s
        while not self._stopping:
            now_s = self._clock()
            blind = DriverObservation(now_s, right_eye=eye, left_eye=eye, unseen=Unseen.CAMERA)
            self._step(blind, None, (Fault(Part.CAMERA, self.lost),) if self.lost else ())
            self._enter("camera")
            if self._private:
                self._camera.close()
                self.lost, asleep_s, due_s = None, now_s, now_s
            elif now_s >= due_s:
                try:
                    self._camera.open()
                except CameraError as error:
                    _log.debug("camera not back: %s", error)
                    if now_s - asleep_s > self._settings.wake_s:
                        self.lost = self.lost or str(error)
                    pause = min(2 * pause, self._settings.longest_retry_s)
                    due_s = now_s + pause
                else:
                    _log.info("camera is back")
                    return True
            self._sleep(self._settings.blind_period_s)
        return False
