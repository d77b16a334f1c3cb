"""Run the audit on the measurement data and put tables and charts into the model cards.

    python -m tools.make.audit --data ../shared/data [--limit N]

What stands between <!-- audit --> and <!-- /audit --> in engines/*.md is replaced (added at the end
where a card has no such place), with a chart beside it. The findings go to engines/audit.json, too.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dms.bench.audit import AuditSettings, Finding, as_table, compare, measure, read_manifest
from dms.chain import Chain
from dms.config import load
from dms.engine.manifest import FOLDER
from tools.nets.tiles import progress

# data set -> what it is, smallest group
SETS = {
    "utk_faces": ("utk_faces: photographs in visible light, ages 18 and up", 5),
    "nir_faces": ("nir_faces: infrared frames of 9 people (a person counts once)", 2),
}
# card -> metrics that are its business
CARDS = {
    "landmarks": ("face not found", "landmarks implausible"),
    "eye_state": ("open eyes called closed, first frame", "open eyes called closed, own normal",
                  "open eyes called lowered, own normal",
                  "eyes not judged"),
    "expression": ("anger on a resting face",),
}  # fmt: skip
_SINGLE = re.compile(r"^[^ ]+$")  # crossed groupings are in audit.json, not in the cards


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with utk_faces, nir_faces")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    parser.add_argument("--limit", type=int, help="only every n-th picture, for a try")
    arguments = parser.parse_args()
    chain = Chain(load())
    found = {name: _audit(arguments, name, chain) for name in SETS}
    plain: dict[str, Any] = {name: [asdict(one) for one in all_] for name, all_ in found.items()}
    place = arguments.engines / "audit.json"
    place.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    for card, metrics in CARDS.items():
        _fill(arguments.engines / f"{card}.md", found, metrics, arguments.limit or 1)
        _chart(arguments.engines / f"{card}-audit.png", found["utk_faces"], metrics)
    for name, findings in found.items():
        for one in findings:
            if one.beyond_chance:
                print(
                    f"beyond chance, {name}: {one.metric} by {one.by}: {100 * one.gap:.1f} points"
                )
    return 0


def _audit(arguments: argparse.Namespace, name: str, chain: Chain) -> list[Finding]:
    rows = read_manifest(arguments.data / name / "labels.csv")[:: arguments.limit or 1]
    values = measure(rows, chain, lambda steps: progress(steps, len(rows), name))
    return compare(rows, values, AuditSettings(least=SETS[name][1]))


def _fill(card: Path, found: dict[str, list[Finding]], metrics: Sequence[str], every: int) -> None:
    parts = []
    for name, findings in found.items():
        chosen = [one for one in findings if one.metric in metrics and _SINGLE.match(one.by)]
        share = f", one of {every} pictures" if every > 1 else ""
        parts.append(
            f"{SETS[name][0]}{share}; per cent with 95 % intervals; bold is beyond chance."
        )
        parts += [as_table(chosen, by) for by in dict.fromkeys(one.by for one in chosen)]
    parts.append(f"![failure rates by group]({card.stem}-audit.png)")
    text = "\n\n".join(parts)
    old = card.read_text(encoding="utf-8")
    if "<!-- audit -->" not in old:
        old += "\n## By group of people (`tools/make/audit.py`)\n<!-- audit -->\n<!-- /audit -->\n"
    pattern = r"(<!-- audit -->).*?(<!-- /audit -->)"
    new = re.sub(pattern, lambda m: f"{m[1]}\n{text}\n{m[2]}", old, flags=re.DOTALL)
    card.write_text(new, encoding="utf-8")
    print(card)


def _chart(place: Path, findings: Sequence[Finding], metrics: Sequence[str]) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - an extra

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    chosen = [one for one in findings if one.metric in metrics and _SINGLE.match(one.by)]
    figure, axes = plt.subplots(
        1, max(len(metrics), 1), figsize=(4.2 * len(metrics), 3.2), squeeze=False
    )
    for axis, metric in zip(axes[0], metrics, strict=True):
        groups = [group for one in chosen if one.metric == metric for group in one.groups]
        for at, group in enumerate(groups):
            axis.plot([100 * group.low, 100 * group.high], [at, at], color="#31506b")
            axis.plot(100 * group.share, at, "o", color="#31506b")
        axis.set_yticks(range(len(groups)), [group.name for group in groups])
        axis.set_xlim(left=0)
        axis.set_title(metric, fontsize=9)
        axis.set_xlabel("% of pictures, 95 %", fontsize=8)
    figure.tight_layout()
    figure.savefig(place, dpi=90)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
