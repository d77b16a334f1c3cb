"""Builds the parts of the chain from the settings; every part is made when first asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property

from dms.bridge import open_bridge
from dms.bridge.bridge import Bridge
from dms.camera.backends import open_camera
from dms.camera.camera import Camera
from dms.config import Settings
from dms.core import Core
from dms.engine.load import open_engine
from dms.engine.manifest import load_manifest
from dms.expression import ExpressionNet
from dms.eye_state import EyeStateNet
from dms.landmarks import load_predictor
from dms.monitor import VehicleSource
from dms.perception import Perception
from dms.vehicle import open_vehicle

log = logging.getLogger(__name__)


class Chain:
    """One set of settings as a working chain. Parts raise DmsError children when first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def core(self) -> Core:
        """The decision core."""
        return Core(self.settings.core)

    @cached_property
    def perception(self) -> Perception:
        """Landmarks and nets, loaded once and reused for every source."""
        nets = self.settings.nets
        return Perception(
            load_predictor(self.settings.landmarks),
            self._expression() if nets.expression else None,
            self._eye_state() if nets.eye_state else None,
            self.settings.perception,
        )

    def camera(self, source: str | None = None) -> Camera:
        """Return the camera of the settings, or ``source`` read with the same settings."""
        settings = self.settings.camera
        return open_camera(settings if source is None else replace(settings, source=source))

    def bridges(self, *, live: bool = True) -> list[Bridge]:
        """Return the bridges of the settings, not yet open.

        Where the source is a recording (not ``live``), they send every frame in order.
        """
        chosen = self.settings.bridges
        return [open_bridge(one if live else replace(one, lossless=True)) for one in chosen]

    @contextmanager
    def vehicle(
        self, bridges: Sequence[Bridge] = (), *, live: bool = True
    ) -> Iterator[VehicleSource | None]:
        """Open where vehicle signals come from; None where none is set.

        ``bridges`` may be listened to; a recording (not ``live``) only ever has a log.
        """
        source = open_vehicle(self.settings.vehicle, bridges, live=live)
        with source or nullcontext():
            yield source

    def reset(self) -> None:
        """Forget the driver, as between two recordings."""
        self.core.reset()
        self.perception.reset()

    def _expression(self) -> ExpressionNet:
        nets = self.settings.nets
        manifest = load_manifest(nets.expression or "")
        engine = open_engine(manifest, backend=nets.backend, precision=nets.precision)
        return ExpressionNet(engine, manifest, nets.reading)

    def _eye_state(self) -> EyeStateNet:
        nets = self.settings.nets
        manifest = load_manifest(nets.eye_state or "")
        engine = open_engine(manifest, backend=nets.backend, precision=nets.precision)
        return EyeStateNet(engine, manifest)
