"""Lists UTA-RLDD (films of 10 minutes, alert to drowsy) for ``dms bench``.

Each subject's folder holds 0 (alert), 5 (low vigilance) and 10 (drowsy) as a film each. That is
said of a whole film: an alert ``drowsy`` anywhere in 10 is right and its lack a miss, in 0 it is
false, in 5 it may come. Closures, yawns and blinks are not labelled and are not scored.
"""

from __future__ import annotations

import re
from pathlib import Path

from tools.data_sets.listing import Film, list_films

STATES = {"0": "alert", "5": "low_vigilance", "10": "drowsy"}
_FOLD = re.compile(r"fold\D*(\d)", re.IGNORECASE)


def film_of(path: Path) -> Film | None:
    """Return what the names of a film and its folders say, None for another film."""
    state, subject = STATES.get(path.stem.strip()), path.parent.name
    if state is None or not subject.isdecimal():
        return None
    folds = [found.group(1) for part in path.parts if (found := _FOLD.match(part))]
    fold = folds[-1] if folds else ""
    return Film(
        path,
        {"subject": subject, "fold": fold, "state": state},
        kinds=("drowsy",),
        whole=None if state == "alert" else "drowsy",
        optional=state == "low_vigilance",
        note=f"the whole film is of a person who calls themselves {state.replace('_', ' ')}",
        name="-".join(filter(None, (fold and f"fold{fold}", subject, path.stem.strip()))),
    )


def main() -> None:
    films, others = list_films(
        film_of,
        __doc__,
        "holds Fold1_part1 and so on, unpacked",
        "0, 5 or 10 in a numbered subject's folder",
    )
    subjects = len({film.name.rsplit("-", 1)[0] for film in films})
    print(f"{len(films)} films of {subjects} subjects; {others} other films left out")


if __name__ == "__main__":
    main()
