"""The frames of a CAN log file: candump, ASC, BLF, MF4, TRC or CSV, by python-can's readers."""

from __future__ import annotations

import contextlib
import gzip
import importlib
import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, cast

from dms.bus.python_can import can, load_mf4
from dms.errors import ConfigError
from dms.vehicle import candump, textlogs, tradelogs

_log = logging.getLogger(__name__)
_CANDUMP = {"", ".log", ".txt", ".candump", ".dump"}
_TRADE = {*_CANDUMP, ".csv", ".crtd"}
_TEXTS = {".asc": textlogs.read_asc, ".trc": textlogs.read_trc}
_HEAD_LINES = 50  # how far candump's first frame is looked for
_REWIND_S = 1.0  # a larger step back is a clock that was set, a smaller one a late frame
_LEAP_S = 86_400.0  # so is a larger step ahead: no drive pauses for a day, but clocks begin in 1970
_CONVERT = (
    "candump, .asc, .blf, .mf4, .trc up to 2.1, .csv of python-can, SavvyCAN, cabana, CRTD, and "
    "BUSMASTER logs are read; convert others with SavvyCAN or python -m can.logconvert"
)
_SET = "%s: the clock of channel %r was set by %+.3f s at %.3f s; read on without such steps"
_OTHER = "%s: channel %r has another clock, by %+.3f s at %.3f s; read on without the difference"
_BEHIND = (
    "%s: channel %r is off by %+.3f s at %.3f s, as another began ahead of it; if their clocks "
    "differ, vehicle.log_channel and log_offset_s set the other right"
)
_FROM_ONE = {".asc", ".blf"}  # formats that count channels from 1 where python-can counts from 0


def frames(path: Path, channel: str = "") -> Iterator[tuple[float, can.Message]]:
    """Yield (seconds since the log's first message, data frame) in the log's order.

    ``channel``: only this one, as the log names it. A log that breaks off is used up to there, and
    one whose clock was set goes on from there, with a warning each. Raises ConfigError where
    it cannot be opened or understood at all, or has no such channel.
    """
    channels: dict[str, set[tuple[int, bool]]] = {}  # identifiers heard on each
    try:
        with _reader(path) as reader:
            for at_s, name, message in _timed(path, reader):
                heard = channels.setdefault(name, set())
                if message.is_error_frame or message.is_remote_frame:
                    continue
                heard.add((message.arbitration_id, message.is_extended_id))
                if channel in ("", name):
                    yield at_s, message
    except ConfigError:
        raise
    except Exception as error:  # the readers raise anything on a damaged file
        _log.debug("%s: %s: %s", path, type(error).__name__, error)
        if not channels:
            raise ConfigError(f"{path} is not a CAN log that can be read; {_CONVERT}") from error
        _log.warning("%s breaks off after a damaged entry", path)
    if not channels:
        raise ConfigError(f"{path} holds no CAN message; is it the right log?")
    names = ", ".join(sorted(channels))
    if channel and channel not in channels:
        raise ConfigError(
            f"vehicle.log_channel: {path} has no channel {channel!r}; it has {names}",
            ("vehicle", "log_channel"),
        )
    if not channel and sum(map(len, channels.values())) > len(set().union(*channels.values())):
        _log.warning(
            "%s has the same messages on several of %s; vehicle.log_channel picks one", path, names
        )


def _timed(path: Path, messages: Iterable[can.Message]) -> Iterator[tuple[float, str, can.Message]]:
    """Yield each message with its seconds since the first, and channel.

    Steps of a clock that is set are left out. Channels have one clock in common until one of them
    cannot have it: interfaces may count from their own start.
    """
    first_s: dict[str, float] = {}  # what each channel's clock showed at the log's first message
    newest_s: dict[str, float] = {}
    told = set()
    for message in messages:
        name, known, words = _channel(path, message), list(first_s), ""
        now_s = max(newest_s.values(), default=0.0)
        if name not in first_s:
            first_s[name] = first_s[known[0]] if known else message.timestamp
            newest_s[name] = now_s
        at_s = message.timestamp - first_s[name]
        if not newest_s[name] - _REWIND_S <= at_s <= newest_s[name] + _LEAP_S:
            words, alike = _OTHER, [name]
            if name in known:
                words = _SET
                alike = [each for each in known if first_s[each] == first_s[name]]
                now_s = max(newest_s[each] for each in alike)
            first_s.update(dict.fromkeys(alike, message.timestamp - now_s))
        elif at_s < now_s - _REWIND_S:
            words = _BEHIND
        if words and words not in told:
            _log.warning(words, path, name, at_s - now_s, now_s)
            told.add(words)
        at_s = message.timestamp - first_s[name]
        newest_s[name] = max(newest_s[name], at_s)
        yield at_s, name, message


def _channel(path: Path, message: can.Message) -> str:
    number = message.channel
    if _ending(path) in _FROM_ONE and isinstance(number, int):
        number += 1
    return "" if number is None else str(number)


def _reader(path: Path) -> Any:
    try:
        if not path.is_file():
            raise ConfigError(f"there is no CAN log {path}; check the path")
        path.open("rb").close()
    except OSError as error:
        raise ConfigError(f"cannot read the CAN log {path}: {error.strerror}") from error
    ending = _ending(path)
    if ending in _CANDUMP and _is_candump(path):
        return contextlib.closing(_candump(path))
    if ending in _TRADE and (read_line := _trade(path)) is not None:
        return contextlib.closing(_traded(path, read_line))
    if ending in _TEXTS:
        return contextlib.closing(_TEXTS[ending](_text(path), str(path)))
    if ending == ".mf4":
        with path.open("rb") as file:
            if file.read(8).strip() not in (b"MDF", b"UnFinMF"):
                raise ConfigError(f"{path} is not an MDF file; is it the right log?")
        _mend_asammdf(path)
    if path.suffix.lower() == ".blf":
        return contextlib.closing(_blf(path))
    return can.LogReader(path)


def _blf(path: Path) -> Iterator[can.Message]:
    """Read a BLF file; python-can does not say that one was cut off between two containers."""
    with can.BLFReader(path) as reader:
        yield from reader
        if reader.file_size > path.stat().st_size:
            _log.warning("%s is cut off: it says that it is longer", path)


def _mend_asammdf(path: Path) -> None:
    """Keep asammdf's destructor from printing a traceback for a file that it refused early."""
    try:
        load_mf4()
        blocks: Any = importlib.import_module("asammdf.blocks.mdf_v4")
    except ImportError as error:
        raise ConfigError(f"{path}: {error}; pip install 'dms-jetson[mf4]'") from error

    def close(made: Any) -> None:
        with contextlib.suppress(Exception):
            made.close()

    blocks.MDF4.__del__ = close


def _ending(path: Path) -> str:
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return plain.suffix.lower()


def _text(path: Path) -> TextIO:
    """Open a text log, also a compressed one; comments in other encodings do no harm."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    return cast("TextIO", opener(path, "rt", encoding="utf-8-sig", errors="replace"))


def _is_candump(path: Path) -> bool:
    with _text(path) as file:
        return candump.looks_like(islice(file, _HEAD_LINES))


def _trade(path: Path) -> tradelogs.Reader | None:
    with _text(path) as file:
        return tradelogs.reader_of(islice(file, _HEAD_LINES))


def _traded(path: Path, read_line: tradelogs.Reader) -> Iterator[can.Message]:
    with _text(path) as file:
        yield from tradelogs.read(file, str(path), read_line)


def _candump(path: Path) -> Iterator[can.Message]:
    with _text(path) as file:
        yield from candump.read(file, str(path))
