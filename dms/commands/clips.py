"""``dms clips``: keys for event clips; list, open or erase the clips that the service keeps."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from dms.commands.options import add_settings, may_erase, settings_of
from dms.errors import ConfigError
from dms.store.clips import clips_folder, open_clip, stored_clips
from dms.store.events import store_path
from dms.store.sealing import new_identity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("what", choices=("key", "list", "open", "erase"))
    parser.add_argument("clip", nargs="?", type=Path, help="of open: the file to decrypt")
    add_settings(parser)
    parser.add_argument("--folder", type=Path, help="another folder than the service's")
    parser.add_argument(
        "--identity", type=Path, metavar="FILE", help="private key: written by key, read by open"
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="of open: a new folder")
    parser.add_argument("--yes", action="store_true", help="erase without asking")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    if args.what == "key":
        return _key(args.identity)
    if args.what == "open":
        return _open(args)
    store = store_path(settings_of(args).service.store, os.environ)
    folder = args.folder or clips_folder(store)
    if args.what == "erase":
        return _erase(folder, args.yes)
    for clip in stored_clips(folder):
        print(f"{clip}  {clip.stat().st_size / 1024:.0f} KiB")
    return 0


def _key(identity: Path | None) -> int:
    if identity is None:
        raise ConfigError("dms clips key: name the file of the private key with --identity FILE.")
    private, public = new_identity()
    try:
        with os.fdopen(os.open(identity, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# public key: {public}\n{private}\n")
    except OSError as error:
        raise ConfigError(
            f"cannot write {identity}: {error.strerror}; choose a new file"
        ) from error
    print(f"Private key: {identity}. Keep it away from the device; without it no clip opens.")
    print("Put into the device's settings:")
    print(f"service: {{clips: {{enabled: true, recipient: {public}}}}}")
    return 0


def _open(args: argparse.Namespace) -> int:
    if args.clip is None or args.identity is None or args.output is None:
        raise ConfigError("dms clips open CLIP --identity FILE --output FOLDER: all three.")
    count = open_clip(args.clip, args.identity, args.output)
    print(f"{count} files in {args.output}; play them with: dms bench {args.output}")
    return 0


def _erase(folder: Path, sure: bool) -> int:
    clips = stored_clips(folder)
    if not may_erase("dms clips erase", f"Erase {len(clips)} clips in {folder}?", sure=sure):
        return 1
    for clip in clips:
        try:
            clip.unlink()
        except OSError as error:
            raise ConfigError(f"{clip} cannot be erased: {error.strerror}.") from error
    print(f"{len(clips)} clips in {folder} are erased.")
    return 0
