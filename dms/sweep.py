"""One setting of the decision varied over recorded observations: recall against false alarms.

No pixel is looked at again, so hours of video are swept in minutes, and a threshold is chosen by
evidence. Only settings of the decision core can be swept.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dms.batch import match_events, rate_of
from dms.bench import bench
from dms.chain import Chain
from dms.config import load
from dms.corpus import Entry, labels_of
from dms.errors import ConfigError
from dms.quality import Quality, QualitySettings, Scored, measure
from dms.scoring import ScoringSettings, tally
from dms.values import Kind


@dataclass(frozen=True, slots=True)
class Point:
    """The figures at one value of the swept setting."""

    value: str
    quality: Quality


def sweep(
    entries: Sequence[Entry],
    run: Path,
    key: str,
    values: Sequence[str],
    config: Path | None = None,
    overrides: Sequence[str] = (),
    progress: Callable[[], None] | None = None,
) -> list[Point]:
    """Replay the observations that ``run`` kept at each value of ``key`` and score them.

    Raises ConfigError for a setting outside ``core``, for a run without observations, or where no
    recording has labels.
    """
    if not key.startswith("core."):
        raise ConfigError(f"{key} is no setting of the decision; a sweep varies core.* settings")
    sources = [(entry, run / entry.name / "observations.jsonl") for entry in entries]
    missing = [entry.name for entry, seen in sources if not seen.is_file()]
    if missing:
        raise ConfigError(
            f"{run} holds no observations of {missing[0]}; run it with --keep-observations"
        )
    labelled = [
        (entry, seen, labels)
        for entry, seen in sources
        if (labels := labels_of(entry, rate_of(entry.source))) is not None
    ]
    if not labelled:
        raise ConfigError("none of the recordings has labels, so there is nothing to measure by")
    points = []
    for value in values:
        chain = Chain(load(config, [*overrides, "bridges=[]", f"{key}={value}"]))
        scored = []
        for entry, seen, labels in labelled:
            result = bench(str(seen), chain)
            matches = match_events(result.events, labels, ScoringSettings(), chain)
            scored.append(Scored(entry.name, result.duration_s, tallies=tally(matches)))
            if progress:
                progress()
        points.append(Point(value, measure(scored, QualitySettings())))
    return points


def curve(points: Sequence[Point], key: str, kind: Kind) -> str:
    """Return an offline page with recall against false alarms an hour, one dot a value.

    Raises ConfigError without Plotly (extra ``bench``).
    """
    try:
        graph: Any = importlib.import_module("plotly.graph_objects")
    except ImportError as error:
        raise ConfigError("the curve needs Plotly: pip install 'dms-jetson[bench]'") from error
    known = [(one.value, one.quality.kinds[kind]) for one in points if kind in one.quality.kinds]
    plot = graph.Figure(
        graph.Scatter(
            x=[one.false_per_hour.value for _, one in known],
            y=[one.recall.value for _, one in known],
            error_y=_bars([(one.recall.value, one.recall.interval) for _, one in known]),
            error_x=_bars(
                [(one.false_per_hour.value, one.false_per_hour.interval) for _, one in known]
            ),
            text=[value for value, _ in known],
            textposition="top center",
            mode="lines+markers+text",
        )
    )
    plot.update_layout(
        title=f"{kind.value}: {key} (95 % over recordings)",
        xaxis_title="false alarms an hour",
        yaxis={"title": "recall", "range": [-0.02, 1.05]},
        template="plotly_white",
    )
    return str(plot.to_html(include_plotlyjs=True, full_html=True))


def _bars(pairs: Sequence[tuple[float | None, tuple[float, float] | None]]) -> dict[str, Any]:
    above = [i[1] - v if v is not None and i is not None else 0.0 for v, i in pairs]
    below = [v - i[0] if v is not None and i is not None else 0.0 for v, i in pairs]
    return {"type": "data", "array": above, "arrayminus": below, "thickness": 1}
