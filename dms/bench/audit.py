"""Does it fail some people more often than others? Rates by group with intervals, by Fairlearn.

One picture a row; where people are named, a person counts once. Pictures are taken to show open
eyes, as portraits do.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.camera.image_folder import read_picture
from dms.chain import Chain
from dms.decision.core import Core
from dms.errors import ConfigError
from dms.plainfile import check_name
from dms.settings import setting, settings
from dms.table import read_table
from dms.values import (
    EXPRESSIONS,
    DriverObservation,
    DriverState,
    EyesState,
    Frame,
    Gray,
    LidsState,
)

Column: TypeAlias = NDArray[np.float64]  # one value a picture, NaN where it says nothing

# name -> what a share of 1 means
METRICS = {
    "face not found": "no face in the picture",
    "landmarks implausible": "points that are no face (of the faces found)",
    "open eyes called closed, first frame": "before anything of the person is known",
    "open eyes called closed, own normal": "after half a minute of the same face",
    "open eyes called lowered, own normal": "the same, taken for lids that follow a gaze down",
    "eyes not judged": "openness unknown (of the faces found)",
    "anger on a resting face": "anger is the likeliest expression (resting faces where labelled)",
}
_ANGER = EXPRESSIONS.index("anger")
_LOOKS, _LOOK_S = 8, 0.1  # frames that a still counts as: a weak face is confirmed as in a film
_LEARN_S, _LEARN_FPS = 30.0, 5.0
_KNOWN = {"file", "source", "subject", "expression", "valence", "arousal", "age"}
_MOST_GROUPS = 24


@settings
class AuditSettings:
    """How groups are made and compared."""

    ages: tuple[int, ...] = setting((30, 45, 60), unit="years", text="edges between age groups")
    least: int = setting(5, ge=2, text="groups with fewer pictures (or people) are left out")
    draws: int = setting(1000, ge=100, le=100_000, text="bootstrap draws and permutations")
    chance: float = setting(
        0.01, gt=0, lt=0.5, text="a gap is beyond chance if shuffled groups reach it less often"
    )
    seed: int = setting(1, ge=0, text="of the draws")


@dataclass(frozen=True, slots=True)
class Group:
    """One group's share and its 95 % interval."""

    name: str
    count: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One metric by one grouping; ``p`` is how often chance alone gives such a gap."""

    metric: str
    by: str
    groups: tuple[Group, ...]
    gap: float
    p: float
    beyond_chance: bool


def read_manifest(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV with a column ``file`` (or ``source``), paths beside it.

    Raises ConfigError where it cannot be used.
    """
    rows = [row for _, row in read_table(path, ())]
    column = next((name for name in ("file", "source") if rows and name in rows[0]), None)
    if column is None:
        raise ConfigError(f"{path} has no column 'file' that names pictures; add one")
    check_name(str(path))
    return [{**row, "file": str(path.parent / row[column])} for row in rows]


def measure(
    rows: Sequence[Mapping[str, str]],
    chain: Chain,
    progress: Callable[[Iterator[Any]], Iterator[Any]] = iter,
) -> dict[str, Column]:
    """Return each metric's value of every picture. Raises ConfigError for one not to be read."""
    found = {name: np.full(len(rows), np.nan) for name in METRICS}
    for at, row in progress(enumerate(rows)):
        gray = read_picture(Path(row["file"]), cv2.IMREAD_GRAYSCALE)
        if gray is None:
            raise ConfigError(f"{row['file']} is no picture that OpenCV reads; check the manifest")
        for name, value in _judge(np.asarray(gray, np.uint8), row, chain).items():
            found[name][at] = value
    return found


def _judge(gray: Gray, row: Mapping[str, str], chain: Chain) -> dict[str, float]:
    seen = _look(gray, chain)
    values = {"face not found": float(seen.face is None)}
    if seen.face is None:
        return values
    values["landmarks implausible"] = float(not _plausible(seen))
    first, learned = _eyes(seen, chain)
    values["eyes not judged"] = float(first.eyes is EyesState.UNKNOWN)
    for name, state in (("first frame", first), ("own normal", learned)):
        if state.eyes is not EyesState.UNKNOWN:
            values[f"open eyes called closed, {name}"] = float(state.eyes is EyesState.CLOSED)
    if learned.lids is not LidsState.UNKNOWN:
        lowered = learned.lids is LidsState.LOWERED
        values["open eyes called lowered, own normal"] = float(lowered)
    if seen.expression is not None and row.get("expression", "neutral") == "neutral":
        scores = seen.expression.probabilities
        values["anger on a resting face"] = float(int(np.argmax(scores)) == _ANGER)
    return values


def _look(gray: Gray, chain: Chain) -> DriverObservation:
    """Return what a few looks at a still say; the last has everything.

    A margin is put around it: portraits are often cut closer than a cabin's camera ever sees.
    """
    margin = max(gray.shape) // 4
    edges = (margin, margin, margin, margin)
    gray = np.asarray(cv2.copyMakeBorder(gray, *edges, cv2.BORDER_REPLICATE), np.uint8)
    chain.perception.reset()
    seen = chain.perception.observe(Frame(gray, 0.0, 0))
    for look in range(1, _LOOKS):
        if seen.face is not None and seen.expression is not None:
            break
        seen = chain.perception.observe(Frame(gray, look * _LOOK_S, look))
    return seen


def _plausible(seen: DriverObservation) -> bool:
    """Tell whether pose and fit are those of a face that looks at the camera."""
    pose, fit = seen.pose, seen.fit
    if pose is None or (fit is not None and fit < 0.4):
        return False
    return abs(pose.yaw_deg) < 60 and abs(pose.pitch_deg) < 45 and abs(pose.roll_deg) < 45


def _eyes(seen: DriverObservation, chain: Chain) -> tuple[DriverState, DriverState]:
    """Return the driver's state at the first frame, and once this face's normal is learned."""
    core = Core(chain.settings.core)
    first = core.step(replace(seen, t_s=0.0), None, 0.0)
    state = first
    for number in range(1, int(_LEARN_S * _LEARN_FPS)):
        t_s = number / _LEARN_FPS
        state = core.step(replace(seen, t_s=t_s), None, t_s)
    return first, state


def groupings(rows: Sequence[Mapping[str, str]], how: AuditSettings) -> dict[str, list[str]]:
    """Return each grouping's name with every row's group; two columns are also crossed."""
    found: dict[str, list[str]] = {}
    for name in rows[0]:
        values = [row[name] or "not given" for row in rows]
        if name not in _KNOWN and 1 < len(set(values)) <= _MOST_GROUPS:
            found[name] = values
    names = list(found)
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            pairs = zip(found[one], found[other], strict=True)
            found[f"{one} x {other}"] = [f"{a}, {b}" for a, b in pairs]
    if all(row.get("age", "").isdigit() for row in rows):
        found["age"] = [_age(int(row["age"]), how.ages) for row in rows]
    return found


def _age(age: int, edges: Sequence[int]) -> str:
    lower = max((edge for edge in edges if edge <= age), default=None)
    upper = min((edge for edge in edges if edge > age), default=None)
    if lower is None:
        return f"below {upper}"
    return f"{lower} and up" if upper is None else f"{lower} to {upper - 1}"


def compare(
    rows: Sequence[Mapping[str, str]], values: Mapping[str, Column], how: AuditSettings
) -> list[Finding]:
    """Hold the groups against each other. Raises ConfigError without the extra ``audit``."""
    found = []
    people = [row.get("subject") for row in rows]
    for by, groups in groupings(rows, how).items():
        for metric, column in values.items():
            shares, labels = _per_person(column, groups, people)
            kept = [g for g in sorted(set(labels)) if labels.count(g) >= how.least]
            use = np.isin(labels, kept)
            if len(kept) > 1:
                finding = _finding(metric, by, shares[use], np.array(labels)[use], how)
                found.append(finding)
    return found


def _per_person(
    column: Column, groups: Sequence[str], people: Sequence[str | None]
) -> tuple[Column, list[str]]:
    """Return one mean a person (a picture without a person is one), unknown ones left out."""
    kept: dict[tuple[str, str], list[float]] = {}
    for at, (value, group, person) in enumerate(zip(column, groups, people, strict=True)):
        if not np.isnan(value):
            kept.setdefault((group, person or f"picture {at}"), []).append(float(value))
    return np.array([np.mean(one) for one in kept.values()]), [group for group, _ in kept]


def _finding(
    metric: str, by: str, shares: Column, labels: NDArray[np.str_], how: AuditSettings
) -> Finding:
    frame = _library("fairlearn.metrics").MetricFrame(
        metrics=_mean, y_true=np.zeros_like(shares), y_pred=shares, sensitive_features=labels
    )
    groups = tuple(
        _group(str(name), float(share), shares[labels == name], how)
        for name, share in frame.by_group.items()
    )
    gap = float(frame.difference())
    p = _by_chance(shares, labels, gap, how)
    return Finding(metric, by, groups, gap, p, p < how.chance)


def _group(name: str, share: float, shares: Column, how: AuditSettings) -> Group:
    """Return a group with Wilson's interval, or a bootstrap's where people have many pictures."""
    if np.isin(shares, (0.0, 1.0)).all():
        test = _library("scipy.stats").binomtest(int(shares.sum()), len(shares))
        edges = test.proportion_ci(method="wilson")
        return Group(name, len(shares), share, float(edges.low), float(edges.high))
    random = np.random.default_rng(how.seed)
    drawn = random.choice(shares, (how.draws, len(shares))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Group(name, len(shares), share, float(low), float(high))


def _mean(_: Column, shares: Column) -> float:
    return float(np.mean(shares))


def _by_chance(shares: Column, labels: NDArray[np.str_], gap: float, how: AuditSettings) -> float:
    """Return how often shuffled groups differ as much (permutation test, one added as usual)."""
    index = np.unique(labels, return_inverse=True)[1]
    sizes = np.bincount(index)
    random = np.random.default_rng(how.seed)
    reached = 0
    for _ in range(how.draws):
        means = np.bincount(random.permutation(index), weights=shares) / sizes
        reached += float(np.ptp(means)) >= gap - 1e-12
    return (reached + 1) / (how.draws + 1)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError("the audit needs Fairlearn: pip install 'dms-jetson[audit]'") from error


def as_table(findings: Sequence[Finding], by: str) -> str:
    """Return one grouping as a Markdown table: a row a metric, a column a group, the worst gap."""
    chosen = [one for one in findings if one.by == by]
    names = sorted({group.name for one in chosen for group in one.groups})
    lines = [
        f"| {by} | {' | '.join(names)} | worst gap | chance |",
        "|---" * (len(names) + 3) + "|",
    ]
    for one in chosen:
        cells = {
            g.name: f"{100 * g.share:.1f} [{100 * g.low:.1f}, {100 * g.high:.1f}]"
            for g in one.groups
        }
        gap = f"{100 * one.gap:.1f}"
        told = f"**{gap}**" if one.beyond_chance else gap
        row = " | ".join(cells.get(name, "") for name in names)
        lines.append(f"| {one.metric} | {row} | {told} | p = {one.p:.3f} |")
    return "\n".join(lines)
