"""Settings of the sound bridge, apart from it so that they load without numpy."""

from __future__ import annotations

from typing import Literal

from dms.settings import setting, settings

Language = Literal["en", "de", "es", "fr", "none"]


@settings
class SoundSettings:
    """Where and how loud alerts are heard."""

    device: str = setting("default", text="ALSA device, as `aplay -L` lists them")
    file: str = setting("", text="write what would be heard to this WAV file instead")
    file_most_s: float = setting(
        600.0, unit="s", gt=0, le=7200, text="the file ends after this much; 32 kB a second"
    )
    language: Language = setting("en", text="spoken texts: en, de, es, fr; none: tones alone")
    volume: float = setting(0.6, ge=0, le=1, text="of levels 1 and 2; 1 is full scale")
    mute: bool = setting(False, text="levels 1 and 2 are not heard; a critical alert always is")
    critical_least: float = setting(
        0.7, ge=0.3, le=1, text="a critical alert is never softer, whatever volume says"
    )
    critical_rise: float = setting(
        0.1, ge=0, le=1, text="louder by this each time a critical alert is told again"
    )
    most: float = setting(1.0, ge=0.3, le=1, text="nothing is louder")

    def __post_init__(self) -> None:
        if self.critical_least > self.most:
            raise ValueError(
                f"critical_least must not be above most, got {self.critical_least:g} and "
                f"{self.most:g}"
            )
