"""Whether the mouth is at work: talk, song, a shout, a yawn, food. A moving mouth is no emotion.

A net reads its shapes as disgust, surprise or anger; the frames teach no resting face, and anger
must stand out further to count.
"""

from __future__ import annotations

from collections import deque

from dms.settings import setting, settings


@settings
class SpeechSettings:
    """What a moving mouth looks like."""

    window_s: float = setting(2.0, unit="s", gt=0, text="the mouth's movement of this time counts")
    moves: float = setting(
        0.03, unit="MAR", gt=0, text="standard deviation within it that is more than noise"
    )
    wide: float = setting(
        0.35, unit="MAR", gt=0, source="wide yawns read so; lips parted at rest 0.22 and less",
        text="a mouth held this far open shouts, sings or yawns",
    )  # fmt: skip
    hold_s: float = setting(0.5, unit="s", ge=0, text="pauses between words are no end of talk")


class Speech:
    """Step it with every frame in time order."""

    def __init__(self, settings: SpeechSettings) -> None:
        self._settings = settings
        self._widths: deque[tuple[float, float]] = deque()
        self.forget()

    def forget(self) -> None:
        """Drop all widths, as another mouth may be seen next."""
        self._widths.clear()
        self._sum = self._squares = 0.0  # of the widths, so that a frame costs the same at any rate
        self._moved_s = float("-inf")

    def step(self, t_s: float, mar: float | None) -> bool:
        """Take one frame's mouth aspect ratio; return whether the mouth is at work now."""
        s, widths = self._settings, self._widths
        while widths and widths[0][0] < t_s - s.window_s:
            old = widths.popleft()[1]
            self._sum -= old
            self._squares -= old * old
        if not widths:
            self._sum = self._squares = 0.0  # what rounding has left
        if mar is not None:
            widths.append((t_s, mar))
            self._sum += mar
            self._squares += mar * mar
            count = len(widths)
            mean = self._sum / count
            variance = self._squares / count - mean * mean
            if mar >= s.wide or variance >= s.moves**2:
                self._moved_s = t_s
        return t_s - self._moved_s <= s.hold_s
