"""Signs of a face too weak to be believed at once: one counts where it is seen twice."""

from __future__ import annotations

from dms.perception.search_order import Part
from dms.values import Box

_AGAIN_S = 0.3  # our estimate: what only passes by is gone when the look is taken again


class WeakSigns:
    """Weak signs within ``window_s`` and the looks that showed them.

    A round of all looks may take longer than a sign counts (a portrait picture, few frames a
    second), so the look that showed one is taken again soon.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: list[tuple[float, Box]] = []
        self._looks: list[tuple[float, Part]] = []

    def set_back(self, t_s: float) -> None:
        """Take what was noted later as noted at ``t_s``: the frames' clock was set back."""
        self._seen = [(min(seen_s, t_s), box) for seen_s, box in self._seen]
        self._looks = [(min(seen_s, t_s), part) for seen_s, part in self._looks]

    def twice(self, now_s: float, box: Box) -> bool:
        """Note a sign in ``box``; return whether it was seen there before."""
        self._seen = [one for one in self._seen if one[0] >= now_s - self._window_s]
        twice = any(overlap(before, box) > 0.5 for _, before in self._seen)
        self._seen.append((now_s, box))
        return twice

    def doubt(self, now_s: float, part: Part) -> None:
        """Note the look that showed a sign, to be taken again."""
        if all(one != part for _, one in self._looks):
            self._looks.append((now_s, part))

    def again(self, now_s: float) -> Part | None:
        """Return the look that is to be taken again, if it is time for one; it is told once."""
        self._looks = [one for one in self._looks if one[0] >= now_s - self._window_s]
        if not self._looks or now_s - self._looks[0][0] < _AGAIN_S:
            return None
        return self._looks.pop(0)[1]


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union of two boxes."""
    x = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    y = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if x <= 0 or y <= 0:
        return 0.0
    inner = x * y
    return inner / (one.width * one.height + other.width * other.height - inner)
