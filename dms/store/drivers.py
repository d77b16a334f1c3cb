"""Keeps a driver's baseline under a name, if the owner wants it; nothing is kept by default.

Seven angles, ratios and log odds and a resting expression: no picture, and nothing that tells who
it is. To erase a driver, delete the file.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dms.decision.baseline import Known
from dms.folders import state_folder
from dms.settings import setting, settings

_log = logging.getLogger(__name__)
_KNOWN = TypeAdapter(Known)


@settings
class DriverSettings:
    """Whose baseline is kept, and where."""

    slot: str | None = setting(
        None,
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        text="name under which this driver's baseline is kept; null: nothing is kept",
    )
    folder: str | None = setting(None, text="where; null: drivers/ in the service's state folder")


def driver_file(settings: DriverSettings, environment: Mapping[str, str]) -> Path | None:
    """Return the driver's file, or None where nothing is to be kept."""
    if settings.slot is None:
        return None
    folder = Path(settings.folder) if settings.folder else state_folder(environment) / "drivers"
    return folder / f"{settings.slot}.json"


def recall(settings: DriverSettings, environment: Mapping[str, str] = os.environ) -> Known | None:
    """Return what is kept of the driver; None, with a warning, for a file that cannot be used."""
    file = driver_file(settings, environment)
    if file is None or not file.exists():
        return None
    try:
        return _KNOWN.validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        _log.warning("%s is not used, this driver is learned anew: %s", file, error)
        return None


def remember(
    settings: DriverSettings, known: Known | None, environment: Mapping[str, str] = os.environ
) -> None:
    """Keep what was learned, whole or not at all; a failure is told in the log only."""
    file = driver_file(settings, environment)
    if file is None or known is None:
        return
    fresh = file.with_suffix(".new")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_bytes(_KNOWN.dump_json(known))
        fresh.replace(file)
    except OSError as error:
        _log.warning("this driver's baseline was not kept: %s", error)
