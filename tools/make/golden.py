"""Keep the demonstration as recorded observations with their events, for tests/golden.

Every other frame of the rendered film (no person was recorded) as perception saw it, and what the
decision core says of it. Run it again after a wanted change of perception or decision, and look at
the difference of the events before it is committed.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

from dms.decision.core import Core
from dms.files.events import event_object
from dms.files.observations import load

PLACE = Path(__file__).resolve().parents[2] / "tests" / "golden"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("observations", type=Path, help="of dms bench FILM --observations")
    parser.add_argument("--name", default="film", help="of the golden replay")
    parser.add_argument("--every", type=int, default=2, help="keep every n-th frame")
    arguments = parser.parse_args()
    PLACE.mkdir(exist_ok=True)
    moments = list(load(arguments.observations))[:: arguments.every]
    lines = arguments.observations.read_text(encoding="utf-8").splitlines()
    kept = "\n".join(lines[:: arguments.every]) + "\n"
    # Without a time in its header, so that the same observations give the same file.
    (PLACE / f"{arguments.name}.jsonl.gz").write_bytes(gzip.compress(kept.encode(), 9, mtime=0))
    core = Core()
    told = [
        json.dumps(event_object(event))
        for moment in moments
        for event in core.step(
            moment.observation, moment.vehicle, moment.observation.t_s, moment.faults
        ).events
    ]
    (PLACE / f"{arguments.name}.events.jsonl").write_text("\n".join(told) + "\n", encoding="utf-8")
    print(f"{len(moments)} frames, {len(told)} events")


if __name__ == "__main__":
    main()
