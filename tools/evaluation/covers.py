"""Painted sunglasses, hands, glare, hat brims and masks on people that no net was trained on.

Each face is first seen as it is, then covered. Told in time is a `degraded` alert within 10 s of
the cover; said to be open is any frame with open eyes from half a second after it. A mask leaves
the eyes free: there they should go on being read, or the driver be told.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dms.chain import Chain
from dms.config import load
from dms.errors import ConfigError
from dms.scoring.labels import load_zju
from dms.values import EyesState, Frame, Gray, Kind
from tools.evaluation.films import SHUT, Noise, Watched, read_clip, read_still, still, watch
from tools.evaluation.painting import COVERS, EYES_FREE, paint
from tools.nets.tiles import progress

FREE_S, TOLD_S, SETTLED_S = 6.0, 10.0, 0.5  # so long the pose is learned; then told; in between
FPS = 10.0
ZJU_FPS, CLEAR_S = 30.0, 0.4
LANDMARKS_TRAINED = frozenset({1, 3, 6, 9, 13, 17})  # people of zju_blink


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--each", type=int, default=2, help="pictures of each infrared person")
    parser.add_argument("--cover", nargs="+", choices=sorted(COVERS), default=list(COVERS))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    chain = Chain(load(None, ["bridges=[]", "nets.expression=null", *args.set]))
    faces = [*_infrared(args.data / "nir_faces", args.each), *_visible(args.data / "zju_blink")]
    if not faces:
        raise ConfigError(f"{args.data} holds neither nir_faces nor zju_blink with faces in them")
    jobs = [(cover, name, gray) for cover in args.cover for name, gray in faces]
    rows = []
    for seed, (cover, name, gray) in enumerate(progress(jobs, len(jobs), "covers")):
        anchors = _anchors(chain, gray)
        if anchors is None:
            continue
        covered = paint(cover, gray, anchors, seed)
        said = watch(chain, _put_on(gray, covered, seed))
        rows.append(row_of(cover, name, said))
    return figures(rows)


def row_of(cover: str, name: str, said: Watched) -> dict[str, Any]:
    after = [state for state in said.states if state.t_s > FREE_S + SETTLED_S]
    told = [event for event in said.alerts({Kind.DEGRADED}) if event.t_s <= FREE_S + TOLD_S]
    opened = sum(state.eyes is EyesState.OPEN for state in after)
    return {
        "cover": cover,
        "face": name,
        "told": bool(told),
        "reason": str(told[0].values["unseen"]) if told else "",
        "open": opened,
        "free": opened >= 0.9 * len(after),
        "alarmed": bool(said.alerts({Kind.MICROSLEEP, Kind.SLEEP})),
    }


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares over all faces and by cover; a mask is right where eyes are read or it is told."""
    hiding = [row for row in rows if row["cover"] not in EYES_FREE]
    said: dict[str, Any] = {
        "faces": len({row["face"] for row in rows}),
        "runs": len(hiding),
        "told_within_10_s": _share(hiding, "told"),
        "never_said_open": 1.0 - _share(hiding, "open"),
        "closure_alarms": sum(row["alarmed"] for row in rows),
    }
    for cover in dict.fromkeys(row["cover"] for row in rows):
        some = [row for row in rows if row["cover"] == cover]
        free = cover in EYES_FREE
        wrong = [
            f"{row['face']}: "
            + (f"open in {row['open']} frames" if row["open"] and not free else "not told")
            for row in some
            if (not (row["told"] or row["free"]) if free else not row["told"] or row["open"])
        ]
        said[cover] = {
            "runs": len(some),
            "right": round(1.0 - len(wrong) / len(some), 4),
            "reasons": dict(Counter(row["reason"] or "none" for row in some).most_common()),
            "wrong": wrong,
        }
    return said


def _share(rows: list[dict[str, Any]], name: str) -> float:
    return round(float(np.mean([bool(row[name]) for row in rows])), 4) if rows else float("nan")


def _put_on(gray: Gray, covered: Gray, seed: int) -> Iterator[Frame]:
    noise = Noise(gray.shape, seed)
    for number in range(round((FREE_S + TOLD_S + 0.5) * FPS)):
        t_s = number / FPS
        yield Frame(noise.over(gray if t_s < FREE_S else covered), t_s, number)


def _anchors(chain: Chain, gray: Gray) -> np.ndarray | None:
    chain.reset()
    found = None
    for frame in still(gray, 0.6, fps=5.0):
        found = chain.perception.tracker.find(frame) or found
    return None if found is None else found.marks.anchors


def _infrared(folder: Path, each: int) -> Iterator[tuple[str, Gray]]:
    taken: Counter[str] = Counter()
    for path in sorted(folder.glob("*.jpg")):
        person = path.stem.split("_")[0]
        if path.stem not in SHUT and taken[person] < each:
            taken[person] += 1
            yield path.stem, read_still(path)


def _visible(folder: Path) -> Iterator[tuple[str, Gray]]:
    """One frame well before the first blink of each person of whom no landmarks were learned."""
    if not folder.is_dir():
        return
    seen: set[int] = set()
    labels = load_zju(folder / "blinks.csv", ZJU_FPS)
    for clip in sorted(folder.glob("*.mp4")):
        person = int(clip.stem[:6])
        blinks = labels[clip.stem].events if clip.stem in labels else ()
        first_s = min((blink.start_s for blink in blinks), default=0.0)
        if person not in seen | LANDMARKS_TRAINED and first_s > 2 * CLEAR_S:
            seen.add(person)
            wanted = (frame for frame in read_clip(clip) if frame.t_s >= first_s - CLEAR_S)
            frame = next(wanted, None)  # none where the clip ends before its label
            if frame is not None:
                yield clip.stem, frame.gray
