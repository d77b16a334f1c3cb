"""One recording through the very chain that runs in the vehicle, with its results kept in files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path

from dms.bench.resume import Recalling
from dms.camera.camera import Camera, Damage
from dms.camera.joined import JoinedRecording, Segment
from dms.chain import Chain
from dms.config import Settings, chosen
from dms.errors import CameraError, ConfigError, DamagedError
from dms.files.affect import AffectKeeper, write_affect
from dms.files.events import EventWriter
from dms.files.frames import FrameTable
from dms.files.observations import OBSERVATIONS, load, to_line
from dms.monitor import Monitor, Observer, Sink, replay
from dms.values import Event, Moment, Step


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the results go; None is not written. Names as text are taken as paths."""

    events: Path | None = None
    frames: Path | None = None
    observations: Path | None = None
    affect: Path | None = None

    def __post_init__(self) -> None:
        for one in fields(self):
            if isinstance(name := getattr(self, one.name), str):
                object.__setattr__(self, one.name, Path(name))


@dataclass(slots=True)
class Result:
    """What a recording gave."""

    source: str
    frames: int = 0
    duration_s: float = 0.0
    eyes_known: int = 0  # frames in which the eyes' state was known
    events: list[Event] = field(default_factory=list)
    rest_given: bool = False  # the driver's resting face was learned in the run that was recorded
    damages: list[Damage] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)  # of a joined recording, where each began
    recalled_s: float | None = None  # up to here an earlier run's observations were taken
    spent_s: float = 0.0  # by the clock of the machine, decoding included; 0 where not measured
    first_s: float = 0.0  # when it begins, by its own clock

    @property
    def availability(self) -> float | None:
        """Share of frames in which the eyes could be observed, None without a frame."""
        return self.eyes_known / self.frames if self.frames else None


def run(
    source: str | os.PathLike[str],
    config: str | os.PathLike[str] | Settings | None = None,
    overrides: Sequence[str] = (),
    outputs: Outputs | None = None,
) -> Result:
    """Run one recording as ``dms bench`` does, and return what it gave.

    ``config``: a file of settings, or settings. Raises a DmsError that says what to do.
    """
    if not isinstance(source, str | os.PathLike):
        raise ConfigError(f"the source is {source!r}; give a path, or pictures to dms.watch")
    chain = Chain(chosen(config, overrides))
    try:
        return bench(os.fspath(source), chain, outputs)
    finally:
        chain.close()


class _Keeper:
    """Collects a run's result and shows progress."""

    def __init__(self, result: Result, progress: Callable[[float], None] | None) -> None:
        self._result, self._progress = result, progress
        self._first_s: float | None = None

    def take(self, step: Step) -> None:
        result, state = self._result, step.state
        if self._first_s is None:
            self._first_s = result.first_s = state.t_s
        result.frames += 1
        result.duration_s = state.t_s - self._first_s
        result.eyes_known += state.openness is not None
        if state.events:
            result.events.extend(state.events)
        if self._progress:
            self._progress(step.moment.observation.t_s)


class Files:
    """Writes a run's results as they come; the files close with ``stack``."""

    def __init__(self, outputs: Outputs, stack: ExitStack) -> None:
        self._events = self._frames = self._observations = None
        if outputs.events:
            self._events = stack.enter_context(EventWriter(outputs.events))
        if outputs.frames:
            self._frames = stack.enter_context(FrameTable(outputs.frames))
        if outputs.observations:
            try:
                file = outputs.observations.open("w", encoding="utf-8")
            except OSError as error:
                raise ConfigError(
                    f"cannot write {outputs.observations}: {error.strerror}"
                ) from error
            self._observations = stack.enter_context(file)

    def take(self, step: Step) -> None:
        if self._events:
            for event in step.state.events:
                self._events.write(event)
        if self._frames:
            self._frames.write(step.moment.observation, step.state, step.moment.vehicle)
        if self._observations:
            self._observations.write(to_line(step.moment) + "\n")


def bench(
    source: str,
    chain: Chain,
    outputs: Outputs | None = None,
    progress: Callable[[float], None] | None = None,
    more: Sequence[Sink] = (),
    result: Result | None = None,
    *,
    real_time: bool = False,
    parts: Sequence[str] = (),
    earlier: Path | None = None,
    moments: Iterable[Moment] | None = None,
) -> Result:
    """Run ``source`` through ``chain`` and return what it gave; ``more`` sinks see each frame too.

    With ``real_time`` it takes as long as the recording, and the bridges send as in a drive.
    ``parts``: the segments that are joined to ``source``. ``earlier``: the observations of a run of
    it that was cut short, see :mod:`dms.bench.resume`. ``moments``: what a ``source`` of recorded
    observations holds, where it has been read already.

    A video, image folder or ``.jsonl`` of recorded observations. Raises CameraError or ConfigError
    where the recording cannot be used; ``result`` then holds what came before. Raises DamagedError
    at the end where parts could not be decoded; ``result`` then holds all the rest.
    """
    result = result or Result(source)
    chosen = outputs or Outputs()
    refuse_same(parts or (source,), chosen)
    chain.reset()
    affect = AffectKeeper() if chosen.affect else None
    sinks: list[Sink] = [_Keeper(result, progress), *([affect] if affect else []), *more]
    try:
        with ExitStack() as stack:
            sinks.append(Files(chosen, stack))
            ways_out = chain.bridges(live=False, real_time=real_time)
            bridges = [stack.enter_context(bridge) for bridge in ways_out]
            vehicle = stack.enter_context(chain.vehicle(live=False, recording=source))
            if source.endswith(OBSERVATIONS):
                seen_before = load(Path(source)) if moments is None else moments
                replay(seen_before, chain.core, bridges, sinks, vehicle)
            else:
                camera = stack.enter_context(chain.camera(source, parts))
                seen = _observer(chain, earlier, result)
                monitor = Monitor(camera, seen, chain.core, bridges, vehicle, sinks)
                _watch(monitor, camera, result)
    except BrokenPipeError:  # who read what a bridge prints has gone, as with `| head`
        raise
    except PermissionError as error:
        named = error.filename or "a file"
        raise ConfigError(f"cannot use {named}: {error.strerror}; check its rights") from error
    except OSError as error:  # a full disk, a folder taken away
        raise ConfigError(f"cannot write the results: {error.strerror}; free the disk") from error
    result.rest_given = chain.core.rest_given
    if affect and chosen.affect:
        write_affect(affect.affect, chosen.affect)
    if result.damages:
        raise DamagedError(f"damaged: {'; '.join(map(str, result.damages))}; the rest was used.")
    return result


def _observer(chain: Chain, earlier: Path | None, result: Result) -> Observer:
    if earlier is None:
        return chain.perception
    recalling = Recalling(chain.perception, earlier)
    result.recalled_s = recalling.until_s
    return recalling


def _watch(monitor: Monitor, camera: Camera, result: Result) -> None:
    try:
        monitor.run()
    except DamagedError:  # asked for: it ends at the first damage, and says so
        raise
    except CameraError as error:
        if not camera.damages:
            raise
        told = "; ".join(map(str, camera.damages))
        raise CameraError(f"{error} Damaged before: {told}.") from error
    finally:
        result.damages = list(camera.damages)
        if isinstance(camera, JoinedRecording):
            result.segments = list(camera.segments)


def refuse_same(sources: Sequence[str], outputs: Outputs, *more: Path | None) -> None:
    """Raise ConfigError where a result would be written over the recording or another result.

    ``more``: what else will be written.
    """
    chosen = (outputs.events, outputs.frames, outputs.observations, outputs.affect, *more)
    taken = {Path(source).resolve() for source in sources}
    for place in (path.resolve() for path in chosen if path is not None):
        if place in taken:
            raise ConfigError(f"{place.name} would be written over; give each output its own file")
        taken.add(place)
