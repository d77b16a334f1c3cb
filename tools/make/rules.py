"""Writes docs/rules.md: every rule and number of the decision core, read from the code.

Run it after a change of settings or profiles; a test compares the page with the code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from pydantic import TypeAdapter

from dms.decision.emotion.context import READINGS
from dms.decision.emotion.context import RULES as CONTEXT_RULES
from dms.decision.profiles import PROFILES, SOURCES, Rules
from dms.decision.settings import CoreSettings
from tools.make.page import DOCS, write_or_check

_LINE = "|---|---|---|---|---|"
PAGE = DOCS / "rules.md"

INTRODUCTION = """\
# Rules of the decision core
This page is written by `python -m tools.make.rules` from the code and compared with it by a test.
Do not edit it.

The drowsiness level 1..9 is a documented estimate in the numbers of the Karolinska Sleepiness
Scale. It has **not** been validated against sleepy drivers; [validation.md](validation.md) says
how an owner would do that to EU 2021/1341.
"""

ALERTS = """\
## What alerts when
| alert | level | euro_ncap_2026 | euro_ncap_2023 | eu_gsr |
|---|---|---|---|---|
"""


def main() -> None:
    write_or_check(__doc__, PAGE, render)


def render() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION, ALERTS + "\n".join(_alerts()) + "\n", _profiles(), _context()]
    for name, text, table in _settings(CoreSettings()):
        parts.append(f"## `{name}`\n{text}\n\n{table}")
    return "\n".join(parts)


def _alerts() -> Iterator[str]:
    def row(alert: str, level: str, rule: Any) -> str:
        return f"| {alert} | {level} | " + " | ".join(rule(r) for r in PROFILES.values()) + " |"

    yield row("microsleep", "2", lambda r: f"eyes closed {r.microsleep_s:g} s")
    yield row("sleep", "3", lambda r: f"closed {r.sleep_s:g} s")
    yield row(
        "unresponsive",
        "3",
        lambda r: (
            f"closed {r.unresponsive_closed_s:g} s, away {r.unresponsive_away_s:g} s, or "
            f"{r.unresponsive_after_warning_s:g} s without looking back after a warning"
        ),
    )
    yield row(
        "drowsy",
        "1, 2",
        lambda r: (
            f"level {r.drowsy_advisory_kss}, {r.drowsy_warning_kss} from {r.drowsy_from_kmh:g} km/h"
        ),
    )
    yield row("distraction, long", "2", _long)
    yield row(
        "distraction, repeated",
        "2",
        lambda r: (
            f"{r.repeated_away_s:g} s away within {r.repeated_window_s:g} s, reset by "
            f"{r.repeated_reset_s:g} s on the road"
        ),
    )
    s = CoreSettings()
    same = [
        ("road_rage", "1, 2", f"evidence {s.rage.stress_above:g}, {s.rage.rage_above:g}"),
        ("degraded", "1", f"eyes not observable {s.policy.degraded_s:g} s"),
        ("fault", "1, 2", "event store or lamp at fault, camera, engine or bus lost"),
    ]
    for alert, level, words in same:
        yield f"| {alert} | {level} | {words} | the same | the same |"


def _long(rules: Rules) -> str:
    words = f"away by head or gaze {rules.distraction_s:g} s"
    if rules.distraction_slow_s != rules.distraction_s:
        words += f" from {rules.distraction_fast_kmh:g} km/h, {rules.distraction_slow_s:g} s below"
    side = "; looking down only" if rules.down_only else ""
    return f"{words}; from {rules.distraction_from_kmh:g} km/h{side}"


def _profiles() -> str:
    properties = TypeAdapter(Rules).json_schema()["properties"]
    parts = ["## Profiles\n"]
    for name, rules in PROFILES.items():
        lines = [f"### {name}", "| number | value | unit | source | meaning |", _LINE]
        for field in fields(Rules):
            about = dict(properties[field.name])
            about["source"] = SOURCES[name].get(field.name, about["source"])
            value = _value(getattr(rules, field.name))
            lines.append(f"| `{field.name}` | {value} | {_about(about)} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _context() -> str:
    lines = [
        "## What the vehicle's context makes of a face",
        "Factors of the rules that hold are multiplied; a dash changes nothing. Evidence of rage "
        "grows *rage* times as fast; the scores of fear with surprise and of happiness speak "
        "against it *fear* and *joy* times as much; where *stress* is the strongest, the alert "
        "stays an advisory. Missing context is unknown, not calm: it changes nothing. Loudness is "
        "a signal of your own (`vehicle.signals.loudness`): dms listens to no microphone.",
        "",
        f"| rule | when | {' | '.join(READINGS)} |",
        "|---|---|" + "---|" * len(READINGS),
    ]
    for rule in CONTEXT_RULES:
        factors = [float(getattr(rule, name)) for name in READINGS]
        cells = " | ".join("–" if factor == 1 else f"× {factor:g}" for factor in factors)
        lines.append(f"| {rule.name} | {rule.text} | {cells} |")
    return "\n".join(lines) + "\n"


def _settings(defaults: Any, above: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield name, text and table of each group of settings in ``defaults``, and of those within."""
    for field in fields(defaults):
        group = getattr(defaults, field.name)
        if not is_dataclass(group) or isinstance(group, type):
            continue
        properties = TypeAdapter(type(group)).json_schema()["properties"]
        rows = ["| setting | default | unit | source | meaning |", _LINE]
        for key, one in properties.items():
            value = getattr(group, key)
            if not is_dataclass(value):
                rows.append(f"| `{key}` | {_value(value)} | {_about(one)} |")
        text = (type(group).__doc__ or "").strip().splitlines()[0]
        name = above + field.name
        yield name, f"{text} (`{type(group).__module__}`)", "\n".join(rows) + "\n"
        yield from _settings(group, f"{name}.")


def _about(about: Mapping[str, Any]) -> str:
    return f"{about.get('unit', '')} | {about.get('source', '')} | {about.get('description', '')}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return "; ".join(f"{x:g} → {y:g}" for x, y in value)
    return str(value)


if __name__ == "__main__":
    main()
