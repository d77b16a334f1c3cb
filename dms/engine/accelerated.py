"""The nets on the GPU as soon as their plans are ready, on the CPU until then and after a failure.

The first build takes minutes: it runs in a process of its own while the CPU engine monitors, and
the change from one to the other happens between two frames.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from dms.engine.engine import Tensor
from dms.engine.frame_nets import Crop, FrameNets
from dms.engine.manifest import Manifest
from dms.engine.plans import PlanError, PlanKey, PlanStore
from dms.engine.prepare import key_of, this_machine
from dms.engine.tensorrt import tensorrt_module
from dms.errors import EngineError
from dms.expression import ExpressionNet
from dms.eye_state import EyeScores, EyeStateNet
from dms.resource import Resource
from dms.values import ExpressionScores, Gray, Points

log = logging.getLogger(__name__)

TOLD_EVERY_S = 10.0  # a silent build of minutes would look hung
Outputs = dict[str, Tensor]
Builder = Callable[[Sequence[str]], subprocess.Popen[str]]


def start_build(arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start ``dms engine build`` with ``arguments`` as a process of its own."""
    command = [sys.executable, "-m", "dms.cli", "engine", "build", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Preparation:
    """Gets all plans ready in the background: found, or built, then loaded."""

    def __init__(
        self,
        manifests: Sequence[Manifest],
        store: PlanStore | None = None,
        *,
        precision: str = "int8",
        dla_core: int | None = None,
        module: ModuleType | None = None,
        builder: Builder | None = None,
    ) -> None:
        self._manifests = manifests
        self._store = store or PlanStore()
        self._precision, self._dla_core = precision, dla_core
        self._module = module
        self._builder = builder or start_build
        self._building: subprocess.Popen[str] | None = None
        self._stop = threading.Event()

    def open(self) -> FrameNets:
        """Return the nets on the GPU. Raises EngineError where that is not possible."""
        module = self._module or tensorrt_module()
        keys = {
            net.name: key_of(net, this_machine(module), self._precision) for net in self._manifests
        }
        missing = [name for name, key in keys.items() if self._store.find(key) is None]
        if missing:
            self._build(missing, f"no plan for TensorRT {module.__version__} on this GPU yet")
        try:
            return self._load(module)
        except PlanError as error:
            if missing:
                raise
            for key in keys.values():
                stale = self._store.find(key)
                if stale is not None:
                    self._store.remove(stale)
            self._build(list(keys), str(error))
        return self._load(module)

    def _keys(self, module: ModuleType) -> dict[str, PlanKey]:
        machine = this_machine(module)
        return {
            net.name: key_of(net, machine, self._precision, self._dla_core)
            for net in self._manifests
        }

    def _load(self, module: ModuleType) -> FrameNets:
        plans: dict[str, bytes] = {}
        for name, key in self._keys(module).items():
            stored = self._store.find(key)
            if stored is None:
                raise EngineError(f"the build made no plan for {name}; see its messages above")
            plans[name] = stored.load()
        return FrameNets(plans, module=module, cubins=self._store.folder)

    def _build(self, names: Sequence[str], why: str) -> None:
        """Run the build and pass on what it says; it ends with :meth:`cancel`."""
        log.warning(
            "%s: building %s, which takes minutes; the CPU watches meanwhile",
            why,
            " and ".join(names),
        )
        if self._stop.is_set():
            raise EngineError("the build was cancelled; start dms again")
        more = ["--precision", self._precision, "--folder", str(self._store.folder)]
        if self._dla_core is not None:
            more += ["--dla", str(self._dla_core)]
        with self._builder([*names, *more]) as process:
            self._building = process
            if self._stop.is_set():
                process.terminate()
            told_s = time.monotonic()
            for line in process.stdout or ():
                due = time.monotonic() - told_s >= TOLD_EVERY_S
                told_s = time.monotonic() if due else told_s
                log.log(logging.WARNING if due else logging.INFO, "building: %s", line.rstrip())
        self._building = None
        if process.returncode:
            raise EngineError(
                f"building the plans failed with code {process.returncode}; run 'dms engine "
                "build' and read what it says"
            )

    def cancel(self) -> None:
        """Stop a running build."""
        self._stop.set()
        building = self._building
        if building is not None:
            building.terminate()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What one frame's run has found for nets that have not asked yet."""

    gray: Gray
    anchors: Points
    outputs: dict[str, Outputs]


class AcceleratedNets(Resource):
    """Both nets behind the same two ``read`` calls as on the CPU. A context manager."""

    def __init__(
        self,
        expression: ExpressionNet | None,
        eye_state: EyeStateNet | None,
        preparation: Preparation,
    ) -> None:
        self._cpu_expression, self._cpu_eye_state = expression, eye_state
        self._preparation = preparation
        self._nets: FrameNets | None = None
        self._ready: FrameNets | None = None  # handed over by the thread
        self._last: _Waiting | None = None
        self.expression = AcceleratedExpression(self, expression) if expression else None
        self.eye_state = AcceleratedEyeState(self, eye_state) if eye_state else None
        self._thread = threading.Thread(target=self._prepare, name="dms-plans", daemon=True)
        self._thread.start()

    @property
    def on_gpu(self) -> bool:
        """Whether the GPU answers now."""
        return self._nets is not None or self._ready is not None

    def _prepare(self) -> None:
        try:
            self._ready = self._preparation.open()
        except EngineError as error:
            log.error("the nets stay on the CPU: %s", error)
        else:
            log.warning("the nets run on the GPU now")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the plans are ready or have failed; return whether the GPU answers."""
        self._thread.join(timeout_s)
        return self.on_gpu

    def outputs(self, name: str, gray: Gray, anchors: Points) -> Outputs | None:
        """Return one net's outputs from the GPU, None where the CPU has to answer.

        Both nets run in the first call of a frame; the second call finds its answer waiting.
        """
        if self._nets is None:
            self._nets, self._ready = self._ready, None
        if self._nets is None:
            return None
        last, self._last = self._last, None
        if last and last.gray is gray and np.array_equal(last.anchors, anchors):
            waiting = last.outputs.pop(name, None)
            if waiting is not None:
                return waiting
        try:
            found = self._nets.run(gray, self._crops(anchors))
        except EngineError as error:
            log.error("the nets go back to the CPU: %s", error)
            self._drop()
            return None
        answer = found.pop(name)
        self._last = _Waiting(gray, anchors.copy(), found)
        return answer

    def _crops(self, anchors: Points) -> dict[str, list[Crop]]:
        crops: dict[str, list[Crop]] = {}
        if self._cpu_eye_state is not None:
            right, left = self._cpu_eye_state.matrices(anchors)
            crops["eye_state"] = [Crop(right), Crop(left, mirror=True)]
        if self._cpu_expression is not None:
            crops["expression"] = [Crop(self._cpu_expression.matrix(anchors))]
        return crops

    def _drop(self) -> None:
        nets, self._nets, self._last = self._nets or self._ready, None, None
        self._ready = None
        if nets is None:
            return
        try:
            nets.close()
        except EngineError as error:
            log.error("closing the GPU: %s", error)

    def close(self) -> None:
        """Stop a build, free the GPU; a second call does nothing."""
        self._preparation.cancel()
        self._thread.join()
        self._drop()


class AcceleratedExpression:
    """The expression net wherever it runs."""

    def __init__(self, nets: AcceleratedNets, cpu: ExpressionNet) -> None:
        self._nets, self._cpu = nets, cpu

    def read(self, gray: Gray, anchors: Points) -> ExpressionScores:
        """Score the face with these (4, 2) anchors. Raises EngineError."""
        out = self._nets.outputs("expression", gray, anchors)
        if out is None:
            return self._cpu.read(gray, anchors)
        return self._cpu.scores(out["ferplus"][0], out["fer2013"][0])


class AcceleratedEyeState:
    """The eye-state net wherever it runs."""

    def __init__(self, nets: AcceleratedNets, cpu: EyeStateNet) -> None:
        self._nets, self._cpu = nets, cpu

    def read(self, gray: Gray, anchors: Points) -> tuple[EyeScores, EyeScores]:
        """Score the driver's right and left eye, given the (4, 2) anchors. Raises EngineError."""
        out = self._nets.outputs("eye_state", gray, anchors)
        return self._cpu.read(gray, anchors) if out is None else self._cpu.scores(out)
