"""``dms aim``: helps to mount the camera; the service must not hold it meanwhile."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import cv2

from dms.camera.aim import AimSettings, as_picture, as_text, judge
from dms.chain import Chain
from dms.commands.options import add_settings, settings_of
from dms.errors import ConfigError

_CLEAR = "\x1b[H\x1b[2J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    add_settings(parser)
    parser.add_argument("--source", help="look at this camera or recording instead")
    parser.add_argument("--text", action="store_true", help="show the picture as characters")
    parser.add_argument(
        "--picture", type=Path, metavar="OUT.png", help="write the newest picture with the face"
    )
    parser.add_argument("--frames", type=int, default=0, help="end after so many frames")


def run(args: argparse.Namespace) -> int:
    """Look until interrupted; code 0 if the last verdict was good, else 1."""
    settings = settings_of(args)
    chain = Chain(replace(settings, nets=replace(settings.nets, expression=None, eye_state=None)))
    good, count, told = False, 0, ""
    with chain.camera(args.source) as camera:
        for frame in camera:
            aim = judge(frame.gray, chain.perception.observe(frame), AimSettings())
            good, count = aim.good, count + 1
            if args.text and sys.stdout.isatty():
                print(_CLEAR, end="")
            if args.text:
                size = shutil.get_terminal_size()
                print(as_text(frame.gray, aim.face, min(size.columns - 1, 120), size.lines - 3))
            advice = " ".join(aim.advice) or "Good: size, place and light of the face are right."
            if args.text or advice != told:  # a line a frame would scroll what matters away
                print(advice)
            told = advice
            if args.picture and not cv2.imwrite(str(args.picture), as_picture(frame.gray, aim)):
                raise ConfigError(f"{args.picture} cannot be written; give a .png or .jpg.")
            if args.frames and count >= args.frames:
                break
    return int(not good)
