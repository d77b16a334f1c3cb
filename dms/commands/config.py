"""``dms config``: check a settings file, show the settings in force, print the JSON Schema."""

from __future__ import annotations

import argparse
import json
from typing import Any

import yaml

from dms.bridge import open_bridge
from dms.camera.backends import check_camera, open_camera
from dms.commands.options import add_settings, settings_of
from dms.config import Settings, example, schema
from dms.decision.core import Core
from dms.engine.manifest import load_manifest
from dms.errors import BridgeError, ConfigError
from dms.masking import masked
from dms.perception.landmarks import PREDICTORS
from dms.vehicle import check_vehicle
from dms.yamlfile import as_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        "what",
        choices=("check", "show", "schema", "example"),
        help="check a file; show all values in force; schema for editors; a commented example",
    )
    add_settings(parser)
    parser.add_argument(
        "--here",
        action="store_true",
        help="check: also whether this machine serves the camera, as the service's reload does",
    )


def run(args: argparse.Namespace) -> int:
    """Do what was asked; a faulty file is told by line and ends with code 2."""
    if args.what == "schema":
        print(json.dumps(schema(), indent=2))
    elif args.what == "example":
        print(example(), end="")
    else:
        chosen = settings_of(args)
        if args.what == "check":
            for words in check(chosen, here=args.here):
                print(f"note: {words}")
        if args.what == "show":
            shown = _masked(as_data(chosen))
            print(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True), end="")
        else:
            print(f"{args.config or 'built-in settings'}: good")
    return 0


def _masked(value: Any) -> Any:
    """Return plain settings without the passwords that a URL in them may hold."""
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return masked(value) if isinstance(value, str) else value


def check(chosen: Settings, *, here: bool = False) -> tuple[str, ...]:
    """Return what looks wrong and still works, in words.

    Raises where settings name what is not there: profile, model, net, bridge or signal.
    Raises DmsError for a camera that cannot be; where this machine has nothing that serves it, or
    lacks a file that a bridge needs, only with ``here``: settings may be checked on another one.
    """
    Core(chosen.core)
    notes: list[str] = []
    for number, bridge in enumerate(chosen.bridges):
        try:
            made = open_bridge(bridge)  # made, not opened
            found = made.check() if here else made.unwise
        except (BridgeError, ConfigError) as error:
            raise ConfigError(f"bridges[{number}]: {error}") from error
        notes += (f"bridges[{number}]: {note}" for note in found)
    notes += check_vehicle(chosen.vehicle).hints
    if chosen.landmarks.model not in PREDICTORS:
        known = ", ".join(PREDICTORS)
        raise ConfigError(
            f"landmarks.model: expected one of {known}, got {chosen.landmarks.model!r}"
        )
    for name in (chosen.nets.expression, chosen.nets.eye_state):
        if name is not None:
            load_manifest(name).path(chosen.nets.precision)
    if chosen.nets.mouth is not None:
        load_manifest(chosen.nets.mouth).path("fp32")
    check_camera(chosen.camera)
    if here:
        open_camera(chosen.camera, patient=True)  # made, not opened
    return tuple(notes)
