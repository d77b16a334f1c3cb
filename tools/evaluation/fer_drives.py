"""Drives without a face tracker: FER2013 tiles under infrared effects, scored and judged over time.

Each sequence has one light and one sensor (the effects are drawn once), and in every frame its own
landmark error, brightness and noise.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.chain import Chain
from dms.decision.core import Core
from dms.decision.emotion.relative import RelativeHead
from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.engine.preprocess.crop import FaceCropSettings, cut, fit_similarity, to_batch
from dms.errors import ConfigError
from dms.perception.expression import FER2013, ExpressionNet
from dms.values import (
    EXPRESSIONS,
    Box,
    DriverObservation,
    ExpressionScores,
    EyeEvidence,
    HeadPose,
    Kind,
    Level,
)
from tools.evaluation.figures import share
from tools.nets.alignment import fer_anchors, settled
from tools.nets.infrared import EFFECTS, Rng
from tools.nets.shipped import head_of, scratch
from tools.nets.tiles import Fer, progress

FPS = 5.0
LOOKS = 6  # scored pictures a tile; a frame shows one of them
REST_S, ACT_S = 70.0, 15.0
MOST = 60  # tiles of each expression
STERN = (0.3, 0.55)  # anger + disgust at rest that make a face stern
NOT_ANGRY = ("neutral", "happiness", "surprise", "sadness", "fear")
WITHOUT = frozenset({"cover", "glasses", "noise"})  # noise is drawn again in every frame
AHEAD, FACE = HeadPose(0.0, 0.0, 0.0), Box(100.0, 100.0, 180.0, 180.0)
EYE = EyeEvidence(ear=0.3, contrast=0.3)


def measure_fer(folder: Path, engines: Path, chain: Chain, choose: bool) -> dict[str, Any]:
    """Rage found in anger after another's neutral face; alerts on what is no anger."""
    fer = Fer(folder)
    tiles = _tiles(fer, choose)
    looks = _looks(fer, np.concatenate(list(tiles.values())), engines, chain)
    head = head_of(load_manifest("expression", engines))
    rng = np.random.default_rng(0)
    rests = tiles["neutral"]
    angry = {tile: _mean_angry(looks[tile]) for tile in rests}
    stern = [tile for tile in rests if STERN[0] <= angry[tile] <= STERN[1]]
    found = {
        "anger": _found(
            chain, looks, rests, np.concatenate([tiles["anger"], tiles["disgust"]]), head
        ),
        "anger_of_stern_faces": _found(chain, looks, stern, tiles["anger"], head)
        if stern
        else None,
    }
    alerts: dict[str, int] = defaultdict(int)
    seconds = 0.0
    for rest in progress(rests, len(rests), "calm drives"):
        others = [rng.choice(tiles[name]) for name in NOT_ANGRY]
        # A stern face's own rest goes on for long; everybody's rest is followed by other faces.
        plan = [(rest, REST_S + ACT_S), *((tile, ACT_S) for tile in others)]
        told = drive(chain, [(looks[tile], length_s) for tile, length_s in plan], int(rest), head)
        for t_s, _ in told:
            at = int(max(t_s - REST_S, 0.0) // ACT_S)
            alerts["own rest" if at == 0 else NOT_ANGRY[min(at, len(NOT_ANGRY)) - 1]] += 1
        seconds += REST_S + ACT_S * (1 + len(others))
    return found | {
        "calm_hours": round(seconds / 3600, 2),
        "calm_alerts": sum(alerts.values()),
        "calm_alerts_by_face": dict(alerts),
        "tiles": "even, for choosing" if choose else "odd",
    }


def _found(
    chain: Chain,
    looks: dict[int, list[ExpressionScores]],
    rests: Any,
    angry: NDArray[np.int64],
    head: RelativeHead | None,
) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    levels = []
    for tile in progress(angry, len(angry), "angry drives"):
        rest = int(rng.choice(rests))
        told = drive(chain, [(looks[rest], REST_S), (looks[tile], ACT_S)], int(tile), head)
        levels.append(max((level for t_s, level in told if t_s >= REST_S), default=0))
    return {
        **share(sum(level > 0 for level in levels), len(levels)),
        "as_rage": sum(level == Level.WARNING for level in levels),
    }


def _tiles(fer: Fer, choose: bool) -> dict[str, NDArray[np.int64]]:
    """PublicTest tiles by expression on which FER2013 and FER+ agree, none that leaked."""
    held = np.flatnonzero(~fer.training & ~fer.leak & fer.clear)
    held = held[held % 2 == (0 if choose else 1)]
    agreed = {
        name: held[(fer.label[held] == at) & (fer.majority[held] == EXPRESSIONS.index(name))]
        for at, name in enumerate(FER2013)
    }
    missing = [name for name in (*NOT_ANGRY, "anger") if not len(agreed[name])]
    if missing:
        raise ConfigError(
            f"no held-out tile is agreed to show {', '.join(missing)}; give a folder laid out as "
            "fer2013"
        )
    return {name: tiles[:MOST] for name, tiles in agreed.items()}


def _looks(
    fer: Fer, tiles: NDArray[np.int64], engines: Path, chain: Chain
) -> dict[int, list[ExpressionScores]]:
    """Scores of :data:`LOOKS` pictures of each tile."""
    images = fer.images[tiles]
    digest = hashlib.sha256(images.tobytes()).hexdigest()[:16]
    anchors = settled(*fer_anchors(images, scratch(f"anchors-{digest}.npz")))
    manifest = load_manifest("expression", engines)
    framing = manifest.framing(FaceCropSettings)
    rng = np.random.default_rng(2)
    looks = {}
    with open_engine(manifest, precision="int8") as engine:
        net = ExpressionNet(engine, manifest, chain.settings.nets.reading)
        for tile, image, points in progress(
            zip(tiles, images, anchors, strict=True), len(tiles), "scores"
        ):
            scene = int(rng.integers(2**31))
            crops = [crop(image, points, framing, scene, rng) for _ in range(LOOKS)]
            out = engine.infer(to_batch(np.stack(crops)))
            looks[int(tile)] = [
                net.told({name: rows[at : at + 1] for name, rows in out.items()})
                for at in range(LOOKS)
            ]
    return looks


def crop(
    image: NDArray[np.uint8], anchors: NDArray, framing: FaceCropSettings, scene: int, rng: Rng
) -> NDArray[np.uint8]:
    moved = anchors + rng.normal(0, 0.3, anchors.shape)
    crop = cut(image, fit_similarity(moved, framing.template).matrix, framing.size)
    light = np.random.default_rng(scene)
    made = crop.astype(np.float32)
    for name, (chance, effect) in EFFECTS.items():
        if name not in WITHOUT and light.random() < chance:
            made = effect(made, light).astype(np.float32)
    made = made * rng.uniform(0.95, 1.05) + rng.normal(0, 3, made.shape)
    return np.clip(made, 0, 255).astype(np.uint8)


def _mean_angry(looks: list[ExpressionScores]) -> float:
    at = [EXPRESSIONS.index(name) for name in ("anger", "disgust")]
    return float(np.mean([sum(one.probabilities[i] for i in at) for one in looks]))


def drive(
    chain: Chain,
    stretches: list[tuple[list[ExpressionScores], float]],
    seed: int,
    head: RelativeHead | None = None,
) -> list[tuple[float, int]]:
    """Time and level of every road-rage alert of one drive."""
    core = Core(chain.settings.core, head=head)
    rng = np.random.default_rng(seed)
    told, number = [], 0
    for looks, seconds in stretches:
        for _ in range(round(seconds * FPS)):
            t_s = number / FPS
            number += 1
            scores = looks[rng.integers(len(looks))]
            seen = DriverObservation(
                t_s, FACE, right_eye=EYE, left_eye=EYE, mar=0.02, pose=AHEAD, expression=scores
            )
            for event in core.step(seen, None, t_s).events:
                if event.kind is Kind.ROAD_RAGE and event.level > Level.NONE:
                    told.append((t_s, int(event.level)))
    return told
