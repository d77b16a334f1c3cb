"""What each stage of the chain costs a frame, and how often it works: a budget and work counts."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import ExitStack
from typing import Any

from tools.speed.contestants import chain_of


class Stages:
    """Measures the stages of one chain by standing before their functions.

    ``spent_s``: CPU of this thread by stage, what it calls of other stages not counted;
    ``calls``: how often each was entered.
    """

    def __init__(self, overrides: list[str], stack: ExitStack) -> None:
        self.chain, self._step = chain_of(overrides, stack)
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self._inner = [0.0]
        perception = self.chain.perception
        tracker = perception.tracker
        self._watch(tracker.search, "run_hog", "face search (HOG)")
        self._watch(tracker.predictor, "predict", "landmarks")
        self._watch(tracker, "find", "tracking check")
        nets = {
            "eye-state net": perception.eye_state,
            "expression net": perception.expression,
            "mouth net": perception.mouth,
        }
        for name, net in nets.items():
            if net is not None:
                self._watch(net, "read", f"{name} with its crop")
        self._watch(perception, "observe", "EAR, pose, light and the rest of perception")
        self._watch(self.chain.core, "step", "decision")

    def _watch(self, owner: Any, name: str, stage: str) -> None:
        inner = getattr(owner, name)

        def watched(*args: object, **named: object) -> object:
            began = time.thread_time()
            self._inner.append(0.0)
            try:
                return inner(*args, **named)
            finally:
                took = time.thread_time() - began
                self.spent_s[stage] += took - self._inner.pop()
                self._inner[-1] += took
                self.calls[stage] += 1

        setattr(owner, name, watched)

    def step(self, gray: Any, t_s: float, index: int) -> object:
        """Take one frame through the chain."""
        began = time.thread_time()
        self._inner[-1] = 0.0
        state = self._step(gray, t_s, index)
        self.spent_s["CAN frames"] += time.thread_time() - began - self._inner[-1]
        self.calls["CAN frames"] += 1
        return state


def budget(stages: Stages, frames: int) -> dict[str, dict[str, float]]:
    """Milliseconds of CPU and calls a frame of each stage, dearest first."""
    return {
        stage: {"ms": 1e3 * spent / frames, "calls": stages.calls[stage] / frames}
        for stage, spent in sorted(stages.spent_s.items(), key=lambda item: -item[1])
    }
