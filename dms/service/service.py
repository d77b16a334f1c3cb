"""The vehicle's service: starts the chain, keeps it alive under systemd, re-reads its settings.

Ready only once camera, nets and bridges answer, or after a while with what is missing in the status
line. Faults are reported and retried here; only a hanging stage or a defect ends the process. While
a reload loads nets, those before go on watching; what the settings do not change runs through it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from dms.camera.backends import open_camera
from dms.camera.camera import Camera
from dms.camera.keeper import Keeper
from dms.camera.settings import CameraSettings
from dms.chain import Chain
from dms.config import Settings
from dms.decision.flapping import Flapping
from dms.errors import CameraError, DmsError
from dms.monitor import Monitor, Sink, Turn, Witness, fault_tellers
from dms.service.notify import Notifier
from dms.service.parts import Parts, Unheard, opened, parts_of
from dms.service.reloading import Reloading
from dms.service.restarts import Restarts
from dms.service.starting import Starting
from dms.service.status import Status
from dms.service.watchdog import Liveness
from dms.values import Step

_log = logging.getLogger(__name__)


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
        make_chain: Callable[[Settings], Chain] = Chain,
    ) -> None:
        self._make_chain = make_chain
        self._witness = witness
        self._make_camera = make_camera or partial(open_camera, patient=True)
        self._notifier = notifier
        self._liveness = liveness
        self._status = status
        self._sinks = (status, *sinks)
        self._tellers = fault_tellers(sinks)
        self._restarts = restarts
        self._monitor: Monitor | None = None
        self._parts: Parts | None = None
        self._retiring: list[threading.Thread] = []
        self._flapping = Flapping()
        self._stopping = False
        self._reloading = Reloading(
            read_settings,
            notifier,
            status,
            lambda: self.chain,
            self._end_watch,
            witness,
            make_chain,
        )

    def stop(self) -> None:
        """Ask the service to end; safe from a signal handler."""
        self._stopping = True
        self._end_watch()

    @property
    def chain(self) -> Chain | None:
        """What watches now, None before the start; a reload's takes its place once it is ready."""
        return None if self._parts is None else self._parts.chain

    def _end_watch(self) -> None:
        if self._monitor is not None:
            self._monitor.stop()

    def ask_reload(self) -> None:
        """Ask for the settings to be read again; safe from a signal handler."""
        self._reloading.ask()

    def run(self, settings: Settings) -> None:
        """Run to the end. Raises DmsError for what no retry can fix."""
        started_s = time.monotonic()
        self._reloading.start()
        with ExitStack() as stack:
            stack.callback(self._close)
            self._parts = self._make(self._make_chain(settings), None)
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

    def _make(self, chain: Chain, old: Parts | None) -> Parts:
        """Make the parts around ``chain``; what its settings do not change is kept as it runs."""
        settings = chain.settings
        self._status.parts = parts_of(settings, self._tellers)
        if old is None:
            camera = self._make_camera(settings.camera)
            return Parts(chain, camera, opened(settings.bridges, []))
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
            bridges = opened(settings.bridges, bridges)
        is_new = old.camera_is_new or camera is not old.camera
        return Parts(chain, camera, bridges, camera_is_new=is_new)

    def _listen(self, parts: Parts, old: Parts | None) -> None:
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
            parts.vehicle = Unheard(str(error))

    def _retire(self, chain: Chain) -> None:
        """Free what a chain holds in a thread of its own: a GPU takes its time, nobody waits."""
        self._retiring = [thread for thread in self._retiring if thread.is_alive()]
        self._retiring.append(threading.Thread(target=chain.close, name="dms-retire", daemon=True))
        self._retiring[-1].start()

    def _start(self, parts: Parts) -> bool:
        """Load and open while the bus hears "starting"; False when told to stop meanwhile."""
        turn = Turn(
            parts.chain.core, parts.bridges, parts.vehicle, self._sinks,
            flapping=self._flapping, witness=self._witness,
        )  # fmt: skip
        Starting(
            parts, turn, self._status, self._liveness, self._notifier, lambda: self._interrupted
        ).run()
        return not self._stopping

    @property
    def _interrupted(self) -> bool:
        return self._stopping or self._reloading.waiting

    def _look_at_camera(self, parts: Parts) -> None:
        """Begin to open it: the nets may be loaded before it answers."""
        keeper = Keeper(parts.camera)
        keeper.opened(time.monotonic(), private=parts.private)
        self._status.missing.pop("camera", None)
        if keeper.refused is not None:
            self._status.missing["camera"] = keeper.refused

    def _watch(self, parts: Parts, started_s: float) -> None:
        chain = parts.chain
        stuck = _Stuck(parts.camera)
        sound = _Sound(self._restarts, started_s + chain.settings.service.restarts.sound_s)
        if self._reloading.waiting:
            return  # the nets may not be loaded
        if not parts.camera.live and (why := self._status.missing.get("camera")):
            raise CameraError(why)  # a recording does not come by waiting
        before = None if parts.camera_is_new or self._monitor is None else self._monitor.lost
        lost = self._status.missing.get("camera") if parts.camera_is_new else before
        self._monitor = Monitor(
            parts.camera, chain.perception, chain.core, parts.bridges, parts.vehicle,
            (*self._sinks, sound, stuck), chain.settings.monitor, enter=self._liveness.enter,
            lost=lost, flapping=self._flapping, witness=self._witness,
        )  # fmt: skip
        if self._interrupted:
            return
        parts.camera_is_new &= parts.held  # once opened, it is reported as lost from here on
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


def patient_bridges(settings: Settings) -> Settings:
    """Return the settings with every bridge waiting for its bus instead of failing."""
    return replace(settings, bridges=tuple(replace(item, wait=True) for item in settings.bridges))
