"""``dms service``: what systemd starts."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from dms.camera.exposure import ExposureFollower
from dms.commands.config import check
from dms.commands.options import add_settings, settings_of
from dms.config import Settings
from dms.errors import DmsError
from dms.folders import runtime_folder
from dms.monitor import Sink
from dms.service.journal import set_up
from dms.service.lamp import Lamp
from dms.service.metrics import Metrics
from dms.service.notify import Notifier
from dms.service.restarts import Restarts, RestartSettings
from dms.service.service import Service, patient_bridges
from dms.service.signals import catch_signals
from dms.service.status import Status
from dms.service.view import SOCKET, ViewServer
from dms.service.watchdog import Liveness
from dms.store.clips import ClipKeeper, clips_folder
from dms.store.events import EventStore, store_path
from dms.store.trail import Trail
from dms.store.writer import StoreWriter

_log = logging.getLogger(__name__)
_SWITCH_S = 0.0005  # of Python's lock: at 5 ms a busy thread beside it would cost the loop frames


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; faulty settings at the start end it with code 2."""
    set_up(logging.DEBUG if args.verbose else logging.INFO)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it is caught below; it would end us
    sys.setswitchinterval(_SWITCH_S)
    faulthandler.enable()  # the watchdog's SIGABRT then shows where every thread stands
    environment = dict(os.environ)
    notifier = Notifier(environment)

    def read_settings() -> Settings:
        return patient_bridges(settings_of(args))

    def read_again() -> Settings:
        return could_run(read_settings())

    runtime = runtime_folder(environment)
    counted = runtime / "restarts.json" if runtime else None
    settings = _at_start(read_settings, counted, notifier)
    restarts = Restarts(counted, settings.service.restarts)
    _wait(restarts.next_wait_s(), notifier)
    liveness = Liveness(settings.service.liveness, notifier)
    status = Status(notifier)
    with ExitStack() as stack:
        stack.callback(liveness.stop)
        liveness.start()
        sinks: list[Sink] = []
        kept, trail = settings.service.store, Trail()
        if kept.enabled:
            store = EventStore(store_path(kept, environment), kept)
            writer = stack.enter_context(StoreWriter(store, kept.lowest_level))
            sinks.append(writer)
            trail = Trail(writer.put)
            stack.callback(trail.flush)
        if runtime:
            sinks.append(stack.enter_context(ViewServer(runtime / SOCKET.name, status)))
            sinks.append(Metrics(runtime / "metrics.prom", status))
        if settings.service.exposure.enabled:
            follower = ExposureFollower(settings.camera.source, settings.service.exposure)
            stack.callback(follower.close)
            sinks.append(follower)
        if settings.service.clips.enabled:
            folder = clips_folder(store_path(kept, environment))
            sinks.append(stack.enter_context(ClipKeeper(folder, settings.service.clips)))
        if settings.service.lamp.led is not None:
            lamp = Lamp(settings.service.lamp)
            lamp.dark()  # tells at once where it cannot be switched
            stack.callback(lamp.dark)
            sinks.append(lamp)
        sinks.append(trail)
        trail.note("service started", f"process {os.getpid()}")
        service = Service(read_again, notifier, liveness, status, sinks, restarts, witness=trail)
        catch_signals(service.stop, service.ask_reload)
        service.run(settings)
    return 0


def could_run(chosen: Settings) -> Settings:
    """Return ``chosen``, for a reload; raises DmsError where it names what is not there."""
    check(chosen, here=True)
    return chosen


def _at_start(read: Callable[[], Settings], counted: Path | None, notifier: Notifier) -> Settings:
    """Read the settings; where they are refused, wait longer each time: systemd starts again."""
    try:
        return read()
    except DmsError as error:
        _log.error("%s", error)
        _wait(Restarts(counted, RestartSettings()).next_wait_s(), notifier)
        raise


def _wait(wait_s: float, notifier: Notifier) -> None:
    """Sit out the back-off after many restarts, telling why."""
    if wait_s <= 0:
        return
    text = f"restarted too often; waiting {wait_s:.0f} s before the next start"
    _log.warning("dms: %s", text)
    notifier.extend(wait_s + 30.0)
    notifier.status(text)
    end_s = time.monotonic() + wait_s
    while time.monotonic() < end_s:
        notifier.alive()
        time.sleep(min(1.0, max(end_s - time.monotonic(), 0.0)))
