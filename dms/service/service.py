"""The vehicle's service: starts the chain, keeps it alive under systemd, re-reads its settings.

Ready only once camera, nets and bridges answer, or after a while with what is missing in the status
line. Faults are told and retried here; only a hanging stage or a defect ends the process. While a
reload loads nets, those before go on watching; what the settings do not change runs through it.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

from dms.bridge.backends import BridgeSettings
from dms.bridge.kept import KeptBridge, keep
from dms.camera.backends import open_camera
from dms.camera.camera import Camera
from dms.camera.settings import CameraSettings
from dms.chain import Chain
from dms.config import Settings
from dms.decision.flapping import Flapping
from dms.errors import CameraError, DmsError
from dms.monitor import (
    FaultTeller,
    Monitor,
    Sink,
    VehicleSource,
    Witness,
    fault_tellers,
    faults_told,
)
from dms.service.loading import Loading
from dms.service.notify import Notifier
from dms.service.reloading import Reloading
from dms.service.restarts import Restarts
from dms.service.status import Status
from dms.service.watchdog import Liveness
from dms.values import (
    DriverObservation,
    EyeEvidence,
    Fault,
    Moment,
    Part,
    PauseReason,
    Step,
    Unseen,
    VehicleContext,
)

_log = logging.getLogger(__name__)
_TICK_S = 0.1  # the cyclic messages' period


@dataclass
class _Parts:
    """What runs now, and with which settings it was made."""

    chain: Chain
    camera: Camera
    bridges: list[KeptBridge]
    camera_is_new: bool = True  # its first picture is waited for, not told as lost
    vehicle: VehicleSource | None = None
    vehicle_open: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.chain.core.hold(PauseReason.PRIVACY if self.held else None)

    @property
    def held(self) -> bool:
        """Whether the settings keep a live camera closed."""
        return self.chain.settings.monitor.paused and self.camera.live

    @property
    def private(self) -> bool:
        """Whether a live camera must stay closed, by the settings or a command of the head unit."""
        commanded = self.chain.core.pause_reason is PauseReason.PRIVACY
        return self.held or (commanded and self.camera.live)


class Service:
    """Runs until :meth:`stop`; :meth:`ask_reload` swaps the settings without ending the process.

    ``make_camera`` gives the camera of the settings, not yet open, which never waits as it opens.
    """

    def __init__(
        self,
        read_settings: Callable[[], Settings],
        notifier: Notifier,
        liveness: Liveness,
        status: Status,
        sinks: Sequence[Sink] = (),
        restarts: Restarts | None = None,
        make_camera: Callable[[CameraSettings], Camera] | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._witness = witness
        self._make_camera = make_camera or partial(open_camera, patient=True)
        self._notifier = notifier
        self._liveness = liveness
        self._status = status
        self._sinks = (status, *sinks)
        self._tellers = fault_tellers(sinks)
        self._restarts = restarts
        self._monitor: Monitor | None = None
        self._parts: _Parts | None = None
        self._retiring: list[threading.Thread] = []
        self._flapping = Flapping()
        self._stopping = False
        self._reloading = Reloading(
            read_settings, notifier, status, self._running, self._end_watch, witness
        )

    def stop(self) -> None:
        """Ask the service to end; safe from a signal handler."""
        self._stopping = True
        self._end_watch()

    def _running(self) -> Chain | None:
        return None if self._parts is None else self._parts.chain

    def _end_watch(self) -> None:
        if self._monitor is not None:
            self._monitor.stop()

    def ask_reload(self) -> None:
        """Ask for the settings to be read again; safe from a signal handler."""
        self._reloading.ask()

    def run(self, settings: Settings) -> None:
        """Run to the end. Raises DmsError for what no retry can mend."""
        started_s = time.monotonic()
        self._reloading.start()
        with ExitStack() as stack:
            stack.callback(self._close)
            self._parts = self._make(Chain(settings), None)
            self._listen(self._parts, None)
            self._look_at_camera(self._parts)  # the nets may be loaded before it answers
            while not self._stopping:
                if not self._start(self._parts):
                    break
                self._watch(self._parts, started_s)
                chain = self._reloading.take()
                if chain is not None:
                    self._liveness.enter("load")  # not under the deadline of the loop's last stage
                    before, self._parts = self._parts, self._make(chain, self._parts)
                    self._listen(self._parts, before)
                    self._look_at_camera(self._parts)
                    self._reloading.done()
                elif not self._stopping and not self._parts.camera.live:
                    break  # a recording has ended

    def _make(self, chain: Chain, old: _Parts | None) -> _Parts:
        """Make the parts around ``chain``; what its settings do not change is kept as it runs."""
        settings = chain.settings
        self._status.parts = _parts_of(settings, self._tellers)
        if old is None:
            camera = self._make_camera(settings.camera)
            return _Parts(chain, camera, _opened(settings.bridges, []))
        was = old.chain.settings
        chain.adopt_core(old.chain)
        if not chain.loaded and old.chain.loaded and chain.same_eyes(old.chain):
            chain.adopt_eyes(old.chain)
        self._retire(old.chain)
        camera, bridges = old.camera, old.bridges
        if settings.camera != was.camera:
            old.camera.close()
            camera = self._make_camera(settings.camera)
        if settings.bridges != was.bridges or any(bridge.stale for bridge in bridges):
            bridges = _opened(settings.bridges, bridges)
        is_new = old.camera_is_new or camera is not old.camera
        return _Parts(chain, camera, bridges, camera_is_new=is_new)

    def _listen(self, parts: _Parts, old: _Parts | None) -> None:
        """Open the vehicle's signals, or go on with those before: a database takes its time."""
        settings = parts.chain.settings.vehicle
        if old is not None:
            if settings == old.chain.settings.vehicle and parts.bridges is old.bridges:
                parts.vehicle, parts.vehicle_open = old.vehicle, old.vehicle_open
                return
            old.vehicle_open.close()
        try:
            parts.vehicle = parts.vehicle_open.enter_context(parts.chain.vehicle(parts.bridges))
        except (DmsError, OSError) as error:
            _log.error("The vehicle's signals cannot be heard: %s", error)
            parts.vehicle = _Unheard(str(error))

    def _retire(self, chain: Chain) -> None:
        """Free what a chain holds in a thread of its own: a GPU takes its time, nobody waits."""
        self._retiring = [thread for thread in self._retiring if thread.is_alive()]
        self._retiring.append(threading.Thread(target=chain.close, name="dms-retire", daemon=True))
        self._retiring[-1].start()

    def _start(self, parts: _Parts) -> bool:
        """Load and open while the bus hears "starting"; False when told to stop meanwhile."""
        begun_s = time.monotonic()
        if not parts.chain.loaded:
            # Loading may hold Python's lock, so that nobody can feed the watchdog meanwhile.
            with self._notifier.allowing(parts.chain.settings.service.liveness.load_s):
                self._load(parts, begun_s)
        while parts.camera_is_new and "camera" in self._status.missing and not self._interrupted:
            self._liveness.enter("camera")
            self._look_at_camera(parts)
            if time.monotonic() - begun_s > parts.chain.settings.service.start.ready_s:
                break  # the loop waits for it, and tells it as lost
            self._tell_starting(parts)
            time.sleep(_TICK_S)
        self._status.ready(self._notifier)
        return not self._stopping

    def _load(self, parts: _Parts, begun_s: float) -> None:
        """Load landmarks and nets, again and again; settings read meanwhile end it, too."""
        settings = parts.chain.settings.service
        self._status.missing["nets"] = "still loading"
        loading: Loading | None = self._begin_loading(parts)
        retry_s = 0.0
        while not self._interrupted:
            if loading is not None and loading.wait(0.0):
                if self._has_loaded(loading):
                    break
                loading, retry_s = None, time.monotonic() + settings.start.load_retry_s
            if loading is None:
                self._liveness.enter("camera")
                if time.monotonic() >= retry_s:
                    loading = self._begin_loading(parts)
            self._look_at_camera(parts)
            if time.monotonic() - begun_s > settings.start.ready_s:
                self._status.ready(self._notifier)
            self._tell_starting(parts)
            time.sleep(_TICK_S)
        if loading is not None and not parts.chain.loaded:
            loading.abandon()
        for part in ("nets", "engine"):
            self._status.missing.pop(part, None)

    def _begin_loading(self, parts: _Parts) -> Loading:
        """Load in a thread; its deadline counts from here, however often the bus is served."""
        self._liveness.enter("load")
        return Loading(parts.chain)

    def _has_loaded(self, loading: Loading) -> bool:
        """Take what became of the loading; a failure is told until a later try succeeds."""
        missing = self._status.missing
        missing.pop("nets", None)
        try:
            loading.result()
        except DmsError as error:
            if missing.get("engine") != str(error):
                _log.error("%s", error)
            missing["engine"] = str(error)
            return False
        return True

    @property
    def _interrupted(self) -> bool:
        return self._stopping or self._reloading.waiting

    def _look_at_camera(self, parts: _Parts) -> None:
        if parts.private:
            parts.camera.close()
            self._status.missing.pop("camera", None)
            return
        try:
            parts.camera.open()
        except CameraError as error:
            self._status.missing["camera"] = str(error)
        else:
            self._status.missing.pop("camera", None)

    def _tell_starting(self, parts: _Parts) -> None:
        if not parts.camera.live:
            return  # a recording has a time of its own
        now_s = time.monotonic()
        unseen = Unseen.CAMERA if parts.private else Unseen.STARTING
        eye = EyeEvidence(unseen=unseen)
        blind = DriverObservation(now_s, right_eye=eye, left_eye=eye, unseen=unseen)
        engine = self._status.missing.get("engine")
        faults = [Fault(Part.ENGINE, engine)] if engine else []
        faults += [Fault(Part.BRIDGE, one.fault) for one in parts.bridges if one.fault]
        faults += faults_told(self._tellers)
        told = self._flapping.hold(faults, now_s)
        state = parts.chain.core.step(blind, None, now_s, told)
        for bridge in parts.bridges:
            bridge.publish(state)
        step = Step(Moment(blind, None, told), state)
        for sink in self._sinks:
            sink.take(step)

    def _watch(self, parts: _Parts, started_s: float) -> None:
        chain = parts.chain
        stuck = _Stuck(parts.camera)
        sound = _Sound(self._restarts, started_s + chain.settings.service.restarts.sound_s)
        if self._reloading.waiting:
            return  # the nets may not be loaded
        before = None if parts.camera_is_new or self._monitor is None else self._monitor.lost
        lost = self._status.missing.get("camera") if parts.camera_is_new else before
        self._monitor = Monitor(
            parts.camera, chain.perception, chain.core, parts.bridges, parts.vehicle,
            (*self._sinks, sound, stuck), chain.settings.monitor, enter=self._liveness.enter,
            lost=lost, flapping=self._flapping, witness=self._witness,
        )  # fmt: skip
        if self._interrupted:
            return
        parts.camera_is_new &= parts.held  # once opened, it is told as lost from here on
        try:
            self._monitor.run()
        except DmsError:
            raise
        except Exception:
            stage = self._liveness.stage
            text = f"The stage {stage} has died of a defect; the service starts anew."
            _log.critical("%s", text, extra={"fields": {"DMS_STAGE": stage}})
            self._notifier.status(text)
            raise

    def _close(self) -> None:
        """Say "off" on every bridge first: the camera's driver may take its time."""
        self._notifier.stopping()
        self._liveness.enter("load")  # systemd times the stop; the loop's last stage is over
        if self._parts is not None:
            for bridge in self._parts.bridges:
                bridge.close()
            self._parts.vehicle_open.close()
            self._parts.chain.remember()
            self._parts.camera.close()
            self._parts.chain.close()
        for thread in self._retiring:
            thread.join(1.0)


@dataclass(frozen=True, slots=True)
class _Unheard:
    """A vehicle whose signals cannot be heard: nothing is known of it, and that is told."""

    fault: str

    def at(self, _t_s: float, /) -> VehicleContext | None:
        return None


def _opened(wanted: Sequence[BridgeSettings], running: Sequence[KeptBridge]) -> list[KeptBridge]:
    """Return a bridge for each of ``wanted``; one that runs with such settings goes on.

    Those that nobody wants are closed first: a bus may serve one program only.
    """
    left = [bridge for bridge in running if not bridge.stale]
    bridges: list[KeptBridge] = []
    for settings in wanted:
        same = next((bridge for bridge in left if bridge.settings == settings), None)
        if same is not None:
            left.remove(same)
        bridges.append(same or keep(settings))
    for bridge in running:
        if bridge not in bridges:
            bridge.close()
    for bridge in bridges:
        if bridge not in running:
            bridge.open()
    return bridges


def _parts_of(settings: Settings, tellers: Sequence[FaultTeller]) -> tuple[str, ...]:
    """Return the names of what tells its faults; ``tellers`` run until a restart."""
    bus = ("bridge",) if settings.bridges else ()
    heard = ("vehicle",) if settings.vehicle.database else ()
    return ("camera", "engine", *bus, *heard, *(one.part.value for one in tellers))


class _Sound:
    """Forgets the restarts once the service has run well for a while."""

    def __init__(self, restarts: Restarts | None, sound_s: float) -> None:
        self._restarts = restarts
        self._sound_s = sound_s

    def take(self, _step: Step) -> None:
        if self._restarts is not None and time.monotonic() > self._sound_s:
            self._restarts.forget()
            self._restarts = None


class _Stuck:
    """Ends the process where the camera's driver has swallowed too many threads."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def take(self, _step: Step) -> None:
        if self._camera.given_up:
            raise CameraError("The camera's driver does not come back; the service starts anew.")


def catch_signals(service: Service) -> None:
    """SIGTERM and SIGINT end the service, SIGHUP reads the settings again."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    signal.signal(signal.SIGHUP, lambda *_: service.ask_reload())


def patient_bridges(settings: Settings) -> Settings:
    """Return the settings with every bridge waiting for its bus instead of failing."""
    return replace(settings, bridges=tuple(replace(item, wait=True) for item in settings.bridges))
