"""Lists YawDD (parked cars: normal, talking, yawning) for ``dms bench``.

The mirror's films say by their names what is in them, not when: ``12-FemaleGlasses-Yawning.avi``.
So films without yawns are scored for false ones; films with yawns, and the dash's, which hold all
in one, are run and listed, and count once somebody has written down when.
"""

from __future__ import annotations

import re
from pathlib import Path

from tools.data_sets.listing import Film, list_films

_NAME = re.compile(
    r"(?P<number>\d+)-(?P<gender>Female|Male)(?P<eyes>No|Sun)?Glasses(?P<more>[A-Za-z]*)"
    r"(?:-(?P<action>[A-Za-z&]+))?\s*",
    re.IGNORECASE,
)
_GLASSES = {None: "yes", "no": "no", "sun": "sun"}


def film_of(path: Path) -> Film | None:
    """Return what a film's name says, None for another film."""
    stem = path.stem.removesuffix(".avi")  # some are called .avi.avi
    named = _NAME.fullmatch(stem)
    if named is None:
        return None
    eyes = named["eyes"]
    action = "+".join(sorted((named["action"] or "all").lower().split("&")))
    groups = {
        "subject": f"{named['gender'].lower()}{named['number']}",
        "gender": named["gender"].lower(),
        "glasses": _GLASSES[eyes.lower() if eyes else None],
        "action": action,
        "camera": "dash" if named["action"] is None else "mirror",
    }
    quiet = action != "all" and "yawning" not in action
    return Film(path, groups, kinds=("yawn",) if quiet else (), name=stem.strip())


def main() -> None:
    films, others = list_films(
        film_of,
        __doc__,
        "the data set, unpacked (Mirror, Dash)",
        "named like 12-FemaleGlasses-Yawning.avi",
    )
    quiet = sum(bool(film.kinds) for film in films)
    print(
        f"{len(films)} films, {quiet} without a yawn are scored for false ones; "
        f"{others} other films left out"
    )


if __name__ == "__main__":
    main()
