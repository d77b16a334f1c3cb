"""``dms calibrate``: the lens, the mounting, and recordings made with consent."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2

from dms.camera.image_folder import TIMESTAMPS
from dms.camera.lens import ChessboardViews, mounting
from dms.chain import Chain
from dms.commands.options import add_settings, check_above_zero, settings_of
from dms.errors import CameraError, ConfigError
from dms.values import DriverObservation, Frame

_LEAST_CORNERS = 3  # of a chessboard, each way, as OpenCV finds it
CONSENT = (
    "This stores pictures of the person in front of the camera in {folder}. They stay on this\n"
    "machine until you delete that folder. Does the person agree? Type yes: "
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        "what",
        choices=("intrinsics", "mount", "record"),
        help="lens from a chessboard; seat region and view from a driver looking ahead; recording",
    )
    add_settings(parser)
    parser.add_argument("--source", help="this camera or recording instead of the settings' own")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long (default 30)")
    parser.add_argument(
        "--board", default="9x6", metavar="COLUMNSxROWS", help="inner corners (default 9x6)"
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="record: a new folder")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; settings are printed as YAML to paste into the file."""
    check_above_zero("--seconds", args.seconds)
    settings = settings_of(args)
    chain = Chain(replace(settings, nets=replace(settings.nets, expression=None, eye_state=None)))
    if args.what == "intrinsics":
        _intrinsics(chain, args)
    elif args.what == "mount":
        _mount(chain, args)
    else:
        return _record(chain, args)
    return 0


def _frames(chain: Chain, args: argparse.Namespace) -> Iterator[Frame]:
    with chain.camera(args.source) as camera:
        first_s: float | None = None
        for frame in camera:
            first_s = frame.t_s if first_s is None else first_s
            if frame.t_s - first_s > args.seconds:
                return
            yield frame


def _intrinsics(chain: Chain, args: argparse.Namespace) -> None:
    found = re.fullmatch(r"(\d{1,2})x(\d{1,2})", args.board, re.ASCII)
    if found is None:
        raise ConfigError(f"--board {args.board}: write it as 9x6, counting inner corners.")
    columns, rows = int(found[1]), int(found[2])
    if min(columns, rows) < _LEAST_CORNERS:
        raise ConfigError(
            f"--board {args.board}: it needs {_LEAST_CORNERS} inner corners each way."
        )
    views = ChessboardViews(columns, rows)
    for frame in _frames(chain, args):
        if views.add(frame.gray):
            print(f"view {len(views)} at {frame.t_s:.1f} s", file=sys.stderr)
    lens = views.solve()
    print(f"# {lens.views} views, corners miss by {lens.error_px:.2f} px\n{lens.yaml()}", end="")


def _mount(chain: Chain, args: argparse.Namespace) -> None:
    seen: list[DriverObservation] = []
    size: tuple[int, ...] = (0, 0)
    for frame in _frames(chain, args):
        size = frame.gray.shape
        seen.append(chain.perception.observe(frame))
    found = mounting(seen, size[1], size[0])
    if found.yaw_deg is not None:
        print(f"# looking ahead: yaw {found.yaw_deg:+.0f}, pitch {found.pitch_deg:+.0f} deg")
    print(f"# face {found.face_px:.0f} px wide\n{found.yaml()}", end="")


def _record(chain: Chain, args: argparse.Namespace) -> int:
    folder: Path | None = args.output
    if folder is None or folder.exists():
        raise ConfigError("dms calibrate record: --output must name a folder that is not there yet")
    if not sys.stdin.isatty():
        raise ConfigError("dms calibrate record: consent is asked for, so run it in a terminal")
    if input(CONSENT.format(folder=folder)).strip().lower() != "yes":
        print("Nothing was recorded.")
        return 1
    folder.mkdir(mode=0o700, parents=True)
    asked = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    (folder / "consent.txt").write_text(f"Consent was given at {asked}.\n", encoding="utf-8")
    count = 0
    with (folder / TIMESTAMPS).open("w", encoding="utf-8") as table:
        table.write("file,t_s\n")
        for frame in _frames(chain, args):
            name = f"{frame.sequence:06}.png"
            if not cv2.imwrite(str(folder / name), frame.gray):
                raise CameraError(f"{folder / name} cannot be written; free some disk space.")
            table.write(f"{name},{frame.t_s:.6f}\n")
            count += 1
    print(f"{count} pictures in {folder}; replay them with: dms bench {folder}")
    return 0
