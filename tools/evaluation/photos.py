"""A photo before the camera: told within a minute; and how near real people come to such stillness.

Real recordings here are short, so what counts beside false alarms is the time between two signs of
life: how often one comes, and how long the longest pause was.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dms.chain import Chain
from dms.config import load
from dms.scoring.labels import load_zju
from dms.values import Frame, Gray, Unseen
from tools.evaluation.covers import ZJU_FPS
from tools.evaluation.films import SHUT, clips_in_a_row, read_clip, read_still, still
from tools.evaluation.stills import chosen
from tools.nets.tiles import progress

_LONGEST_S = 10.0  # of a still beyond the rule's minute


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--each", type=int, default=1, help="stills of each person")
    parser.add_argument("--fps", type=float, default=10.0, help="of the stills (%(default)g)")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    chain = Chain(load(None, ["bridges=[]", "nets.expression=null", "nets.mouth=null", *args.set]))
    after_s = chain.settings.core.still.after_s
    people = {name: pauses_of(chain, film) for name, film in _people(args.data).items()}
    photos = {}
    pictures = dict(_pictures(args.data, args.each))
    for name in progress(list(pictures), len(pictures), "photos"):
        photos[name] = told_at_s(chain, still(pictures[name], after_s + _LONGEST_S, fps=args.fps))
    return {"people": judge_lively(people), "photos": judge_photos(photos, args.fps, after_s)}


def _people(folder: Path) -> dict[str, Iterable[Frame]]:
    """Return every real recording: the clips of a person in a row, and each longer clip."""
    clips = defaultdict(list)
    for clip in sorted((folder / "zju_blink").glob("*.mp4")):
        clips[clip.stem[:7]].append(clip)
    films: dict[str, Iterable[Frame]] = {name: clips_in_a_row(own) for name, own in clips.items()}
    for clip in sorted((folder / "clips").iterdir()):
        if clip.suffix in {".mp4", ".mov", ".gif"}:
            films[clip.stem] = read_clip(clip)
    return films


def _pictures(folder: Path, each: int) -> Iterator[tuple[str, Gray]]:
    """Yield stills of people with open eyes, in infrared and in visible light."""
    taken: dict[str, int] = defaultdict(int)
    for path in chosen(folder / "nir_faces"):
        person = path.stem.split("_")[0]
        if path.stem not in SHUT and taken[person] < each:
            taken[person] += 1
            yield path.stem, read_still(path)
    labels = load_zju(folder / "zju_blink" / "blinks.csv", ZJU_FPS)
    for clip in sorted((folder / "zju_blink").glob("*.mp4")):
        blinks = labels[clip.stem].events if clip.stem in labels else ()
        if len(blinks) > 1 and taken[clip.stem[:7]] < each:
            taken[clip.stem[:7]] += 1
            open_s = (blinks[0].end_s + blinks[1].start_s) / 2
            frame = next((one for one in read_clip(clip) if one.t_s >= open_s), None)
            if frame is not None:
                yield clip.stem, frame.gray


def pauses_of(chain: Chain, film: Iterable[Frame]) -> tuple[float, list[float], int]:
    """Return the seconds watched, the pauses between signs of life, and the frames called still."""
    chain.reset()
    watched_s, last_s, pauses, called, before_s = 0.0, 0.0, [], 0, 0.0
    for frame in film:
        state = chain.core.step(chain.perception.observe(frame), None, frame.t_s)
        quiet_s = chain.core.quiet_s
        if quiet_s is not None:
            watched_s += frame.t_s - last_s
            if quiet_s < before_s:
                pauses.append(before_s)
        before_s, last_s = quiet_s or 0.0, frame.t_s
        called += state.eyes_unseen is Unseen.STILL
    pauses.append(before_s)  # the end cut it short, or it lasted
    return watched_s, pauses, called


def told_at_s(chain: Chain, film: Iterable[Frame]) -> float | None:
    """Return when a film is called still, None where it never is."""
    chain.reset()
    for frame in film:
        state = chain.core.step(chain.perception.observe(frame), None, frame.t_s)
        if state.eyes_unseen is Unseen.STILL:
            return frame.t_s
    return None


def judge_lively(people: dict[str, tuple[float, list[float], int]]) -> dict[str, Any]:
    pauses = [pause for _, own, _ in people.values() for pause in own]
    longest = {name: round(max(own), 1) for name, (_, own, _) in people.items()}
    return {
        "recordings": len(people),
        "watched_s": round(sum(seconds for seconds, _, _ in people.values()), 1),
        "signs_of_life": len(pauses),
        "pause_median_s": round(float(np.median(pauses)), 2),
        "pause_p99_s": round(float(np.quantile(pauses, 0.99)), 2),
        "pause_longest_s": max(longest.values()),
        "longest_by_recording": dict(sorted(longest.items(), key=lambda one: -one[1])[:5]),
        "false_alarms": sum(called > 0 for _, _, called in people.values()),
    }


def judge_photos(photos: dict[str, float | None], fps: float, after_s: float) -> dict[str, Any]:
    times = [told_s for told_s in photos.values() if told_s is not None]
    return {
        "fps": fps,
        "photos": len(photos),
        "told": len(times),
        "told_after_median_s": round(float(np.median(times)), 2) if times else None,
        "told_after_worst_s": round(max(times), 2) if times else None,
        "allowed_s": after_s,
        "not_told": [name for name, told_s in photos.items() if told_s is None],
    }
