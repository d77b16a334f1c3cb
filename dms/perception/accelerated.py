"""The nets on the GPU as soon as their plans are ready, on the CPU until then and after a failure.

The change from one to the other happens between two frames; whatever fails, the CPU goes on. A GPU
that does not answer yet, as at boot, is tried again.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

import numpy as np

from dms.engine.engine import Tensor
from dms.engine.frame_nets import Crop, FrameNets
from dms.engine.preparation import Preparation
from dms.engine.worker import Worker
from dms.errors import EngineError, GpuMissingError
from dms.perception.expression import ExpressionNet
from dms.perception.eye_net import EyeScores, EyeStateNet
from dms.resource import Resource
from dms.values import ExpressionScores, Gray, Points

_log = logging.getLogger(__name__)

RETRY_S = (5.0, 10.0, 20.0, 40.0, 60.0)  # pauses between looks for a GPU; the last one recurs
CLOSE_TIMEOUT_S = 3.0  # systemd ends what takes longer than 5 s (systemd/dms.service)
Outputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What one frame's run has found for nets that have not asked yet."""

    gray: Gray
    anchors: Points
    outputs: dict[str, Outputs]


class AcceleratedNets(Resource):
    """Both nets behind the same two ``read`` calls as on the CPU.

    ``preparation`` knows them by their roles, ``expression`` and ``eye_state``. It runs, and later
    everything is freed, in a thread of its own: a GPU that hangs there holds nobody up.
    """

    def __init__(
        self,
        expression: ExpressionNet | None,
        eye_state: EyeStateNet | None,
        preparation: Preparation,
    ) -> None:
        self._cpu_expression, self._cpu_eye_state = expression, eye_state
        self._preparation = preparation
        self._last: _Waiting | None = None
        self.expression = AcceleratedExpression(self, expression) if expression else None
        self.eye_state = AcceleratedEyeState(self, eye_state) if eye_state else None
        self._given_up = self._closed = False
        self._tried, self._stop = threading.Event(), threading.Event()
        self._worker = Worker("dms-plans")
        self._opening = self._worker.submit(self._prepare)
        self._opening.add_done_callback(lambda _: self._tried.set())

    @property
    def on_gpu(self) -> bool:
        """Whether the GPU answers now."""
        return self._nets() is not None

    def _prepare(self) -> FrameNets | None:
        pauses = iter(RETRY_S)
        try:
            while True:
                try:
                    nets = self._preparation.open()
                    break
                except GpuMissingError as error:
                    if not self._tried.is_set():
                        _log.error("the nets stay on the CPU: %s; it is tried again", error)
                        self._tried.set()
                    if self._stop.wait(next(pauses, RETRY_S[-1])):
                        return None
        except (EngineError, OSError) as error:
            _log.error("the nets stay on the CPU: %s", error)
        except Exception:  # noqa: BLE001  (the supervisor of the GPU's libraries)
            _log.exception("the nets stay on the CPU; please report this")
        else:
            _log.warning("the nets run on the GPU now")
            return nets
        return None

    def _nets(self) -> FrameNets | None:
        ready = self._opening.done() and not self._given_up
        return self._opening.result() if ready else None

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the plans are ready or have failed once; return whether the GPU answers."""
        self._tried.wait(timeout_s)
        return self.on_gpu

    def outputs(self, role: str, gray: Gray, anchors: Points) -> Outputs | None:
        """Return one net's outputs from the GPU, None where the CPU has to answer.

        The expression net is not due in every frame, the eye net is: asking for the first runs
        both, so that a frame waits for the GPU once, and the second call finds its answer.
        """
        nets = self._nets()
        if nets is None:
            return None
        last, self._last = self._last, None
        if last and last.gray is gray and np.array_equal(last.anchors, anchors):
            waiting = last.outputs.pop(role, None)
            if waiting is not None:
                return waiting
        try:
            crops = self._crops(anchors, face=role == "expression")
            found = nets.run(gray, crops)
            answer = found.pop(role)
        except EngineError as error:
            _log.error("the nets go back to the CPU: %s", error)
        except Exception:  # noqa: BLE001  (the supervisor of the GPU's libraries)
            _log.exception("the nets go back to the CPU; please report this")
        else:
            self._last = _Waiting(gray, anchors.copy(), found)
            return answer
        self._give_up()
        return None

    def _crops(self, anchors: Points, *, face: bool) -> dict[str, list[Crop]]:
        crops: dict[str, list[Crop]] = {}
        if self._cpu_eye_state is not None:
            right, left = self._cpu_eye_state.matrices(anchors)
            crops["eye_state"] = [Crop(right), Crop(left, mirror=True)]
        if face and self._cpu_expression is not None:
            crops["expression"] = [Crop(self._cpu_expression.matrix(anchors))]
        return crops

    def _give_up(self) -> None:
        self._given_up, self._last = True, None
        self._worker.submit(self._free)  # after the preparation, should that still go on

    def _free(self) -> None:
        nets = self._opening.result()
        if nets is not None:
            nets.close()

    def close(self) -> None:
        """Stop a build, free the GPU; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._stop.set()
        self._preparation.cancel()
        self._give_up()
        if not self._worker.stop(CLOSE_TIMEOUT_S):
            _log.warning("the GPU does not come to an end; it is left alone")


class AcceleratedExpression:
    """The expression net wherever it runs."""

    def __init__(self, nets: AcceleratedNets, cpu: ExpressionNet) -> None:
        self._nets, self._cpu = nets, cpu

    def read(self, gray: Gray, anchors: Points) -> ExpressionScores:
        """Score the face with these (4, 2) anchors. Raises EngineError."""
        out = self._nets.outputs("expression", gray, anchors)
        if out is None:
            return self._cpu.read(gray, anchors)
        return self._cpu.told(out)


class AcceleratedEyeState:
    """The eye-state net wherever it runs."""

    def __init__(self, nets: AcceleratedNets, cpu: EyeStateNet) -> None:
        self._nets, self._cpu = nets, cpu

    def read(
        self, gray: Gray, anchors: Points, corners: Points | None = None
    ) -> tuple[EyeScores, EyeScores]:
        """Score both eyes as :meth:`EyeStateNet.read` does. Raises EngineError."""
        out = self._nets.outputs("eye_state", gray, anchors)
        if out is None:
            return self._cpu.read(gray, anchors, corners)
        heights = (
            None if corners is None else self._cpu.heights(self._cpu.matrices(anchors), corners)
        )
        return self._cpu.scores(out, heights)
