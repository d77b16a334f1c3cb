"""python-can's readers of Vector's ASC and PEAK's TRC, taught to read what tools really write.

They give up at the first line that they cannot read; here such lines are passed over and counted.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

from dms.bus.python_can import can

_log = logging.getLogger(__name__)
_RELATIVE = re.compile(r"\s*base\s+\w+\s+timestamps\s+relative", re.IGNORECASE)
_STAMPED = re.compile(r"(\s*)(\d+[.,]\d+)(\s.*)", re.DOTALL)
_TRC_STAMPED = re.compile(r"(\s*\d+\)?\s+\d+),(\d+\s.*)", re.DOTALL)
_TRC_1_2 = re.compile(r";\$FILEVERSION\s*=\s*1\.2\b")
_TRC_ID = 4  # column of a frame's identifier in version 1.2: after number, time, bus and type
_DAMAGES = (ValueError, LookupError, OverflowError)  # what python-can raises at one


def read_asc(file: TextIO, name: str) -> Iterator[can.Message]:
    """Yield the frames of an ASC file; passes over damaged ones, with a warning at the end."""
    with _Asc(file) as lines:
        reader = _AscReader(cast("TextIO", lines))
        yield from reader
        _tell(name, reader.bad)


def read_trc(file: TextIO, name: str) -> Iterator[can.Message]:
    """Yield the frames of a TRC file; passes over damaged ones, with a warning at the end."""
    with _Trc(file) as lines:
        reader = _TrcReader(cast("TextIO", lines))
        yield from reader
        _tell(name, reader.bad)


def _tell(name: str, bad: int) -> None:
    if bad:
        _log.warning("%s: %d lines are no frames and were passed over", name, bad)


class _Patient:
    """A reader that passes over lines which it cannot read, and counts them."""

    bad = 0

    def _unless_bad(self, read: Callable[..., can.Message | None], *line: Any) -> Any:
        try:
            return read(*line)
        except _DAMAGES:
            self.bad += 1
            return None


class _AscReader(_Patient, can.ASCReader):
    def _process_classic_can_frame(self, line: str, msg_kwargs: Any) -> Any:
        return self._unless_bad(super()._process_classic_can_frame, line, msg_kwargs)

    def _process_fd_can_frame(self, line: str, msg_kwargs: Any) -> Any:
        return self._unless_bad(super()._process_fd_can_frame, line, msg_kwargs)


class _TrcReader(_Patient, can.TRCReader):
    def _parse_line(self, line: str) -> Any:
        if not line or line.startswith(";"):  # a file that is a header and no more
            return None
        return self._unless_bad(self._parse_cols, tuple(line.split(maxsplit=self._num_columns)))


class _Lines(io.TextIOBase):
    """A text file whose lines are changed before python-can sees them."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        del size
        return self._changed(self._file.readline())

    def read(self, size: int | None = -1) -> str:
        del size
        return "".join(iter(self.readline, ""))

    def close(self) -> None:
        self._file.close()
        super().close()

    def _changed(self, line: str) -> str:
        return line


class _Asc(_Lines):
    """ASC with relative times, from event to event, or decimal commas, as python-can knows it.

    Where a header is missing it takes the first frame for one: an empty line stands before it.
    """

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self._relative = False
        self._now_s = 0.0
        self._held: str | None = None
        self._begun = False

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        if self._held is not None:
            held, self._held = self._held, None
            return held
        return super().readline(size)

    def _changed(self, line: str) -> str:
        self._relative = self._relative or bool(_RELATIVE.match(line))
        found = _STAMPED.match(line)
        if found is None:
            return line
        stamp = found[2].replace(",", ".")
        if self._relative:
            self._now_s += float(stamp)
            stamp = f"{self._now_s:.6f}"
        changed = f"{found[1]}{stamp}{found[3]}"
        if self._begun:
            return changed
        self._begun, self._held = True, changed
        return "\n"


class _Trc(_Lines):
    """TRC without its start, whose form differs; 1.2, which python-can lacks, looks like 1.3."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self._is_1_2 = False

    def _changed(self, line: str) -> str:
        if _TRC_1_2.match(line):
            self._is_1_2 = True
            return ";$FILEVERSION=1.3\n"
        if line.startswith(";$STARTTIME"):
            return ";\n"
        if line.startswith(";"):
            return line.rstrip("; \r\n") + "\n" if line.startswith(";$") else line
        if found := _TRC_STAMPED.match(line):
            line = f"{found[1]}.{found[2]}"
        if self._is_1_2 and (parts := line.split()):
            line = " ".join([*parts[: _TRC_ID + 1], "-", *parts[_TRC_ID + 1 :]]) + "\n"
        return line
