"""Writes a frame table as ASAM MDF4, which measurement tools on the bench open. Extra ``mf4``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from dms.errors import ConfigError
from dms.files.columns import COLUMNS, unit_of
from dms.files.frames import load_frames


def write_mdf4(frames: Path, path: Path) -> int:
    """Write the numeric columns of ``frames`` to ``path`` (.mf4); return how many channels.

    Unknown values are marked invalid, not 0. Raises ConfigError without asammdf or where a file
    cannot be used.
    """
    try:
        asammdf: Any = importlib.import_module("asammdf")
    except ImportError as error:
        raise ConfigError("MDF4 needs asammdf: pip install 'dms-jetson[mf4]'") from error
    columns = load_frames(frames)
    t_s = columns.pop("t_s")
    signals = []
    for name, values in columns.items():
        unknown = values != values  # noqa: PLR0124 - NaN
        signals.append(
            asammdf.Signal(
                samples=values,
                timestamps=t_s,
                name=name,
                unit=unit_of(name),
                comment=COLUMNS.get(name, ""),
                invalidation_bits=unknown if unknown.any() else None,
            )
        )
    with asammdf.MDF(version="4.10") as file:
        file.append(signals, comment=f"dms: {frames.name}", common_timebase=True)
        try:
            file.save(path, overwrite=True)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error}; choose another place") from error
    return len(signals)
