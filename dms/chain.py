"""Builds the parts of the chain from the settings; every part is made when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import cv2

from dms.bridge import open_bridge
from dms.bridge.bridge import Bridge
from dms.bridge.pace import Pace
from dms.camera.backends import open_camera, open_joined
from dms.camera.camera import Camera
from dms.config import Settings
from dms.decision.core import Core
from dms.decision.emotion.relative import RelativeHead
from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.engine.relative import relative_weights
from dms.errors import EngineError
from dms.monitor import VehicleSource
from dms.perception.expression import ExpressionNet
from dms.perception.eye_net import EyeStateNet
from dms.perception.landmarks import load_predictor, scheme_of
from dms.perception.mouth import MouthNet, load_mouth_net
from dms.perception.perception import Perception, PerceptionSettings
from dms.store.drivers import recall, remember
from dms.vehicle import log_beside, open_vehicle

if TYPE_CHECKING:
    from dms.perception.accelerated import AcceleratedNets


class Chain:
    """One set of settings as a working chain. Parts raise DmsError children when first used.

    ``make_perception`` gives another one than the settings'.
    """

    def __init__(
        self,
        settings: Settings,
        make_perception: Callable[[Settings], Perception] | None = None,
    ) -> None:
        self.settings = settings
        self._make_perception = make_perception
        self._core: Core | None = None
        self._perception: Perception | None = None
        self._accelerated: AcceleratedNets | None = None  # on the GPU, with the CPU behind them

    @property
    def core(self) -> Core:
        """The decision core."""
        if self._core is None:
            self._core = self._new_core()
        return self._core

    def _new_core(self) -> Core:
        settings = self.settings.core
        if settings.openness.closed_ratio is None:
            drawn = scheme_of(self.settings.landmarks).closed_ear
            settings = replace(settings, openness=replace(settings.openness, closed_ratio=drawn))
        return Core(settings, recall(self.settings.driver), self.relative_head)

    @cached_property
    def relative_head(self) -> RelativeHead | None:
        """What reads a face against its own rest; None without such a net.

        A net that is missing or damaged is reported where it is loaded: a replay needs none.
        """
        if self._expression_net is None:
            return None
        with suppress(EngineError):
            weights = relative_weights(load_manifest(self._expression_net))
            return RelativeHead.of(weights) if weights else None
        return None

    def adopt_core(self, old: Chain) -> None:
        """Go on with the decision core of ``old``; one with other settings takes over from it."""
        if _decides(self.settings) == _decides(old.settings):
            self._core = old.core
        else:
            old.remember()
            self.core.succeed(old.core, same_driver=self.settings.driver == old.settings.driver)

    def remember(self) -> None:
        """Keep what was learned of the driver, if the owner wants it; called as a run ends."""
        if self._core is not None:
            remember(self.settings.driver, self._core.seat.known)

    @property
    def perception(self) -> Perception:
        """Landmarks and nets, loaded once and reused for every source."""
        if self._perception is None:
            if self._make_perception is not None:
                self._perception = self._make_perception(self.settings)
            else:
                self._perception = self._new_perception()
        return self._perception

    def _new_perception(self) -> Perception:
        """Load it all.

        OpenCV gets one thread, as the nets and dlib have: the crops are too small for more, and a
        pool's threads would spin between frames.
        """
        cv2.setNumThreads(1)
        predictor = load_predictor(self.settings.landmarks)
        accelerated = self._on_gpu()
        if accelerated is not None:
            return Perception(
                predictor,
                accelerated.expression,
                accelerated.eye_state,
                self._perceived,
                self._mouth(),
            )
        nets = self.settings.nets
        return Perception(
            predictor,
            self._expression() if self._expression_net else None,
            self._eye_state() if nets.eye_state else None,
            self._perceived,
            self._mouth(),
        )

    def _mouth(self) -> MouthNet | None:
        name = self.settings.nets.mouth
        return load_mouth_net(name) if name else None

    @property
    def _perceived(self) -> PerceptionSettings:
        """What to measure; micro-expressions want shape and scores of every frame."""
        core, perceived = self.settings.core, self.settings.perception
        if not (core.micro.enabled and core.rage.on):
            return perceived
        return replace(perceived, expression_period_s=0.0, shape=True)

    @property
    def _expression_net(self) -> str | None:
        """The net to load; none where the owner wants no emotion inferred (``core.rage``)."""
        return self.settings.nets.expression if self.settings.core.rage.on else None

    def _on_gpu(self) -> AcceleratedNets | None:
        """Return the nets on the GPU, None where the CPU alone is asked for."""
        if self._accelerated is None and self.settings.nets.backend == "tensorrt":
            self._accelerated = self._new_accelerated()
        return self._accelerated

    def _new_accelerated(self) -> AcceleratedNets:
        nets = self.settings.nets
        from dms.engine.preparation import Preparation  # noqa: PLC0415
        from dms.perception.accelerated import AcceleratedNets  # noqa: PLC0415

        roles = {"eye_state": nets.eye_state, "expression": self._expression_net}
        manifests = {role: load_manifest(name) for role, name in roles.items() if name}
        preparation = Preparation(manifests, precision=nets.precision, dla_core=nets.dla_core)
        return AcceleratedNets(
            self._expression() if self._expression_net else None,
            self._eye_state() if nets.eye_state else None,
            preparation,
        )

    def settle(self) -> None:
        """Wait until the nets run where they will stay, so that a replay does not change engines.

        A first build of TensorRT plans takes minutes. Live, nobody waits: the CPU watches.
        """
        accelerated = self._on_gpu()
        if accelerated is not None:
            accelerated.wait()

    @property
    def loaded(self) -> bool:
        """Whether landmarks and nets are loaded."""
        return self._perception is not None

    def same_eyes(self, other: Chain) -> bool:
        """Whether ``other`` has the landmarks and nets that these settings want."""
        return _sees(self.settings) == _sees(other.settings)

    def adopt_eyes(self, old: Chain) -> None:
        """Go on with the landmarks and nets of ``old``, which is given up for this chain."""
        self._perception = old.perception
        self._accelerated, old._accelerated = old._accelerated, None

    def close(self) -> None:
        """Stop a build and free the GPU; on the CPU there is nothing to free."""
        accelerated, self._accelerated = self._accelerated, None
        if accelerated is not None:
            accelerated.close()
            self._perception = None

    def camera(self, source: str | None = None, parts: Sequence[str] = ()) -> Camera:
        """Return the camera of the settings, or ``source`` read with the same settings.

        ``parts``: the segments of one drive, read in their order in place of ``source``.
        """
        settings = self.settings.camera
        if parts:
            return open_joined(settings, parts)
        return open_camera(settings if source is None else replace(settings, source=source))

    def bridges(self, *, live: bool = True, real_time: bool = False) -> list[Bridge]:
        """Return the bridges of the settings, not yet open.

        Where the source is a recording (not ``live``), they send every frame in order, as fast as
        that goes or in ``real_time``, as a drive would.
        """
        chosen = self.settings.bridges
        if real_time:
            return [Pace(), *(open_bridge(one) for one in chosen)]
        return [open_bridge(one if live else replace(one, lossless=True)) for one in chosen]

    @contextmanager
    def vehicle(
        self,
        bridges: Sequence[Bridge] = (),
        *,
        live: bool = True,
        recording: str | None = None,
    ) -> Iterator[VehicleSource | None]:
        """Open where vehicle signals come from; None where none is set.

        ``bridges`` may be listened to; a recording (not ``live``) only ever has a log: that of the
        settings, else the one beside ``recording`` with its name.
        """
        settings = self.settings.vehicle
        beside = log_beside(recording) if recording and settings.database else None
        if beside is not None and not settings.log:
            settings = replace(settings, log=str(beside))
        source = open_vehicle(settings, bridges, live=live)
        with source or nullcontext():
            yield source

    def reset(self) -> None:
        """Forget the driver, as between two recordings."""
        self.core.reset()
        if self.loaded:  # a replay without pixels needs none
            self.perception.reset()

    def _expression(self) -> ExpressionNet:
        nets = self.settings.nets
        manifest = load_manifest(nets.expression or "")
        relative_weights(manifest)  # raises where they are damaged
        engine = open_engine(manifest, precision=self._cpu_precision)
        return ExpressionNet(engine, manifest, nets.reading)

    def _eye_state(self) -> EyeStateNet:
        nets = self.settings.nets
        manifest = load_manifest(nets.eye_state or "")
        engine = open_engine(manifest, precision=self._cpu_precision)
        return EyeStateNet(engine, manifest)

    @property
    def _cpu_precision(self) -> str:
        """The file for the CPU: beside TensorRT it is never the symmetric S8, which saturates."""
        nets = self.settings.nets
        symmetric = nets.backend == "tensorrt" and nets.precision == "int8-qdq"
        return "int8" if symmetric else nets.precision


def _decides(settings: Settings) -> tuple[object, ...]:
    """Return what a decision core is made of; the landmarks' scheme has a word in it."""
    return settings.core, settings.driver, settings.landmarks, settings.nets.expression


def _sees(settings: Settings) -> tuple[object, ...]:
    """Return what decides which landmarks and nets are loaded."""
    core = settings.core
    inferred = (core.rage.on, core.micro.enabled)
    return settings.landmarks, settings.nets, settings.perception, inferred
