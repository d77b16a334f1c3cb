"""The public face for Python: any source through the very chain that runs in the vehicle."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from dms.camera.arrays import ArrayCamera
from dms.camera.camera import Camera
from dms.camera.checked import CheckedCamera
from dms.chain import Chain
from dms.config import Settings, chosen
from dms.errors import ConfigError
from dms.files.observations import OBSERVATIONS, FallingTimes
from dms.files.observations import load as load_observations
from dms.monitor import Monitor, replayed
from dms.values import Gray, Moment, Step

Source = str | os.PathLike[str] | Camera | Iterable[tuple[float, Gray]]
Config = str | os.PathLike[str] | Settings | None


def watch(source: Source, config: Config = None, overrides: Sequence[str] = ()) -> Iterator[Step]:
    """Yield a step for each frame: what was seen, the driver's state with its events, the picture.

    ``source``: a video, a folder of pictures, recorded observations (``.jsonl``), a camera's name
    as in ``camera.source``, a :class:`~dms.camera.camera.Camera` of your own, or (t_s, gray) pairs.
    ``config``: a file of settings, or settings; ``overrides`` as in ``--set``. Bridges of the
    settings are opened and told, as in ``dms bench``. Breaking off the loop closes everything.

    Raises a DmsError that says what to do: ConfigError at once, the rest as the first step is made.
    """
    settings = chosen(config, overrides)
    if isinstance(source, str | os.PathLike):
        source = os.fspath(source)
        if source.endswith(OBSERVATIONS):
            return _replayed(load_observations(Path(source)), settings, recording=source)
    elif not isinstance(source, Camera | Iterable):
        raise ConfigError(
            f"the source is {source!r}; give a path, a camera's name as '/dev/video0', a Camera, "
            "or (seconds, picture) pairs"
        )
    return _watched(source, settings)


def replay(
    moments: Iterable[Moment], config: Config = None, overrides: Sequence[str] = ()
) -> Iterator[Step]:
    """Yield a step for each recorded moment, without pixels, landmarks or nets.

    Raises ConfigError for settings at once, for what is no moment when it is reached.
    """
    settings = chosen(config, overrides)
    if not isinstance(moments, Iterable):
        raise ConfigError(f"the moments are {moments!r}; give dms.Moment, as step.moment has them")
    return _replayed(_checked(moments), settings, recording=None)


def _checked(moments: Iterable[Moment]) -> Iterator[Moment]:
    """Yield moments that a caller made. Raises ConfigError where one is none, or of no time."""
    times = FallingTimes("replay each recording by itself")
    for number, moment in enumerate(moments):
        if not isinstance(moment, Moment):
            raise ConfigError(
                f"moment {number} is {type(moment).__name__}; give dms.Moment, as step.moment"
            )
        t_s = moment.observation.t_s
        if t_s is None or not math.isfinite(t_s):
            raise ConfigError(f"moment {number} is of {t_s} s; give seconds that rise")
        times.note(t_s, "moment %d", number)
        yield moment


def _replayed(
    moments: Iterable[Moment], settings: Settings, recording: str | None
) -> Iterator[Step]:
    chain = Chain(settings)
    with ExitStack() as stack:
        bridges = [stack.enter_context(bridge) for bridge in chain.bridges(live=False)]
        vehicle = stack.enter_context(chain.vehicle(live=False, recording=recording))
        yield from replayed(moments, chain.core, bridges, (), vehicle)


def _watched(
    source: str | Camera | Iterable[tuple[float, Gray]], settings: Settings
) -> Iterator[Step]:
    chain = Chain(settings)
    recording = source if isinstance(source, str) else None
    if isinstance(source, str):
        camera = chain.camera(source)
    else:
        camera = CheckedCamera(source) if isinstance(source, Camera) else ArrayCamera(source)
    live = camera.live
    with ExitStack() as stack:
        stack.callback(chain.close)
        bridges = [stack.enter_context(bridge) for bridge in chain.bridges(live=live)]
        stack.enter_context(camera)
        heard = chain.vehicle(bridges if live else (), live=live, recording=recording)
        vehicle = stack.enter_context(heard)
        perception = chain.perception
        if not live:
            chain.settle()
        monitor = Monitor(camera, perception, chain.core, bridges, vehicle, (), settings.monitor)
        yield from monitor.steps()
