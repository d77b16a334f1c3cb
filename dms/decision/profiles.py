"""The alert rules by profile: which time, level and speed makes which alert, each with its source.

A profile is only numbers; :mod:`dms.decision.policy` applies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType

from dms.errors import ConfigError
from dms.settings import setting, settings

_NCAP = "Euro NCAP 2026 Safe Driving, driver engagement"


@settings
class Rules:
    """One profile's numbers. Speeds gate only when the vehicle's speed is known and fresh."""

    microsleep_s: float = setting(
        1.0, unit="s", gt=0, le=3, source=_NCAP, text="eyes closed: microsleep, level 2"
    )
    sleep_s: float = setting(
        3.0, unit="s", gt=0, le=10, source=_NCAP, text="eyes closed: sleep, level 3"
    )
    unresponsive_closed_s: float = setting(
        6.0, unit="s", gt=0, le=30, source=_NCAP, text="eyes closed: unresponsive, level 3"
    )
    unresponsive_away_s: float = setting(
        6.0, unit="s", gt=0, le=30, source=_NCAP, text="away: unresponsive, level 3"
    )
    unresponsive_after_warning_s: float = setting(
        3.0,
        unit="s",
        gt=0,
        le=30,
        source=_NCAP,
        text="not looking back after a distraction warning: unresponsive, level 3",
    )
    drowsy_advisory_kss: int = setting(
        7, ge=1, le=9, source="EU 2021/1341 allows KSS 7", text="drowsiness for level 1"
    )
    drowsy_warning_kss: int = setting(
        8, ge=1, le=9, source="EU 2021/1341: KSS 8", text="drowsiness for level 2"
    )
    drowsy_from_kmh: float = setting(
        50.0, unit="km/h", ge=0, le=130, source=_NCAP, text="drowsy alerts from this speed"
    )
    distraction_s: float = setting(
        3.0, unit="s", gt=0, le=10, source=_NCAP, text="away at speed: long distraction, level 2"
    )
    distraction_slow_s: float = setting(
        3.0,
        unit="s",
        gt=0,
        le=10,
        source=_NCAP,
        text="the same below distraction_fast_kmh",
    )
    distraction_fast_kmh: float = setting(
        50.0,
        unit="km/h",
        ge=0,
        le=130,
        source="EU 2023/2590 (ADDW)",
        text="from here distraction_s applies",
    )
    distraction_from_kmh: float = setting(
        20.0,
        unit="km/h",
        ge=0,
        le=130,
        source="EU 2023/2590 (ADDW)",
        text="distraction alerts from this speed",
    )
    repeated_away_s: float = setting(
        10.0,
        unit="s",
        gt=0,
        le=60,
        source=_NCAP,
        text="away in sum within the window: repeated distraction, level 2",
    )
    repeated_window_s: float = setting(
        30.0, unit="s", gt=0, le=120, source=_NCAP, text="window of the sum"
    )
    repeated_reset_s: float = setting(
        2.0, unit="s", gt=0, le=30, source=_NCAP, text="on the road: the sum starts again"
    )
    down_only: bool = setting(
        False,
        source="EU 2023/2590: area 3 is below the windscreen",
        text="count only looking down as away",
    )

    def __post_init__(self) -> None:
        if not self.microsleep_s < self.sleep_s < self.unresponsive_closed_s:
            raise ValueError(
                "microsleep_s < sleep_s < unresponsive_closed_s is expected, got "
                f"{self.microsleep_s}, {self.sleep_s}, {self.unresponsive_closed_s}"
            )
        if self.drowsy_advisory_kss > self.drowsy_warning_kss:
            raise ValueError(
                "drowsy_advisory_kss must not exceed drowsy_warning_kss, got "
                f"{self.drowsy_advisory_kss} and {self.drowsy_warning_kss}"
            )


EURO_NCAP_2026 = Rules()
# 2023 defines a microsleep only as a closure below 3 s: 1.0 s is our choice.
EURO_NCAP_2023 = Rules()
# The two regulations ask for drowsiness (DDAW, EU 2021/1341) and looking down (ADDW,
# EU 2023/2590) only; closures and unresponsiveness are kept from Euro NCAP, with the away limit
# 3 s behind the slower of the two distraction warnings.
EU_GSR = replace(
    EURO_NCAP_2026,
    drowsy_from_kmh=70.0,
    distraction_s=3.5,
    distraction_slow_s=6.0,
    unresponsive_away_s=9.0,
    down_only=True,
)

PROFILES: Mapping[str, Rules] = MappingProxyType(
    {
        "euro_ncap_2026": EURO_NCAP_2026,
        "euro_ncap_2023": EURO_NCAP_2023,
        "eu_gsr": EU_GSR,
    }
)
# Where a number of a profile rests on something else than the source beside its field above.
_KEPT = "our choice: kept from Euro NCAP 2026"
_NCAP_2023 = "Euro NCAP 2023 Safety Assist, occupant status monitoring"
_DDAW, _ADDW = "EU 2021/1341 (DDAW)", "EU 2023/2590 (ADDW)"
SOURCES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "euro_ncap_2026": {},
        "euro_ncap_2023": {
            **{f.name: _NCAP_2023 for f in fields(Rules)},
            "microsleep_s": "our choice: 2023 says only less than 3 s",
            "drowsy_advisory_kss": "our choice, as EU 2021/1341 allows",
            "drowsy_warning_kss": _DDAW,
            "distraction_fast_kmh": _ADDW,
            "distraction_from_kmh": _ADDW,
        },
        "eu_gsr": {
            **{f.name: _KEPT for f in fields(Rules)},
            "drowsy_advisory_kss": f"{_DDAW}: KSS 7 may be warned of",
            "drowsy_warning_kss": f"{_DDAW}: KSS 8 must be warned of",
            "drowsy_from_kmh": _DDAW,
            "unresponsive_away_s": "our choice: 3 s after the slower distraction warning",
            "distraction_s": _ADDW,
            "distraction_slow_s": _ADDW,
            "distraction_fast_kmh": _ADDW,
            "distraction_from_kmh": _ADDW,
            "down_only": f"{_ADDW}: area 3, below the windscreen",
        },
    }
)
DEFAULT_PROFILE = "euro_ncap_2026"


def find_rules(name: str, own: Mapping[str, Rules] | None = None) -> Rules:
    """Return the rules called ``name``, the owner's first. Raises ConfigError if there are none."""
    if own is not None and name in own:
        return own[name]
    if name not in PROFILES:
        known = ", ".join(sorted({*PROFILES, *(own or {})}))
        raise ConfigError(f"there is no profile {name!r}; choose one of {known}")
    return PROFILES[name]
