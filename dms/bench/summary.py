"""What a bench run leaves beside its recordings: summary.json for programs, report.html for people.

Both depend on the outcomes alone, so that a run on a cluster gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dms import __version__
from dms.bench.drives import load_segments
from dms.bench.job import Outcome, frames_path, match_events, outcome_object
from dms.chain import Chain
from dms.errors import ConfigError
from dms.files.events import load_events
from dms.files.frames import load_frames
from dms.files.thumbnails import load_thumbnails
from dms.report.events import Files
from dms.report.report import SHOWN_COLUMNS, Recording, Report, Thumbnail, write_report
from dms.scoring.corpus import Entry
from dms.scoring.match import ScoringSettings
from dms.scoring.quality import Figure, Quality, QualitySettings, by_group, measure

SUMMARY = "summary.json"
FORMAT = 1


def write_summary(
    out: Path, outcomes: Sequence[Outcome], chain: Chain, groups: Sequence[str]
) -> dict[str, Any]:
    """Write ``summary.json`` and return what it holds.

    Raises ConfigError where it cannot be written.
    """
    scored = [one.scored for one in outcomes if one.scored is not None]
    settings = QualitySettings()
    summary: dict[str, Any] = {
        "format": FORMAT,
        "dms": __version__,
        "profile": chain.settings.core.profile,
        "all": quality_object(measure(scored, settings)),
        "groups": {
            column: {
                value: quality_object(quality)
                for value, quality in by_group(scored, column, settings).items()
            }
            for column in groups
        },
        "recordings": [outcome_object(one) for one in outcomes],
    }
    try:
        text = json.dumps(summary, indent=1, sort_keys=True, allow_nan=False)
        (out / SUMMARY).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {out / SUMMARY}: {error.strerror}") from error
    return summary


def quality_object(quality: Quality) -> dict[str, Any]:
    """Return figures as plain JSON, rounded."""
    return {
        "recordings": quality.recordings,
        "hours": round(quality.hours, 6),
        "availability": _rounded(quality.availability),
        "perclos_error": _rounded(quality.perclos_error),
        "kinds": {
            kind.value: {
                "labelled": one.labelled,
                "found": one.found,
                "false": one.false,
                "recall": _figure(one.recall),
                "precision": _figure(one.precision),
                "f1": _figure(one.f1),
                "false_per_hour": _figure(one.false_per_hour),
                "delay_median_s": _rounded(one.delay_median_s),
                "delay_p95_s": _rounded(one.delay_p95_s),
            }
            for kind, one in quality.kinds.items()
        },
        "confusion": [[*pair, count] for pair, count in quality.confusion.items()],
    }


def write_page(
    out: Path,
    entries: Sequence[Entry],
    outcomes: Sequence[Outcome],
    chain: Chain,
    timelines: int,
    groups: Sequence[str] = (),
) -> Path:
    """Write ``report.html`` with at most ``timelines`` timelines, of the worst recordings.

    ``groups``: columns of the manifest to show the figures by.
    """
    pairs = [
        (entry, one) for entry, one in zip(entries, outcomes, strict=True) if one.scored is not None
    ]
    worst = sorted(pairs, key=lambda pair: -_faults(pair[1]))[:timelines]
    shown = {entry.name for entry, _ in worst}
    recordings = [_recording(out, entry, one, chain, entry.name in shown) for entry, one in pairs]
    scored = [one.scored for one in outcomes if one.scored]
    settings = QualitySettings()
    facts = [f"dms {__version__}", f"profile {chain.settings.core.profile}"]
    failures = [(one.name, one.error) for one in outcomes if one.error]
    if failures:
        facts.append(f"{len(failures)} of {len(outcomes)} recordings could not be used")
    damaged = [(one.name, one.damaged) for one in outcomes if one.damaged]
    if damaged:
        facts.append(f"{len(damaged)} of {len(outcomes)} recordings are damaged in part")
    if len(pairs) > len(shown):
        facts.append(f"timelines of the {len(shown)} recordings with the most faults")
    by_column = {column: by_group(scored, column, settings) for column in groups}
    path = out / "report.html"
    quality = measure(scored, settings)
    write_report(
        Report("dms bench", recordings, facts, quality, by_column, [*failures, *damaged]), path
    )
    return path


def _recording(
    out: Path, entry: Entry, outcome: Outcome, chain: Chain, with_timeline: bool
) -> Recording:
    folder = out / entry.name
    events = load_events(folder / "events.jsonl")
    labels = entry.read_labels()
    scored = outcome.scored
    seen = scored.eyes_known / scored.frames if scored and scored.frames else None
    return Recording(
        name=entry.name,
        events=events,
        frames=partial(load_frames, frames_path(folder), SHOWN_COLUMNS) if with_timeline else None,
        labels=labels,
        matches=match_events(events, labels, ScoringSettings(), chain),
        duration_s=scored.duration_s if scored else 0.0,
        availability=seen,
        synthetic=outcome.synthetic,
        files=_files(folder),
        note=_taken_up(outcome),
        thumbnails=[Thumbnail(*one) for one in load_thumbnails(folder)] if with_timeline else [],
    )


def _files(folder: Path) -> Files | None:
    read = load_segments(folder)
    if not read:
        return None
    return Files([Path(one.source).name for one in read], [one.start_s for one in read])


def _taken_up(outcome: Outcome) -> str:
    if outcome.recalled_s is None:
        return ""
    return (
        f"This run was cut short and taken up at {outcome.recalled_s:.1f} s; the driver's resting "
        "face was learned again from there."
    )


def _faults(outcome: Outcome) -> int:
    tallies: Mapping[Any, Any] = outcome.scored.tallies if outcome.scored else {}
    return sum(one.missed + one.false for one in tallies.values())


def _figure(figure: Figure) -> dict[str, Any]:
    interval = figure.interval
    return {
        "value": _rounded(figure.value),
        "interval95": [round(bound, 4) for bound in interval] if interval else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
