"""Signs of a face too weak to be believed at once: one counts where it is seen twice."""

from __future__ import annotations

from dms.perception.search_order import Part
from dms.values import Box


class WeakSigns:
    """Weak signs within ``window_s`` and the looks that showed them.

    A round of all looks may take longer than a sign counts (a portrait picture, few frames a
    second), so a look that showed one and has had no turn since is taken again at half that time.
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

    def taken(self, part: Part) -> None:
        """Note that this look is taken, whatever for."""
        self._looks = [one for one in self._looks if one[1] != part]

    def again(self, now_s: float) -> Part | None:
        """Return the look that is to be taken again, if it is time for one."""
        self._looks = [one for one in self._looks if one[0] >= now_s - self._window_s]
        if not self._looks or now_s - self._looks[0][0] < self._window_s / 2:
            return None
        return self._looks[0][1]

    def forget(self) -> None:
        """Drop all, as when the pictures get another size."""
        self._seen, self._looks = [], []


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union of two boxes."""
    x = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    y = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if x <= 0 or y <= 0:
        return 0.0
    inner = x * y
    return inner / (one.width * one.height + other.width * other.height - inner)
