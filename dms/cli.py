"""The command ``dms``: finds the verb, runs it, turns expected errors into one sentence.

Exit codes: 0 done, 1 something failed, 2 usage, settings or labels, 3 camera or recording,
4 engine or model, 5 bus, serial adapter or broker, 6 event store, 7 a recording was read to its end
with damaged parts left out, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from dms import __version__
from dms.errors import ConfigError, DmsError
from dms.plainfile import check_name

# verb -> (module, what it does); the module has add_arguments(parser) and run(args) -> int.
VERBS = {
    "run": ("dms.commands.run", "watch the driver live, as the service does"),
    "bench": ("dms.commands.bench", "run recordings through the very same chain"),
    "audit": ("dms.commands.audit", "failure rates by group of people on labelled pictures"),
    "doctor": ("dms.commands.doctor", "say what is present, what is missing and what to do"),
    "service": ("dms.commands.service", "what systemd starts: run, with watchdog and store"),
    "view": ("dms.commands.view", "show what the running service sees, as numbers"),
    "dashboard": ("dms.commands.dashboard", "show the service or a replay as a live page"),
    "aim": ("dms.commands.aim", "help to mount the camera: face size, place and light"),
    "calibrate": ("dms.commands.calibrate", "the lens, the mounting, recordings with consent"),
    "events": ("dms.commands.events", "list, export or erase stored alerts"),
    "clips": ("dms.commands.clips", "keys for event clips; list, open or erase the clips"),
    "engine": ("dms.commands.engine", "build, list, verify and clean TensorRT plans"),
    "vspec": ("dms.commands.vspec", "print the overlay of COVESA's vehicle signals that MQTT uses"),
    "dbc": ("dms.commands.dbc", "print the CAN contract with the identifiers of the settings"),
    "vehicle": ("dms.commands.vehicle", "show what the vehicle's mapping reads from a CAN log"),
    "config": ("dms.commands.config", "check, show or describe the settings"),
}
EPILOG = (
    "exit codes: 0 done, 1 something failed, 2 usage or settings, 3 camera or recording, "
    "4 engine or model, 5 bridge, 6 event store, 7 damaged parts of a recording left out, "
    "130 interrupted"
)


def parser(verb: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; only ``verb``'s own options are loaded, all of them when it is None."""
    top = argparse.ArgumentParser(
        prog="dms",
        description="Driver monitoring on infrared video: fatigue, distraction, road rage.",
        epilog=EPILOG,
    )
    top.add_argument("--version", action="version", version=f"dms {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, (module, text) in VERBS.items():
        sub = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.add_argument("-v", "--verbose", action="store_true", help="log what happens")
        if verb in {None, name}:
            importlib.import_module(module).add_arguments(sub)
    return top


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # of what the output is sent to


def _words(error: DmsError, args: argparse.Namespace) -> str:
    if isinstance(error, ConfigError) and (error.key or error.parts):
        from dms.config import located  # noqa: PLC0415  # the settings load everything they name

        return located(error, getattr(args, "config", None))
    return str(error)


def _hint(error: ImportError) -> str:
    """Say what to install: on a bare server opencv-python finds no libraries of a desktop."""
    if "libGL" in str(error) or "libgthread" in str(error):
        return "pip install --force-reinstall --no-deps opencv-python-headless"
    return "install dms again"


def _of_system(error: OSError) -> str:
    """Say what the system refuses; raises ``error`` again where that is no fault of the user's."""
    if isinstance(error, PermissionError):
        return f"cannot use {error.filename or 'a file'}: {error.strerror}; check its rights"
    if error.filename is not None or error.errno not in _FULL:
        raise error
    with contextlib.suppress(OSError, ValueError):  # or Python tries again as it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return f"cannot write the output: {error.strerror}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with contextlib.suppress(AttributeError, ValueError):  # names on a terminal of ASCII
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    verb = next((word for word in words if word in VERBS), "")
    args = argparse.Namespace()
    try:
        args = parser(verb).parse_args(words)  # loads what the verb needs
        logging.basicConfig(
            level=logging.INFO if args.verbose else logging.WARNING,
            format="%(levelname)s %(name)s: %(message)s",
            stream=sys.stderr,
        )
        for word in words:
            check_name(word)
        code = int(importlib.import_module(VERBS[args.verb][0]).run(args))
        if sys.stdout is not None:
            sys.stdout.flush()  # at the end of Python it could not be told
        return code
    except DmsError as error:
        print(f"dms {verb}: {_words(error, args)}", file=sys.stderr)
        return error.exit_code
    except ImportError as error:
        print(f"dms {verb}: {error}; {_hint(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        sys.stderr.close()
        return 0
    except OSError as error:
        print(f"dms {verb}: {_of_system(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
