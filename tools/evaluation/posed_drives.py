"""Drives of posing people who were not trained on: their own rest, then anger or something else.

Each person has one light and one sensor (the effects are drawn once), and in every frame a landmark
error, brightness and noise of its own, as in fer_drives.py.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from dms.chain import Chain
from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.engine.preprocess.crop import FaceCropSettings, to_batch
from dms.perception.expression import ExpressionNet
from dms.values import EXPRESSIONS, ExpressionScores, Level
from tools.evaluation.fer_drives import ACT_S, LOOKS, crop, drive
from tools.evaluation.figures import share
from tools.nets.posed import held_out, label_of, named, patches_of, person_of
from tools.nets.shipped import head_of, scratch
from tools.nets.tiles import progress, read_rows

REST_S = 40.0
ANGRY = ("anger", "disgust")
CALM = ("neutral", "happiness", "surprise", "sadness", "fear")
MOST = 6  # pictures of an expression of one person
Album = dict[str, dict[str, list[list[ExpressionScores]]]]  # person, expression, picture, looks


def measure_posed(folder: Path, engines: Path, chain: Chain, choose: bool) -> dict[str, Any]:
    """Rage found in people's own anger and disgust; alerts on all else that they show."""
    album = {who: of for who, of in _album(folder, engines, chain, choose).items() if _rested(of)}
    head = head_of(load_manifest("expression", engines))
    levels: dict[str, list[int]] = defaultdict(list)
    alerts: dict[str, int] = defaultdict(int)
    seconds = 0.0
    for seed, of in enumerate(progress(album.values(), len(album), "posed drives")):
        rest = of["neutral"][0]
        for name in ANGRY:
            for number, looks in enumerate(of.get(name, [])):
                told = drive(chain, [(rest, REST_S), (looks, ACT_S)], 100 * seed + number, head)
                levels[name].append(max((level for at, level in told if at >= REST_S), default=0))
        calm = [(name, looks) for name in CALM for looks in of.get(name, [])[name == "neutral" :]]
        told = drive(
            chain, [(rest, REST_S + ACT_S), *((one, ACT_S) for _, one in calm)], seed, head
        )
        for at, _ in told:
            place = int((at - REST_S) // ACT_S)
            alerts["own rest" if place <= 0 else calm[place - 1][0]] += 1
        seconds += REST_S + ACT_S * (1 + len(calm))
    both = [level for name in ANGRY for level in levels[name]]
    return {
        **{name: share(sum(level > 0 for level in levels[name]), len(levels[name]))
           for name in ANGRY if levels[name]},
        "found": share(sum(level > 0 for level in both), len(both)),
        "as_rage": sum(level == Level.WARNING for level in both),
        "people": len(album),
        "calm_hours": round(seconds / 3600, 2),
        "calm_alerts": sum(alerts.values()),
        "calm_alerts_by_face": dict(alerts),
        "of": "people left out of training, " + ("even, for choosing" if choose else "odd"),
    }  # fmt: skip


def _rested(of: dict[str, list[list[ExpressionScores]]]) -> bool:
    return "neutral" in of and len(of) > 1


def _album(folder: Path, engines: Path, chain: Chain, choose: bool) -> Album:
    """Scores of some looks at each picture of the people who are asked for."""
    given = named(folder, read_rows(folder, "file", "expression"))
    rows = {row["file"]: row for row in given if row["expression"] in EXPRESSIONS}
    who = {file: person_of(row) for file, row in rows.items()}
    people = sorted(held_out(set(who.values()) - {""}))[0 if choose else 1 :: 2]
    faces = patches_of(folder, scratch("faces") / "faces_posed_faces.npz")
    manifest = load_manifest("expression", engines)
    framing = manifest.framing(FaceCropSettings)
    rng = np.random.default_rng(3)
    lights = {person: int(rng.integers(2**31)) for person in people}
    album: Album = defaultdict(lambda: defaultdict(list))
    with open_engine(manifest, precision="int8") as engine:
        net = ExpressionNet(engine, manifest, chain.settings.nets.reading)
        for at in progress(np.flatnonzero(faces.found), int(faces.found.sum()), "scores"):
            file = str(faces.files[at])
            person = who.get(file, "")
            label = label_of(rows[file]) if person in lights else -1
            if label < 0:
                continue
            pictures = album[person][EXPRESSIONS[label]]
            if len(pictures) >= MOST:
                continue
            image, anchors = faces.patches[at], faces.anchors[at]
            crops = [crop(image, anchors, framing, lights[person], rng) for _ in range(LOOKS)]
            out = engine.infer(to_batch(np.stack(crops)))
            pictures.append([net.told({k: v[n : n + 1] for k, v in out.items()})
                             for n in range(LOOKS)])  # fmt: skip
    return album
