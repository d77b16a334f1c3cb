"""The manifest and labels that ``dms bench`` reads, of films that lie in somebody's folder."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from dms.scoring.corpus import VIDEOS, length_frames, rate_of


@dataclass(frozen=True, slots=True)
class Film:
    """One film. ``kinds``: what its data set says of it, () where nothing can be scored.

    ``whole``: the kind that holds over all of it; ``optional``: it need not be told.
    """

    path: Path
    groups: Mapping[str, str]
    kinds: Sequence[str] = ()
    whole: str | None = None
    optional: bool = False
    note: str = ""
    name: str = field(default="")  # of its labels; unique in the set


def list_films(
    film_of: Callable[[Path], Film | None], text: str, folder: str, wanted: str
) -> tuple[list[Film], int]:
    """Write the manifest that the command line asks for; return its films and how many are others.

    ``text``: the program's help, ``folder``: that of its folder, ``wanted``: what its films are.
    """
    parser = argparse.ArgumentParser(description=text.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help=folder)
    parser.add_argument("out", type=Path, help="the manifest to write, .csv")
    arguments = parser.parse_args()
    found = films_in(arguments.folder)
    films = [film for path in found if (film := film_of(path)) is not None]
    if not films:
        sys.exit(f"{arguments.folder} has no film {wanted}")
    write_listing(films, arguments.out)
    return films, len(found) - len(films)


def films_in(folder: Path) -> list[Path]:
    """Return every film below ``folder``, in order; ends the program where there is none."""
    films = (path for path in folder.rglob("*") if path.suffix.lower() in VIDEOS)
    found = sorted(path for path in films if not path.name.startswith("."))  # ._x.mov of macOS
    if not found:
        sys.exit(f"{folder} holds no film; give the folder into which the data set was unpacked")
    return found


def write_listing(films: Sequence[Film], out: Path) -> None:
    """Write ``out`` (a manifest, CSV) and the labels beside it in ``labels/``."""
    labels = out.parent / "labels"
    labels.mkdir(parents=True, exist_ok=True)
    columns = list(films[0].groups)
    with out.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["source", "labels", *columns])
        for film in films:
            place = labels / f"{film.name}.labels.yaml"
            source = os.path.relpath(film.path, out.parent)
            told = ""
            if film.kinds:
                place.write_text(_labels(film), encoding="utf-8")
                told = os.path.relpath(place, out.parent)
            rows.writerow([source, told, *(film.groups[column] for column in columns)])


def _labels(film: Film) -> str:
    events = []
    if film.whole is not None:
        event = {"kind": film.whole, "start_s": 0.0, "end_s": _length_s(film.path)}
        events.append({**event, "optional": film.optional, "note": film.note})
    thing = {"recording": film.path.name, "kinds": list(film.kinds), "events": events}
    return yaml.safe_dump(thing, sort_keys=False)


def _length_s(path: Path) -> float:
    frames = length_frames(str(path))
    if not frames:
        sys.exit(f"{path} does not say how long it is; write it again (ffmpeg -i ... -c copy)")
    return round(frames / rate_of(str(path)), 2)
